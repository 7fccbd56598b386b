"""HostRun: one run on a host: lists of steps, one after the other or side by side, and one report of them all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from dify_aws.change import Change
from dify_aws.clock import Clock, SystemClock
from dify_aws.events import EventEmitter, Listener, quiet
from dify_aws.host.errors import ConnectionLost, InstallFailed, StepNotConverged
from dify_aws.host.fact_collection import FactCollection
from dify_aws.host.host import Host
from dify_aws.host.mask import Mask
from dify_aws.host.report import Outcome, Report, State, outcome, replaced
from dify_aws.host.step import Step, StepsWrong, needed
from dify_aws.secrets import Secret
from dify_aws.walk import walk

WORKERS: Final = 4
"""Steps at a time: beyond that, a small machine only gets slower."""

RESUMED: Final = 3
"""How often a step goes on after the connection was lost in the middle of it."""


class HostRun:
    """What is wanted of a host, what is known of it, and what came of each step. Threads may share it.

    Args:
        host: the machine.
        dry_run: only find out what would be changed.
        listener: is told what happens as it happens, one event at a time, from several threads.
        secrets: texts that nothing that is shown may hold.
        clock: how to wait.
        workers: how many steps are worked on at a time.
    """

    def __init__(
        self,
        host: Host,
        *,
        dry_run: bool = False,
        listener: Listener = quiet,
        secrets: Iterable[Secret] = (),
        clock: Clock | None = None,
        workers: int = WORKERS,
    ) -> None:
        self.host = host
        self.dry_run = dry_run
        self.clock = clock or SystemClock()
        self.failures: dict[str, Exception] = {}
        self._steps: dict[str, Step] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._secrets = tuple(secrets)
        self._mask = Mask(self._secrets)
        self._facts = FactCollection(host)
        self._emitter = EventEmitter(listener, self.clock.now, host.where, self.masked)
        self._workers = workers
        self._at_work = threading.BoundedSemaphore(workers)
        self._lock = threading.Lock()
        self._round_trips_before = host.round_trips

    def masked(self, text: str) -> str:
        """A text without the secrets that are known until now.

        Args:
            text: what somebody will see.
        """
        return self._mask(text)

    def hide(self, secrets: Iterable[Secret]) -> None:
        """Show none of these from now on either.

        Args:
            secrets: that became known during the run.
        """
        self._secrets = (*self._secrets, *secrets)
        self._mask = Mask(self._secrets)

    def expect(self, steps: Sequence[Step], *, ask: bool = True) -> None:
        """Take steps into the run. Those that are known already by their names are replaced.

        Args:
            steps: in an order in which they can be done.
            ask: also ask what they have to know, all in one round trip. :meth:`converge` asks for the rest.

        Raises:
            StepsWrong: together with the others they make no sense; nothing was asked.
            HostError: the host could not be asked.
        """
        with self._lock:
            needs = needed(list({**self._steps, **_by_name(steps)}.values()))
            new = [step for step in steps if step.name not in self._steps]
            self._steps.update(_by_name(steps))
            self._facts.expect(steps, needs)
        if ask:
            self._facts.collect()
        if new:
            count = len(self._steps)
            self._emitter.planned(count, f"{self.host.where}: {count} steps")

    def converge(
        self,
        steps: Sequence[Step],
        *,
        stage: str = "",
        dry_run: bool | None = None,
        on_interrupt: Callable[[], None] = lambda: None,
    ) -> Report:
        """Bring some steps to their end. What they need besides must have been brought there before.

        Args:
            steps: they, as they are wanted now.
            stage: which part of the run this is, for events and messages.
            dry_run: as for the whole run; None: as that one.
            on_interrupt: is called on Ctrl-C, to end what is waited for.

        Returns:
            What came of these steps.

        Raises:
            StepsWrong: a step needs one that was not done.
            InstallFailed: a step failed.
        """
        dry_run = self.dry_run if dry_run is None else dry_run
        for step in steps:
            self.failures.pop(step.name, None)
        self.expect(steps, ask=False)
        names = [step.name for step in steps]
        before = {name: self._facts.needs(name) for name in names}
        undone = {
            f"{name!r} needs {need!r}" for name in names for need in before[name].difference(names) if self._open(need)
        }
        if undone and not dry_run:
            raise StepsWrong(f"{'; '.join(sorted(undone))}, which was not done before")
        edges = {name: frozenset[str]() if dry_run else before[name].intersection(names) for name in names}

        def visit(name: str) -> None:
            with self._at_work:
                self._visit(name, stage, dry_run=dry_run)

        walked = walk(edges, visit, workers=self._workers, may_fail=names if dry_run else (), on_interrupt=on_interrupt)
        report = self.report(names)
        if failures := walked.failures:
            self.failures |= failures
            raise self.failed(report, failures)
        return report

    def failed(self, report: Report, failures: dict[str, Exception]) -> InstallFailed:
        """The error of a run in which steps failed.

        Args:
            report: of the run.
            failures: by the names of the steps.
        """
        error = InstallFailed(report, failures)
        cause = next(iter(failures.values()))
        # A traceback shows the cause as it is, so one that quotes a secret is left out.
        error.__cause__ = cause if self.masked(str(cause)) == str(cause) else None
        return error

    def report(self, names: Iterable[str] | None = None) -> Report:
        """What came of the run until now, in the order of the steps.

        Args:
            names: of the steps that it is about; None: all of them.
        """
        return Report(
            where=self.host.where,
            outcomes=tuple(
                self._outcomes.get(name, Outcome(name, "not tried"))
                for name in (self._steps if names is None else names)
            ),
            seconds=self._emitter.passed(),
            round_trips=self.host.round_trips - self._round_trips_before,
            dry_run=self.dry_run,
        )

    def finished(self) -> Report:
        """Tell the listener that the run is over; its report."""
        report = self.report()
        self._emitter.finished(report.summary())
        return report

    def _open(self, name: str) -> bool:
        return name not in self._outcomes or self._outcomes[name].state in ("failed", "not tried")

    def _visit(self, name: str, stage: str, *, dry_run: bool) -> None:
        """Bring one step to its end, and note what came of it."""
        step, began = self._steps[name], self.clock.now()
        changes: tuple[Change, ...] = ()
        try:
            changes = tuple(step.check(self._facts.of(step)))
            if changes and not dry_run:
                with self._emitter.work("update", name, stage=stage):
                    self._apply(step, changes)
        except Exception as error:
            self._note(name, "failed", began, changes, stage, str(error))
            raise
        self._facts.done(step)
        self._note(name, "already so" if not changes else "would change" if dry_run else "done", began, changes, stage)

    def _note(
        self, name: str, state: State, began: float, changes: Sequence[Change], stage: str, error: str = ""
    ) -> None:
        seconds = self.clock.now() - began
        now = outcome(name, state, self.masked, seconds=seconds, changes=changes, error=error, stage=stage)
        with self._lock:
            self._outcomes[name] = replaced(self._outcomes.get(name), now)

    def _apply(self, step: Step, changes: tuple[Change, ...]) -> None:
        for lost in range(RESUMED + 1):
            try:
                step.apply(self.host, changes)
                cut = False
            except ConnectionLost:
                if lost == RESUMED:
                    raise
                cut = True
            changes = tuple(step.check(self._facts.after(step)))
            if not changes:
                return
            if not cut:
                raise StepNotConverged(self.host.where, step.name, changes)


def _by_name(steps: Iterable[Step]) -> dict[str, Step]:
    found: dict[str, Step] = {}
    for step in steps:
        if step.name in found:
            raise StepsWrong(f"two steps are called {step.name!r}")
        found[step.name] = step
    return found
