"""Cloud: what AWS remembers and moto does not: the time, what is on its way, quotas, client tokens."""

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
    """The state that corrections share. It lives as long as the world, and everything in it is touched under `lock`.

    `lock` is also what makes each EC2 action one step, as it is on AWS: moto checks first and acts later, and sixteen
    threads would find the gap.
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

    def later(self, seconds: float, happens: Callable[[], object]) -> None:
        """Let `happens` be called once `seconds` have passed: by the first call to AWS after that moment."""
        with self.lock:
            heapq.heappush(self._due, (self.clock.now() + seconds, next(self._order), happens))

    def settle(self) -> None:
        """Do everything whose time has come, in the order of time."""
        with self.lock:
            now = self.clock.now()
            while self._due and self._due[0][0] <= now:
                heapq.heappop(self._due)[2]()

    def remember(self, subject: str) -> dict[Any, Any]:
        """The notebook about `subject` (an empty one at first); what is written in it stays until the world closes."""
        with self.lock:
            notebook: dict[Any, Any] = self._memory.setdefault(subject, {})
            return notebook
