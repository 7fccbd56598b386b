"""FastClock: waiting that takes no time, for tests whose work does."""

from __future__ import annotations

import time
from collections.abc import Callable


class FastClock:
    """Real time plus all that was slept, which takes no time. ``on_sleep`` sees each sleep."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.on_sleep: Callable[[int], None] = lambda count: None

    def now(self) -> float:
        return time.monotonic() + sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.on_sleep(len(self.slept))
