"""Event: what happens during a run, sent to the listener as it happens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from dify_aws.printable import printable

Moment: TypeAlias = Literal["waiting", "planned", "relocating", "started", "done", "failed", "finished"]


@dataclass(frozen=True)
class Event:
    """One moment of a run, in AWS or on a host.

    ``moment`` is "waiting" if another run has the lock, or AWS needs longer than usual before it takes an order
    (``detail`` tells which run, or what AWS is waited for); "planned" once at the beginning and "finished" once at the
    end; "relocating" if AWS has no capacity in a zone and another one is tried (``detail`` names both; "planned" comes
    once more after it); all four without an address. "started", then "done" or "failed" for each thing that is worked
    on. ``address`` is that of a resource or the name of a step, ``verb`` is create, update or delete; ``seconds``
    counts from the start of the same thing (of the run, for "finished"); ``total`` is how many things there are to do.
    ``usual`` is how many seconds it usually takes, with "started", where that is known.
    ``where`` tells runs apart that go on at the same time: the deployment, or the host. ``stage`` is the stage of the
    installation that a step belongs to, as in "dify/docker"; it is empty in AWS.
    """

    moment: Moment
    address: str = ""
    verb: str = ""
    seconds: float = 0.0
    total: int = 0
    detail: str = ""
    where: str = ""
    usual: float = 0.0
    stage: str = ""


Listener: TypeAlias = Callable[[Event], None]
"""Called from several threads, one event at a time."""


def quiet(event: Event) -> None:
    """The listener that does nothing."""


class EventEmitter:
    """Tells a listener about the work of several threads, one event at a time."""

    def __init__(
        self,
        listener: Listener,
        now: Callable[[], float],
        where: str,
        mask: Callable[[str], str] = lambda text: text,
    ) -> None:
        self._listener = listener
        self._now = now
        self._where = where
        self._mask = mask
        self._lock = threading.Lock()
        self._began = now()

    def tell(self, event: Event) -> None:
        """Pass one event on."""
        with self._lock:
            address, detail = printable(event.address), printable(event.detail)
            self._listener(replace(event, where=self._where, address=address, detail=detail))

    @contextmanager
    def work(self, verb: str, address: str, detail: str = "", *, usual: float = 0.0, stage: str = "") -> Iterator[None]:
        """Tell that work on ``address`` has started, and how it ended."""
        began = self._now()
        self.tell(Event("started", address, verb, detail=detail, usual=usual, stage=stage))
        try:
            yield
        except Exception as error:
            self.tell(Event("failed", address, verb, self._now() - began, detail=self._mask(str(error)), stage=stage))
            raise
        self.tell(Event("done", address, verb, self._now() - began, stage=stage))

    @contextmanager
    def reported(self, address: str) -> Iterator[None]:
        """Tell only if work on ``address`` fails: what it does is told by others."""
        began = self._now()
        try:
            yield
        except Exception as error:
            self.tell(Event("failed", address, "update", self._now() - began, detail=self._mask(str(error))))
            raise

    def planned(self, total: int, detail: str) -> None:
        """Tell how much there is to do."""
        self.tell(Event("planned", total=total, detail=detail))

    def waiting(self, detail: str) -> None:
        """Tell what is waited for, when that takes longer than usual."""
        self.tell(Event("waiting", detail=detail))

    def relocating(self, detail: str) -> None:
        """Tell that the run goes on in another place, and why."""
        self.tell(Event("relocating", detail=detail))

    def passed(self) -> float:
        """Seconds since the run began."""
        return self._now() - self._began

    def finished(self, detail: str) -> None:
        """Tell that the run is over."""
        self.tell(Event("finished", seconds=self.passed(), detail=detail))
