"""install: installs and updates the host, from the data volume to a Dify that answers."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Mapping

from dify_aws.engine.node import run_nodes
from dify_aws.engine.plan import Plan
from dify_aws.engine.resource import Actual
from dify_aws.engine.run_lock import NoRunLock, RunLock
from dify_aws.host.report import Report
from dify_aws.operations.access import access, host_key
from dify_aws.operations.history.record import changes_of
from dify_aws.operations.install import Installer
from dify_aws.operations.installed import with_dify
from dify_aws.operations.run.agreement import add_our_address
from dify_aws.operations.run.command_line import SUCCESS, CommandLine
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.recorded_run import RecordedRun
from dify_aws.operations.run.verb import changing_verb
from dify_aws.verbs.outputs import outputs_of


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="only show what would change, files as a diff")
    add_our_address(parser)


def _run(line: CommandLine) -> int:
    if not line.options["dry_run"]:
        _agree(line)
    line.show(install(line.working(), dry_run=line.options["dry_run"]))
    return SUCCESS


def _agree(line: CommandLine) -> None:
    """Show what the tags of the machine say that would be changed there, and ask. It makes no connection."""
    if line.options["yes"]:
        return
    deployment = line.deployment()
    found = deployment.stack.find(deployment.aws)
    if todo := with_dify(Plan(deployment.aws.deployment, deployment.aws.region), deployment.settings, found):
        line.agree(todo)


@changing_verb(
    "install and update the host; the resources in AWS must exist; shows what would change and asks",
    permissions=access.PERMISSIONS | host_key.PERMISSIONS,
    arguments=_arguments,
    run=_run,
)
def install(deployment: DeploymentContext, run: RecordedRun, *, dry_run: bool = False) -> Report:
    """Make the machine as desired, from the data volume to a Dify that answers. AWS has to be there already.

    A second run changes nothing and restarts nothing; one that was killed anywhere is resumed by the next. If
    anything was changed, Dify is checked at the end.

    Args:
        dry_run: only show what would be changed on the machine, files as a diff; nothing is.

    Returns:
        What was done, step by step. It is true if anything was (or would be) changed.

    Raises:
        DifyAwsError: there is no such deployment, or it is not complete.
        AlreadyLocked: another run is at work; nothing was changed.
        HostError: the machine could not be reached, or is not fit for it; nothing was changed.
        InstallFailed: a step failed; it says what is done, and the next run goes on from there.
    """
    if dry_run:
        return install_stages(deployment, NoRunLock(), deployment.stack.find(deployment.aws), dry_run=True)
    with run:
        found = deployment.stack.find(deployment.aws)
        outputs = outputs_of(deployment, found)
        report = install_stages(deployment, run, found, note=lambda part: run.note(changes_of(part)))
        run.note([], outputs)
    return report


def install_stages(
    deployment: DeploymentContext,
    run_lock: RunLock,
    found: Mapping[str, Actual | None],
    *,
    dry_run: bool = False,
    probe: bool = False,
    note: Callable[[Report], None] = lambda report: None,
) -> Report:
    """Run the stages of the installation, where all resources are there already.

    Args:
        deployment: whose machine is installed.
        run_lock: checked before each step.
        found: the resources, by address.
        dry_run: only find out what would be changed.
        probe: try Dify out at the end, even if nothing was changed.
        note: is given the report, also if a stage failed.

    Raises:
        DifyAwsError: there is no such deployment, or it is not complete.
        PlanRefused: the release is older than the one that is installed, or cannot follow it at once.
        HostError: as :func:`install`.
    """
    outputs_of(deployment, found)
    with installer_of(deployment, run_lock, dry_run=dry_run, probe=probe) as installer:
        nodes = installer.nodes(deployment.topology, deployment.account)
        nodes.check(found)
        failed = run_nodes(nodes, deployment.stack.edges, found)
        if report := installer.report():
            note(report)
        return installer.finish(failed)


def installer_of(
    deployment: DeploymentContext, run_lock: RunLock, *, dry_run: bool = False, probe: bool = False
) -> Installer:
    """What runs the stages of a deployment.

    Args:
        deployment: whose machine is installed.
        run_lock: checked before each step.
        dry_run: only find out what would be changed.
        probe: try Dify out at the end, even if nothing was changed.
    """
    return Installer(
        deployment.aws,
        deployment.settings,
        deployment.connectivity,
        deployment.listener,
        run_lock,
        dry_run=dry_run,
        probe=probe,
    )
