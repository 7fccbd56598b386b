"""Cloud: the state of AWS that moto lacks: time, pending changes, quotas, client tokens."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable
from typing import Any

from dify_aws.clock import Clock

# https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
DEFAULT_QUOTAS = {"vpc": 5, "elastic-ip": 5, "internet-gateway": 5, "nat-gateway": 5}


class Cloud:
    """The shared state of the corrections. It exists as long as the world, and is accessed only while holding `lock`.

    `lock` also makes each EC2 action atomic, as in AWS: moto checks first and acts later, and 16 threads would cause
    race conditions.

    Args:
        clock: the clock of the world.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.quotas = dict(DEFAULT_QUOTAS)
        self.lags: dict[str, float] = {}
        self.no_capacity: set[tuple[str, str]] = set()
        self.default_key_unusable = False
        self._memory: dict[str, dict[Any, Any]] = {}
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()

    def later(self, seconds: float, change: Callable[[], object]) -> None:
        """Schedule a change: the first call to AWS after this time executes it.

        Args:
            seconds: seconds from now.
            change: the function to call.
        """
        with self.lock:
            heapq.heappush(self._due, (self.clock.now() + seconds, next(self._order), change))

    def settle(self) -> None:
        """Execute all changes that are due, in the order of time."""
        with self.lock:
            now = self.clock.now()
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2]()

    def remember(self, subject: str) -> dict[Any, Any]:
        """A dict for notes of corrections; it is kept until the world is closed.

        Args:
            subject: its name. The first call creates it.
        """
        with self.lock:
            notebook: dict[Any, Any] = self._memory.setdefault(subject, {})
            return notebook
