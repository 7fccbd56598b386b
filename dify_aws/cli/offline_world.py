"""Offline world: the background process that keeps an offline world, so that one command finds what another one made.

A command with ``--offline`` hands its words, its environment variables and its three streams to that process, which
runs it, because the state of AWS and the model machines are in its memory. Ctrl-C is passed on to it.
"""

from __future__ import annotations

import array
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from dify_aws.errors import DifyAwsError

RUNTIME: Final = "XDG_RUNTIME_DIR"
LARGEST: Final = 1 << 20
"""Bytes of a request: words and environment variables."""


def socket_path(environ: Mapping[str, str]) -> Path:
    """Where the process listens: in a folder that only this user can enter.

    Args:
        environ: the environment variables.

    Raises:
        DifyAwsError: the folder belongs to somebody else, or is open to others.
    """
    base = environ.get(RUNTIME) or tempfile.gettempdir()
    folder = Path(base, f"dify-aws-offline-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise DifyAwsError(
            f"{folder} is not a folder of this user alone: delete it, or set {RUNTIME} to another place."
        )
    return folder / "world"


class WorldClient:
    """The other end: a connection to the process that keeps the world, for one request. A context manager.

    Args:
        connection: to its socket.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("r", encoding="utf-8")
        try:
            self.pid = int(json.loads(self._stream.readline())["pid"])
        except BaseException:
            self._stream.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._stream.close()
        self._connection.close()

    @classmethod
    def connect(cls, environ: Mapping[str, str]) -> WorldClient | None:
        """A connection; None if no world is open.

        Args:
            environ: the environment variables.
        """
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(str(socket_path(environ)))
            return cls(connection)
        except (OSError, ValueError):
            connection.close()
            return None

    def run(self, words: Sequence[str], environ: Mapping[str, str], streams: Sequence[int]) -> int:
        """Let the process run one command.

        Args:
            words: of the command line.
            environ: the environment variables.
            streams: the descriptors of stdin, stdout and stderr.

        Returns:
            The exit status.

        Raises:
            DifyAwsError: the process ended meanwhile.
        """
        request = {"words": list(words), "environ": dict(environ), "folder": os.getcwd()}
        return self._request(request, streams)

    def stop(self) -> None:
        """End the world."""
        self._request({"stop": True}, ())

    def _request(self, request: Mapping[str, Any], streams: Sequence[int]) -> int:
        text = json.dumps(request).encode() + b"\n"
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", streams))] if streams else []
        self._connection.sendmsg([text[:1]], rights)
        self._connection.sendall(text[1:])
        answer: str | None = None
        while answer is None:
            try:
                answer = self._stream.readline()
            except KeyboardInterrupt:
                # The command ends as it would here, and says so itself.
                os.kill(self.pid, signal.SIGINT)
        if not answer:
            raise DifyAwsError("the offline world has ended. `dify-aws offline` opens another one.")
        return int(json.loads(answer)["status"])


def start(environ: Mapping[str, str], speed: float) -> int:
    """Start the process that keeps a world, and return when it listens.

    Args:
        environ: the environment variables.
        speed: seconds of waiting for AWS per real second.

    Returns:
        Its process id.

    Raises:
        DifyAwsError: it did not start.
    """
    command = [sys.executable, "-m", "dify_aws.cli.offline_process", str(socket_path(environ)), str(speed)]
    child = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    started = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=child,
        start_new_session=True,
        text=True,
        check=False,
    )
    if started.returncode:
        raise DifyAwsError(f"the offline world did not start: {started.stderr.strip().rpartition(chr(10))[2]}")
    return int(started.stdout)
