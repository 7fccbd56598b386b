"""Clock: how the installer waits, so that a test (and the offline world) can let time pass as it likes."""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Seconds since some fixed moment, and the means to wait."""

    def now(self) -> float:
        """Seconds since some fixed moment."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` go by."""
        ...


class WallClock:
    """Real time."""

    def __init__(self) -> None:
        self._never = threading.Event()

    def now(self) -> float:
        """Seconds since some fixed moment."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` go by."""
        self._never.wait(seconds)
