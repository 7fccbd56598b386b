"""Survey: what is known of the machine during a run, and whether it is still true."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dify_aws.host.fact import Facts
from dify_aws.host.host import Host
from dify_aws.host.step import Step


@dataclass(frozen=True)
class _Seen:
    facts: Facts
    moment: int


class FactCollection:
    """Asks everything in one round trip at first, and later again only what a change may have touched.

    What was seen for a step holds until one of the steps that it needs has changed something. Moments are counted, not
    timed: one for each change that has ended.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._steps: dict[str, Step] = {}
        self._needs: Mapping[str, frozenset[str]] = {}
        self._lock = threading.Lock()
        self._moment = 0
        self._changed: dict[str, int] = {}
        self._seen: dict[str, _Seen] = {}
        self._waiting: set[str] = set()
        self._undone: set[str] = set()

    def expect(self, steps: Sequence[Step], needs: Mapping[str, frozenset[str]]) -> None:
        """Take steps in, or replace those of the same names. What was seen for these still counts.

        Args:
            steps: that are still to be done.
            needs: of every step of the run, all that must be done before it.
        """
        with self._lock:
            names = [step.name for step in steps]
            self._steps |= dict(zip(names, steps, strict=True))
            self._needs = needs
            self._waiting.update(names)
            self._undone.update(names)

    def needs(self, name: str) -> frozenset[str]:
        """All that must be done before a step, however far back.

        Args:
            name: of the step.
        """
        return self._needs[name]

    def of(self, step: Step) -> Facts:
        """What is true now of what the step asks."""
        with self._lock:
            self._waiting.discard(step.name)
            if self._fresh(step.name):
                return self._seen[step.name].facts
        return self._look(step)

    def after(self, step: Step) -> Facts:
        """The same, after the step has changed, or may have changed, something."""
        with self._lock:
            self._moment += 1
            self._changed[step.name] = self._moment
        return self._look(step)

    def done(self, step: Step) -> None:
        """Nothing more is to be done for this step."""
        with self._lock:
            self._undone.discard(step.name)

    def collect(self) -> None:
        """Ask what every step wants to know of which nothing is known yet, at once."""
        if names := [name for name in self._steps if name not in self._seen]:
            self._ask(names)

    def _look(self, step: Step) -> Facts:
        """Ask for this step, and in the same breath for those that wait for nothing, or only for it."""
        with self._lock:
            ahead = [
                name
                for name in self._steps
                if name in self._waiting
                and self._needs[name] & self._undone <= {step.name}
                and (step.name in self._needs[name] or not self._fresh(name))
            ]
        self._ask((step.name, *ahead))
        with self._lock:
            return self._seen[step.name].facts

    def _fresh(self, name: str) -> bool:
        """Whether what was seen for a step holds still."""
        seen = self._seen.get(name)
        return (
            seen is not None
            and all(fact in seen.facts for fact in self._steps[name].facts())
            and all(self._changed.get(need, 0) <= seen.moment for need in self._needs[name])
        )

    def _ask(self, names: Sequence[str]) -> None:
        with self._lock:
            moment = self._moment
        facts = self._host.ask(fact for name in names for fact in self._steps[name].facts())
        with self._lock:
            for name in names:
                self._seen[name] = _Seen(facts, moment)
