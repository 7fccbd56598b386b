"""Lab: the stack of one case in an offline world, run again and again, each time by a new process."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final, TypeVar

from dify_aws import Actual, Applied, Aws, Plan, Stack
from dify_aws.aws.actions import action_of
from dify_aws.offline.calls import Call
from dify_aws.offline.world import World
from tests.support.case import Case, Hand

T = TypeVar("T")

DEPLOYMENT: Final = "lab"
SHOWN_SECONDS: Final = 60


class Lab:
    """What a case is tried in. ``calls`` are those of our own runs; what is done by hand is not in it."""

    def __init__(self, world: World, case: Case) -> None:
        self.world = world
        self.case = case
        self.hand = Hand(world)
        self.calls: list[Call] = []
        self.applied: Applied | None = None
        case.prepare(self.hand)

    def stack(self, **other: Any) -> Stack:
        """The stack of the case; ``other`` wishes for the thing itself."""
        *needed, subject = self.case.stack()
        return Stack(DEPLOYMENT, [*needed, replace(subject, **other)])

    def aws(self) -> Aws:
        """A new run: nothing is remembered from the last one."""
        return Aws(self.world.session, deployment=DEPLOYMENT)

    def plan(self, **other: Any) -> Plan:
        return self._noted(lambda: self.stack(**other).plan(self.aws()))

    def apply(self, **other: Any) -> Applied:
        self.applied = self._noted(lambda: self.stack(**other).apply(self.aws()))
        return self.applied

    def destroy(self) -> Applied:
        return self._noted(lambda: self.stack().destroy(self.aws(), delete_data=True))

    def found(self) -> Mapping[str, Actual]:
        """All that is there of the stack, by address."""
        return {address: actual for address, actual in self.stack().find(self.aws()).items() if actual is not None}

    def drift(self, name: str) -> None:
        """Do by hand, right after an apply, what the case calls ``name``."""
        assert self.applied is not None
        found = self.applied.found
        # What a person makes is there for longer than a moment when they go on with it.
        lags = dict(self.world.lags)
        self.world.lags.clear()
        self.case.drift[name](self.hand, found, found[self.case.address])
        self.world.lags.update(lags)
        # AWS shows what was changed a moment ago as it was before, now and then; who looks later sees it as it is.
        self.world.clock.advance(SHOWN_SECONDS)

    def remove(self) -> None:
        """Delete the thing by hand."""
        found = self.found()
        self.case.remove(self.hand, found, found[self.case.address])

    def writes(self) -> list[Call]:
        """Those of ``calls`` that change something."""
        return [call for call in self.calls if call.writes]

    def actions(self) -> set[str]:
        """The IAM actions of ``calls``."""
        return {action_of(str(call)) for call in self.calls}

    def _noted(self, run: Callable[[], T]) -> T:
        before = len(self.world.calls)
        try:
            return run()
        finally:
            self.calls += self.world.calls[before:]
