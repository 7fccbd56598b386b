"""Census: what AWS holds for us, read once per table and run, shared by everything that looks.

A table is one kind of read ("subnets", "alarms"). Whoever changes something says which tables that makes stale;
a read that began before the change is never used after it. Threads that want the same table at the same time share
one call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Census:
    """Answers that are still true, by table and key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._versions: dict[str, int] = {}
        self._answers: dict[tuple[str, ...], tuple[int, Future[Any]]] = {}

    def read(self, table: str, fetch: Callable[[], T], *key: str) -> T:
        """The answer for ``table`` (and ``key`` in it): one that is still true, else what ``fetch`` says."""
        place = (table, *key)
        with self._lock:
            version = self._versions.get(table, 0)
            known = self._answers.get(place)
            ours = known is None or known[0] != version
            if known is None or known[0] != version:
                answer: Future[Any] = Future()
                self._answers[place] = (version, answer)
            else:
                answer = known[1]
        if ours:
            try:
                answer.set_result(fetch())
            except BaseException as error:  # noqa: BLE001 - every thread that waits for it hears of it
                with self._lock:
                    if self._answers.get(place) == (version, answer):
                        del self._answers[place]
                answer.set_exception(error)
        result: T = answer.result()
        return result

    def forget(self, *tables: str) -> None:
        """Something in these tables has been changed (or may have been changed): read them anew next time."""
        with self._lock:
            for table in tables:
                self._versions[table] = self._versions.get(table, 0) + 1

    def forget_all(self) -> None:
        """A new run: look at everything anew."""
        with self._lock:
            self._answers.clear()
