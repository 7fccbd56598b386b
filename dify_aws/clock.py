"""Clock: how the library waits, so that a test (and the offline world) can let time pass as it likes."""

from __future__ import annotations

import threading
import time
from typing import Final, Protocol

AWAKE_OR_NOT: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""A clock that goes on while the machine is suspended: Linux and macOS give it different names. A lock that has run out
over lunch must not look fresh."""


class Clock(Protocol):
    """Seconds since some fixed moment, and the means to wait."""

    def now(self) -> float:
        """Seconds since some fixed moment."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` go by."""
        ...


class Stopped(Exception):
    """A wait was ended early because the whole run is being stopped."""


class SystemClock:
    """Real time. Its sleeps end at once when :meth:`stop` is called, so that Ctrl-C does not wait for a poll."""

    def __init__(self) -> None:
        self._stopping = threading.Event()

    def now(self) -> float:
        """Seconds since some fixed moment."""
        return time.clock_gettime(AWAKE_OR_NOT)

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` go by. Raises Stopped if the run is being stopped."""
        if self._stopping.wait(seconds):
            raise Stopped

    def stop(self) -> None:
        """End every sleep, now and until :meth:`resume`."""
        self._stopping.set()

    def resume(self) -> None:
        """A new run begins: it may sleep."""
        self._stopping.clear()
