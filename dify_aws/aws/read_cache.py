"""Census: what AWS holds for us, read once per table and run, shared by everything that looks.

A table is one kind of read ("subnets", "alarms"). Whoever changes something says which tables that makes stale;
a read that began before the change is never used after it. Threads that want the same table at the same time share
one call.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any, TypeVar

T = TypeVar("T")


class ReadCache:
    """Answers that are still true, by table and key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._versions: dict[str, int] = {}
        self._answers: dict[tuple[str, ...], tuple[int, Future[Any]]] = {}
        self._next: dict[tuple[str, ...], Future[Any]] = {}

    def read(self, table: str, fetch: Callable[[], T], *key: str) -> T:
        """The answer for ``table`` (and ``key`` in it): one that is still true, else what ``fetch`` says.

        At most one read of a place is under way. Whoever needs a newer one meanwhile waits for the next, together with
        everybody else who does: four things changed at once cost two looks and not four.
        """
        place = (table, *key)
        with self._lock:
            version, answer = self._answers.get(place, (-1, None))
            if answer is None or version != self._versions.get(table, 0):
                before, answer, ours = answer, self._next.get(place), place not in self._next
                if answer is None:
                    answer = self._next[place] = Future()
            else:
                before, ours = None, False
        if ours:
            if before is not None:
                wait([before])
            self._ask(place, answer, fetch)
        result: T = answer.result()
        return result

    def _ask(self, place: tuple[str, ...], answer: Future[Any], fetch: Callable[[], T]) -> None:
        with self._lock:
            del self._next[place]
            known = self._answers[place] = (self._versions.get(place[0], 0), answer)
        try:
            answer.set_result(fetch())
        except BaseException as error:  # noqa: BLE001 - every thread that waits for it hears of it
            with self._lock:
                if self._answers.get(place) == known:
                    del self._answers[place]
            answer.set_exception(error)

    def know(self, table: str, answer: object, *key: str) -> None:
        """Remember what need not be asked, because AWS has just said it in another way."""
        known: Future[Any] = Future()
        known.set_result(answer)
        with self._lock:
            self._answers[(table, *key)] = (self._versions.get(table, 0), known)

    def forget(self, *tables: str) -> None:
        """Something in these tables has been changed (or may have been changed): read them anew next time."""
        with self._lock:
            for table in tables:
                self._versions[table] = self._versions.get(table, 0) + 1

    def forget_all(self) -> None:
        """A new run: look at everything anew."""
        with self._lock:
            self._answers.clear()
