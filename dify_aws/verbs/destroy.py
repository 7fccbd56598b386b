"""destroy: deletes everything of a deployment, except what holds data; plan_destroy shows it before."""

from __future__ import annotations

from argparse import ArgumentParser

from dify_aws.engine.applied import Applied
from dify_aws.engine.plan import Plan
from dify_aws.operations.history.record import changes_of
from dify_aws.operations.run.command_line import SUCCESS, CommandLine
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.recorded_run import RecordedRun
from dify_aws.operations.run.verb import changing_verb, reading_verb


def add_delete_data(parser: ArgumentParser) -> None:
    """Add the option ``--delete-data``.

    Args:
        parser: of a command that destroys, or shows what would be destroyed.
    """
    parser.add_argument(
        "--delete-data",
        action="store_true",
        help="also the data volume and the bucket with its contents; this cannot be undone",
    )


def _arguments(parser: ArgumentParser) -> None:
    add_delete_data(parser)


def _run(line: CommandLine) -> int:
    delete_data: bool = line.options["delete_data"]
    if not line.options["yes"] and (plan := plan_destroy(line.deployment(), delete_data=delete_data)):
        line.show_question(plan)
        line.confirm(line.deployment().settings.environment)
    line.show_destroyed(destroy(line.working(), delete_data=delete_data))
    return SUCCESS


@reading_verb("what destroy would do", command="plan --destroy")
def plan_destroy(deployment: DeploymentContext, *, delete_data: bool = False) -> Plan:
    """What :meth:`destroy` would do. Reads only.

    Args:
        delete_data: as for :meth:`destroy`.

    Returns:
        The plan; it is true when there is something to delete.

    Raises:
        PlanRefused: AWS was told not to delete some of it; every reason at once.
    """
    return deployment.stack.plan_destroy(deployment.aws, delete_data=delete_data)


@changing_verb("delete everything except what holds data; asks for confirmation", arguments=_arguments, run=_run)
def destroy(deployment: DeploymentContext, run: RecordedRun, delete_data: bool = False) -> Applied:
    """Delete everything of this deployment, except what holds data.

    It works from what is found in AWS, so only the environment and the region of the settings have to be right.

    Args:
        delete_data: also delete the data volume and the bucket with everything in it. This cannot be undone.

    Returns:
        What was deleted; what was kept is in ``kept``.

    Raises:
        PlanRefused: AWS was told not to delete some of it; nothing was changed.
        AlreadyLocked: another run is at work; nothing was changed.
        RunFailed: something could not be deleted; the next run goes on from there.
    """
    applied = deployment.stack.destroy(
        deployment.aws, delete_data=delete_data, listener=deployment.listener, run_lock=run
    )
    run.note(changes_of(applied.plan))
    return applied
