"""Converge: check, apply, check again, for all steps of a host; and stop there for a dry run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from typing import Final

from dify_aws.change import Change
from dify_aws.install.clock import Clock, WallClock
from dify_aws.install.errors import ConnectionLost, InstallFailed, StepNotConverged
from dify_aws.install.host import Host
from dify_aws.install.mask import Mask
from dify_aws.install.progress import Listener, Teller, quiet
from dify_aws.install.report import Outcome, Report, State, outcome
from dify_aws.install.step import Step, needed
from dify_aws.install.survey import Survey
from dify_aws.secrets import Secret

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

    Returns:
        What was done, step by step. It is true if anything was changed (or would be).

    Raises:
        StepsWrong: the list of steps makes no sense; nothing was asked.
        HostError: the host could not be asked; nothing was changed.
        InstallFailed: a step failed; its report tells the rest. The next run goes on from there.
    """
    needs = needed(steps)
    mask = Mask(secrets)
    tell = Teller(listener, clock or WallClock(), mask)
    run = _Run(host, steps, Survey(host, steps, needs), tell, mask, dry_run)
    run.survey.look_at_all()
    tell.planned(len(steps), f"{host.where}: {len(steps)} steps")
    edges = {name: frozenset[str]() if dry_run else before for name, before in needs.items()}
    try:
        failures = _walk(edges, run.visit, workers=workers, go_on=dry_run, on_interrupt=on_interrupt)
    except KeyboardInterrupt as interrupt:
        interrupt.add_note(f"stopped; done: {', '.join(run.outcomes) or 'nothing'}. Run again to go on from here.")
        raise
    report = run.report()
    tell.finished(report.summary())
    if failures:
        cause = next(iter(failures.values()))
        # A traceback shows the cause as it is, so one that quotes a secret is left out.
        raise InstallFailed(report, failures) from (cause if mask(str(cause)) == str(cause) else None)
    return report


class _Run:
    """One run: the steps by name, what is known, and what came of each."""

    def __init__(
        self, host: Host, steps: Sequence[Step], survey: Survey, tell: Teller, mask: Mask, dry_run: bool
    ) -> None:
        self.host = host
        self.steps = {step.name: step for step in steps}
        self.survey = survey
        self.tell = tell
        self.mask = mask
        self.dry_run = dry_run
        self.outcomes: dict[str, Outcome] = {}
        self._asked_before = host.round_trips

    def visit(self, name: str) -> None:
        """Bring one step to its end, and note what came of it."""
        step, began = self.steps[name], self.tell.now()
        changes: tuple[Change, ...] = ()
        try:
            changes = tuple(step.check(self.survey.of(step)))
            if changes and not self.dry_run:
                with self.tell.work(name):
                    self._apply(step, changes)
        except Exception as error:
            self._note(name, "failed", began, changes, str(error))
            raise
        self._note(name, "already so" if not changes else "would change" if self.dry_run else "done", began, changes)

    def _note(self, name: str, state: State, began: float, changes: Sequence[Change], error: str = "") -> None:
        seconds = self.tell.now() - began
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
            changes = tuple(step.check(self.survey.after(step)))
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
            round_trips=self.host.round_trips - self._asked_before,
            dry_run=self.dry_run,
        )


def _walk(
    edges: dict[str, frozenset[str]],
    visit: Callable[[str], None],
    *,
    workers: int,
    go_on: bool,
    on_interrupt: Callable[[], None],
) -> dict[str, Exception]:
    """Visit each node after all that it needs. After a failure nothing new, unless ``go_on``. Returns the failures."""
    sorter = TopologicalSorter(edges)
    sorter.prepare()
    failures: dict[str, Exception] = {}
    ready: list[str] = []
    running: dict[Future[None], str] = {}
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="dify-aws-host") as pool:
        try:
            while True:
                ready += sorter.get_ready()
                while ready and len(running) < workers and (go_on or not failures):
                    node = ready.pop(0)
                    running[pool.submit(visit, node)] = node
                if not running:
                    return failures
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    node = running.pop(future)
                    if isinstance(error := future.exception(), Exception):
                        failures[node] = error
                    elif error is not None:
                        raise error
                    else:
                        sorter.done(node)
        except KeyboardInterrupt:
            on_interrupt()
            raise
