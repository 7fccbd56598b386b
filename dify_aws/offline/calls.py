"""Call: one request that was sent to AWS, and the ledger that records the calls in order."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_READING = ("Describe", "Get", "List", "Head", "Lookup", "Search", "Query", "Scan", "BatchGet", "Simulate", "Filter")


@dataclass(frozen=True)
class Call:
    """One request.

    Args:
        service: boto3's name of the service ("ec2").
        operation: AWS's name of the operation ("CreateVpc").
        params: the parameters that were passed to boto3.
    """

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
    """All calls that were sent, in order. It is thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: list[Call] = []

    def note(self, call: Call) -> None:
        """Add a call at the end.

        Args:
            call: the call.
        """
        with self._lock:
            self._calls.append(call)

    def calls(self) -> list[Call]:
        """A copy of the current list."""
        with self._lock:
            return list(self._calls)

    def forget(self) -> None:
        """Clear the list."""
        with self._lock:
            self._calls.clear()
