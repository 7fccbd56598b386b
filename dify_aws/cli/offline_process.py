"""Offline process: keeps an offline world and runs one command after the other in it: see offline_world.py."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Final, TextIO, cast

from dify_aws.cli.offline_world import LARGEST
from dify_aws.cli.run import main
from dify_aws.cli.terminal import Terminal
from dify_aws.offline import offline
from dify_aws.offline.world import World

IDLE_SECONDS: Final = 12 * 3600.0
"""Nobody has to remember to end it."""


def serve(path: Path, speed: float) -> None:
    """Keep a world until somebody stops it, or gives no command for half a day.

    Args:
        path: of the socket.
        speed: seconds of waiting for AWS per real second.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with offline(speed=speed) as world, socket.socket(socket.AF_UNIX) as listener:
        path.unlink(missing_ok=True)
        listener.bind(str(path))
        listener.listen()
        if child := os.fork():
            # Whoever started this goes on, and the world is nobody's child.
            sys.stdout.write(f"{child}\n")
            return
        try:
            _let_go_of_the_terminal()
            listener.settimeout(IDLE_SECONDS)
            with suppress(TimeoutError):
                while _served(listener.accept()[0], world):
                    pass
        finally:
            path.unlink(missing_ok=True)


def _let_go_of_the_terminal() -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)


def _served(connection: socket.socket, world: World) -> bool:
    """One command; False if it was the last."""
    with connection, suppress(OSError, ValueError):
        connection.settimeout(10)
        connection.sendall(json.dumps({"pid": os.getpid()}).encode() + b"\n")
        text, streams, _, _ = socket.recv_fds(connection, LARGEST, 3)
        with ExitStack() as until_the_end:
            for stream in streams:
                until_the_end.callback(os.close, stream)
            while not text.endswith(b"\n"):
                if not (more := connection.recv(LARGEST)) or len(text) > LARGEST:
                    return True
                text += more
            connection.settimeout(None)
            request = json.loads(text)
            status = 0 if "stop" in request else _run(request, streams, world)
            connection.sendall(json.dumps({"status": status}).encode() + b"\n")
            return "stop" not in request
    return True


def _run(request: dict[str, Any], streams: list[int], world: World) -> int:
    os.chdir(request["folder"])
    with ExitStack() as until_the_end:

        def opened(place: int, mode: str) -> TextIO:
            stream = open(streams[place], mode, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
            return cast(TextIO, until_the_end.enter_context(stream))

        terminal = Terminal(opened(0, "r"), opened(1, "w"), opened(2, "w"), request["environ"])
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return main(request["words"], environ=request["environ"], terminal=terminal, session=world.session)
        except SystemExit as ended:
            return ended.code if isinstance(ended.code, int) else 1
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), float(sys.argv[2]))
