"""Call: one request that was sent to AWS, and the ledger that keeps them in order."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_READING = ("Describe", "Get", "List", "Head", "Lookup", "Search", "Query", "Scan", "BatchGet", "Simulate", "Filter")


@dataclass(frozen=True)
class Call:
    """`service` as boto3 names it ("ec2"), `operation` as AWS does ("CreateVpc"), `params` as boto3 was given them."""

    service: str
    operation: str
    params: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def writes(self) -> bool:
        """Whether the operation changes anything, judged by its name."""
        return not self.operation.startswith(_READING)

    def __str__(self) -> str:
        return f"{self.service}.{self.operation}"


class Ledger:
    """Every call that was sent, in order. Threads may write at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []

    def note(self, call: Call) -> None:
        """Add `call` at the end."""
        with self._lock:
            self._calls.append(call)

    def calls(self) -> list[Call]:
        """A copy of what is in the ledger now."""
        with self._lock:
            return list(self._calls)

    def forget(self) -> None:
        """Begin again with nothing."""
        with self._lock:
            self._calls.clear()
