"""Clock: how time passes in the offline world, so that waiting minutes for AWS takes a test no time at all."""

from __future__ import annotations

import threading
import time

# A sleep of the virtual clock gives way to other threads at least for this long, or their work would never run.
_LEAST_GIVEN_WAY = 0.0005

FAST = 4000.0


class VirtualClock:
    """Time that moves only when somebody sleeps or says so; computing costs none of it.

    Two threads that sleep two seconds at the same time move it by two seconds, not four. Who sleeps one second comes
    back before who sleeps fifteen: a sleep really lasts `1 / speed` of its time. Work of other threads is done
    meanwhile, so a lower speed makes what is told of times truer.
    """

    def __init__(self, speed: float = FAST) -> None:
        self._speed = speed
        self._lock = threading.Lock()
        self._now = 0.0

    def now(self) -> float:
        """Virtual seconds since the clock was made."""
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        """Return when `seconds` virtual seconds are over, which is almost at once."""
        with self._lock:
            deadline = self._now + max(0.0, seconds)
        time.sleep(max(_LEAST_GIVEN_WAY, seconds / self._speed))
        with self._lock:
            self._now = max(self._now, deadline)

    def advance(self, seconds: float) -> None:
        """Let `seconds` virtual seconds pass without anybody waiting for them."""
        with self._lock:
            self._now += max(0.0, seconds)


class RealClock:
    """The machine's clock, `speed` times faster; at infinite speed everything that takes time is over at once."""

    def __init__(self, speed: float = 1.0) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be more than 0, not {speed}")
        self._speed = speed
        self._start = time.monotonic()

    def now(self) -> float:
        """Seconds since the clock was made, times the speed."""
        if self._speed == float("inf"):
            return self._speed
        return (time.monotonic() - self._start) * self._speed

    def sleep(self, seconds: float) -> None:
        """Wait `seconds` of this clock."""
        time.sleep(max(0.0, seconds) / self._speed)
