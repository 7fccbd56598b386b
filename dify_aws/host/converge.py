"""Converge: check, apply, check again, for all steps of a host; and stop there for a dry run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from dify_aws.change import Change
from dify_aws.clock import Clock, SystemClock
from dify_aws.events import EventEmitter, Listener, quiet
from dify_aws.host.errors import ConnectionLost, InstallFailed, StepNotConverged
from dify_aws.host.fact_collection import FactCollection
from dify_aws.host.host import Host
from dify_aws.host.mask import Mask
from dify_aws.host.report import Outcome, Report, State, outcome
from dify_aws.host.step import Step, needed
from dify_aws.secrets import Secret
from dify_aws.walk import walk

WORKERS: Final = 4
"""Steps at a time: beyond that, a small machine only gets slower."""

RESUMED: Final = 3
"""How often a step goes on after the connection was lost in the middle of it."""


def converge_host(
    host: Host,
    steps: Sequence[Step],
    *,
    dry_run: bool = False,
    listener: Listener = quiet,
    secrets: Iterable[Secret] = (),
    clock: Clock | None = None,
    workers: int = WORKERS,
    on_interrupt: Callable[[], None] = lambda: None,
    called: str = "steps",
) -> Report:
    """Make the machine as the steps wish it. On a machine that is so already: one round trip, and no change.

    A step starts when all that it needs is done. It is checked, applied if anything is not as wished, and checked
    again. When one fails, nothing new starts, and what runs is finished. A connection that is lost in the middle of a
    step is made again; what is left of the step then is done.

    Args:
        dry_run: only tell what would be changed. What a step sees is the machine of now, without the changes of those
            before it.
        listener: is told what happens as it happens, one event at a time, from several threads.
        secrets: texts that nothing that is shown may hold.
        on_interrupt: is called on Ctrl-C, to end what is waited for; ``host.close`` does.
        called: what the listener is told that these are.

    Returns:
        What was done, step by step. It is true if anything was changed (or would be).

    Raises:
        StepsWrong: the list of steps makes no sense; nothing was asked.
        HostError: the host could not be asked; nothing was changed.
        InstallFailed: a step failed; its report tells the rest. The next run goes on from there.
    """
    needs = needed(steps)
    mask = Mask(secrets)
    clock = clock or SystemClock()
    tell = EventEmitter(listener, clock.now, host.where, mask)
    run = _Run(host, steps, FactCollection(host, steps, needs), tell, clock, mask, dry_run)
    run.facts.collect()
    tell.planned(len(steps), f"{host.where}: {len(steps)} {called}")
    edges = {name: frozenset[str]() if dry_run else before for name, before in needs.items()}
    walked = walk(edges, run.visit, workers=workers, go_on=dry_run, on_interrupt=on_interrupt)
    report = run.report()
    tell.finished(report.summary())
    if failures := walked.failures:
        cause = next(iter(failures.values()))
        # A traceback shows the cause as it is, so one that quotes a secret is left out.
        raise InstallFailed(report, failures) from (cause if mask(str(cause)) == str(cause) else None)
    return report


class _Run:
    """One run: the steps by name, what is known, and what came of each."""

    def __init__(
        self,
        host: Host,
        steps: Sequence[Step],
        facts: FactCollection,
        tell: EventEmitter,
        clock: Clock,
        mask: Mask,
        dry_run: bool,
    ) -> None:
        self.host = host
        self.steps = {step.name: step for step in steps}
        self.facts = facts
        self.tell = tell
        self.clock = clock
        self.mask = mask
        self.dry_run = dry_run
        self.outcomes: dict[str, Outcome] = {}
        self._round_trips_before = host.round_trips

    def visit(self, name: str) -> None:
        """Bring one step to its end, and note what came of it."""
        step, began = self.steps[name], self.clock.now()
        changes: tuple[Change, ...] = ()
        try:
            changes = tuple(step.check(self.facts.of(step)))
            if changes and not self.dry_run:
                with self.tell.work("update", name):
                    self._apply(step, changes)
        except Exception as error:
            self._note(name, "failed", began, changes, str(error))
            raise
        self.facts.done(step)
        self._note(name, "already so" if not changes else "would change" if self.dry_run else "done", began, changes)

    def _note(self, name: str, state: State, began: float, changes: Sequence[Change], error: str = "") -> None:
        seconds = self.clock.now() - began
        self.outcomes[name] = outcome(name, state, self.mask, seconds=seconds, changes=changes, error=error)

    def _apply(self, step: Step, changes: tuple[Change, ...]) -> None:
        for lost in range(RESUMED + 1):
            try:
                step.apply(self.host, changes)
                cut = False
            except ConnectionLost:
                if lost == RESUMED:
                    raise
                cut = True
            changes = tuple(step.check(self.facts.after(step)))
            if not changes:
                return
            if not cut:
                raise StepNotConverged(self.host.where, step.name, changes)

    def report(self) -> Report:
        """What came of it all, in the order of the list."""
        return Report(
            where=self.host.where,
            outcomes=tuple(self.outcomes.get(name, Outcome(name, "not tried")) for name in self.steps),
            seconds=self.tell.passed(),
            round_trips=self.host.round_trips - self._round_trips_before,
            dry_run=self.dry_run,
        )
