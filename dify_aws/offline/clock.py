"""Clock: the time of the offline world. Waiting minutes for AWS takes almost no real time."""

from __future__ import annotations

import threading
import time

# The minimum real sleep, so that other threads can run.
_MINIMUM_SLEEP = 0.0005

FAST = 4000.0


class VirtualClock:
    """Time that is advanced only by `sleep` and `advance`; computing takes no virtual time.

    Two threads that sleep two seconds at the same time advance it by two seconds, not four. A sleep takes `1 / speed`
    of its time in reality, so a sleep of one second ends before one of fifteen. Other threads work in the meantime, so
    reported times are more accurate at a lower speed.

    Args:
        speed: virtual seconds per real second.
    """

    def __init__(self, speed: float = FAST) -> None:
        self._speed = speed
        self._lock = threading.Lock()
        self._now = 0.0

    def now(self) -> float:
        """Virtual seconds since the creation of the clock."""
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        """Wait in virtual time; this returns almost at once.

        Args:
            seconds: virtual seconds.
        """
        with self._lock:
            deadline = self._now + max(0.0, seconds)
        time.sleep(max(_MINIMUM_SLEEP, seconds / self._speed))
        with self._lock:
            self._now = max(self._now, deadline)

    def advance(self, seconds: float) -> None:
        """Advance the time without waiting.

        Args:
            seconds: virtual seconds.
        """
        with self._lock:
            self._now += max(0.0, seconds)


class RealClock:
    """The real clock, `speed` times faster; at infinite speed, every wait ends at once.

    Args:
        speed: seconds of this clock per real second.

    Raises:
        ValueError: the speed is not greater than 0.
    """

    def __init__(self, speed: float = 1.0) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be more than 0, not {speed}")
        self._speed = speed
        self._start = time.monotonic()

    def now(self) -> float:
        """Seconds since the creation of the clock, times the speed."""
        if self._speed == float("inf"):
            return self._speed
        return (time.monotonic() - self._start) * self._speed

    def sleep(self, seconds: float) -> None:
        """Wait.

        Args:
            seconds: seconds of this clock.
        """
        time.sleep(max(0.0, seconds) / self._speed)
