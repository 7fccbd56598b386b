"""Conversation: one command on one channel, with all three of its streams flowing at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from dify_aws.host.host import NO_STATUS

PIECE: Final = 65_536

CUT_OFF: Final = (OSError, EOFError)
"""What paramiko raises when it has something to send and nobody is there."""


class Channel(Protocol):
    """What is needed of a channel of SSH."""

    @property
    def eof_received(self) -> int: ...

    def exec_command(self, command: str) -> None: ...

    def recv(self, nbytes: int) -> bytes: ...

    def recv_stderr(self, nbytes: int) -> bytes: ...

    def sendall(self, s: bytes) -> None: ...

    def shutdown_write(self) -> None: ...

    def recv_exit_status(self) -> int: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class CommandOutput:
    """What came over the channel, and how it ended."""

    out: bytes
    err: bytes
    status: int
    expired: bool
    """Whether it was given up because its time was over."""

    whole: bool
    """Whether the host told the end of it all: of what was said, and how it ended."""


def exchange(channel: Channel, command: str, stdin: bytes, seconds: float) -> CommandOutput:
    """Run a command to its end, or for ``seconds`` at the most.

    A thread each for stdin and stderr, because they share one window: whoever does not read one of them while the other
    is full waits forever. The timer closes the channel, which ends every wait on it; paramiko has none of its own here.

    Raises:
        Exception: whatever the channel raises when the command cannot be started.
    """
    expired = threading.Event()

    def expire() -> None:
        expired.set()
        _close(channel)

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    try:
        channel.exec_command(command)
        errors: list[bytes] = []
        threads = [
            threading.Thread(target=_read, args=(channel.recv_stderr, errors), daemon=True),
            threading.Thread(target=_feed, args=(channel, stdin), daemon=True),
        ]
        for thread in threads:
            thread.start()
        output: list[bytes] = []
        _read(channel.recv, output)
        for thread in threads:
            thread.join()
        status = channel.recv_exit_status()
    finally:
        timer.cancel()
        _close(channel)
    whole = bool(channel.eof_received) and status != NO_STATUS
    return CommandOutput(b"".join(output), b"".join(errors), status, expired.is_set(), whole)


def _read(receive: Callable[[int], bytes], into: list[bytes]) -> None:
    while piece := receive(PIECE):
        into.append(piece)


def _feed(channel: Channel, data: bytes) -> None:
    # It may end, or be cut off, before it has read everything: its status tells.
    with suppress(*CUT_OFF):
        if data:
            channel.sendall(data)
        channel.shutdown_write()


def _close(channel: Channel) -> None:
    with suppress(*CUT_OFF):
        channel.close()
