"""deploy: apply, install, and a check of Dify, in one run."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator

from dify_aws.engine.plan import Plan
from dify_aws.errors import RunFailed
from dify_aws.host.report import Report
from dify_aws.operations.access import access, host_key
from dify_aws.operations.history.record import changes_of
from dify_aws.operations.install import Installer
from dify_aws.operations.run.agreement import add_our_address, add_plan_file, agreed_plan
from dify_aws.operations.run.command_line import SUCCESS, CommandLine
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.recorded_run import RecordedRun
from dify_aws.operations.run.verb import changing_verb
from dify_aws.outputs import Outputs
from dify_aws.verbs.install import installer_of
from dify_aws.verbs.outputs import outputs_of
from dify_aws.verbs.plan import plan as plan_all


def _arguments(parser: ArgumentParser) -> None:
    add_plan_file(parser)
    add_our_address(parser)


def _run(line: CommandLine) -> int:
    agreed = agreed_plan(line, plan_all)
    line.show(deploy(line.working(), agreed))
    return SUCCESS


@changing_verb(
    "everything: AWS, the host and Dify, checked at the end; shows the plan and asks",
    permissions=access.PERMISSIONS | host_key.PERMISSIONS,
    operand="[FILE]",
    arguments=_arguments,
    run=_run,
)
def deploy(deployment: DeploymentContext, run: RecordedRun, plan: Plan | None = None) -> Outputs:
    """Everything: :meth:`apply`, :meth:`install`, and a check of Dify. The one call that a person makes.

    The work on the machine begins as soon as it is there, while AWS still makes what the machine does not need.

    Args:
        plan: a plan that was looked at and agreed to. Nothing is done in AWS that it does not show.

    Returns:
        Where everything is.

    Raises:
        PlanRefused: as for :meth:`apply`, or the release is older than the one that is installed; nothing was changed.
        PlanOutdated, AlreadyLocked: as for :meth:`apply`; nothing was changed.
        RunFailed: something failed in AWS; it says what is done, and the next run goes on from there.
        HostError: AWS is done, and something is wrong with the machine, as for :meth:`install`.
    """
    with installer_of(deployment, run, probe=True) as installer:
        nodes = installer.nodes(deployment.topology, deployment.account)
        try:
            applied = deployment.stack.apply(
                deployment.aws, plan, listener=deployment.listener, nodes=nodes, run_lock=run
            )
        except RunFailed:
            run.note(changes_of(*_reports(installer)))
            raise
        run.note(changes_of(applied.plan, *_reports(installer)))
        found = outputs_of(deployment, applied.found)
        run.note([], found)
        installer.finish(applied.failed)
    return found


def _reports(installer: Installer) -> Iterator[Report]:
    if report := installer.report():
        yield report
