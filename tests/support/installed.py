"""Installed: Dify put on a model machine, stage by stage as a topology has them, without AWS."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dify_aws.events import Listener, quiet
from dify_aws.host.packages.publishers import Publishers
from dify_aws.host.report import Report
from dify_aws.host.step import Step
from dify_aws.offline.machine.host import ModelHost
from dify_aws.runtimes.compose.dify_secrets import DifySecrets
from dify_aws.runtimes.compose.installation import Installation
from dify_aws.runtimes.compose.stages.order import STAGES, all_steps
from dify_aws.runtimes.compose.stages.stage import StageInputs
from dify_aws.settings import Settings
from dify_aws.walk import walk
from tests.support.bundles import OUTPUTS, SECRETS


def install(
    host: ModelHost,
    settings: Settings,
    *,
    dry_run: bool = False,
    probe: bool = False,
    listener: Listener = quiet,
    before: Callable[[str], None] = lambda stage: None,
) -> Report:
    """One run of all stages, each as soon as those that it needs are done.

    Args:
        before: is called with the name of each stage before it.
    """
    installation = Installation(
        host,
        settings,
        OUTPUTS,
        publishers=Publishers(),
        listener=listener,
        clock=host.machine.clock,
        dry_run=dry_run,
        probe=probe,
    )
    installation.give(SECRETS)
    stages = {stage.name: stage for stage in STAGES}

    def visit(name: str) -> None:
        before(name)
        installation.run(stages[name], OUTPUTS)

    walk({stage.name: [need.name for need in stage.needs] for stage in STAGES}, visit, may_fail=stages)
    try:
        return installation.finish()
    finally:
        installation.close()


def steps_of(settings: Settings, secrets: DifySecrets = SECRETS, *, https: bool = False) -> Sequence[Step]:
    """The whole installation as one list."""
    return all_steps(
        StageInputs(settings=settings, outputs=OUTPUTS, secrets=secrets, publishers=Publishers(), https=https)
    )
