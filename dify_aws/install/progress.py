"""Progress: what happens during an install, told as it happens to whoever listens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias

from dify_aws.install.clock import Clock

Moment: TypeAlias = Literal["planned", "started", "done", "failed", "finished"]


@dataclass(frozen=True)
class StepEvent:
    """One moment of a run, in the words of :class:`dify_aws.Event`, so that one listener can hear both.

    ``address`` is the name of a step. "started", and "done" or "failed" after it, are told of steps that change
    something; "planned" once at the beginning, and "finished" once at the end.
    """

    moment: Moment
    address: str = ""
    verb: str = ""
    seconds: float = 0.0
    total: int = 0
    detail: str = ""


Listener: TypeAlias = Callable[[StepEvent], None]
"""Called from several threads, one event at a time."""


def quiet(event: StepEvent) -> None:
    """The listener that does nothing."""


class Teller:
    """Tells a listener about the work of several threads, one event at a time."""

    def __init__(self, listener: Listener, clock: Clock, mask: Callable[[str], str]) -> None:
        self._listener = listener
        self._mask = mask
        self._clock = clock
        self._lock = threading.Lock()
        self._began = clock.now()

    def now(self) -> float:
        """Seconds since some fixed moment."""
        return self._clock.now()

    def passed(self) -> float:
        """Seconds since the run began."""
        return self._clock.now() - self._began

    @contextmanager
    def work(self, step: str) -> Iterator[None]:
        """Tell that work on a step has started, and how it ended."""
        began = self.now()
        self._tell(StepEvent("started", step, "update"))
        try:
            yield
        except Exception as error:
            self._tell(StepEvent("failed", step, "update", self.now() - began, detail=self._mask(str(error))))
            raise
        self._tell(StepEvent("done", step, "update", self.now() - began))

    def planned(self, total: int, detail: str) -> None:
        """Tell how many steps there are."""
        self._tell(StepEvent("planned", total=total, detail=detail))

    def finished(self, detail: str) -> None:
        """Tell that the run is over."""
        self._tell(StepEvent("finished", seconds=self.passed(), detail=detail))

    def _tell(self, event: StepEvent) -> None:
        with self._lock:
            self._listener(event)
