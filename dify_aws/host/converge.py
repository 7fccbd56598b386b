"""Converge: check, apply, check again, for one list of steps of a host; and stop there for a dry run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from dify_aws.clock import Clock
from dify_aws.events import Listener, quiet
from dify_aws.host.host import Host
from dify_aws.host.host_run import WORKERS, HostRun
from dify_aws.host.report import Report
from dify_aws.host.step import Step
from dify_aws.secrets import Secret


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
        host: the machine.
        steps: in an order in which they can be done.
        dry_run: only tell what would be changed. What a step sees is the machine of now, without the changes of those
            before it.
        listener: is told what happens as it happens, one event at a time, from several threads.
        secrets: texts that nothing that is shown may hold.
        clock: how to wait.
        workers: how many steps are worked on at a time.
        on_interrupt: is called on Ctrl-C, to end what is waited for; ``host.close`` does.

    Returns:
        What was done, step by step. It is true if anything was changed (or would be).

    Raises:
        StepsWrong: the list of steps makes no sense; nothing was asked.
        HostError: the host could not be asked; nothing was changed.
        InstallFailed: a step failed; its report tells the rest. The next run goes on from there.
    """
    run = HostRun(host, dry_run=dry_run, listener=listener, secrets=secrets, clock=clock, workers=workers)
    run.expect(steps)
    try:
        return run.converge(steps, on_interrupt=on_interrupt)
    finally:
        run.finished()
