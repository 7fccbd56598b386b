"""apply: creates and updates the resources in AWS, and leaves the host alone."""

from __future__ import annotations

from dify_aws.engine.plan import Plan
from dify_aws.operations.history.record import changes_of
from dify_aws.operations.run.agreement import add_plan_file, agreed_plan
from dify_aws.operations.run.command_line import SUCCESS, CommandLine
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.recorded_run import RecordedRun
from dify_aws.operations.run.verb import changing_verb
from dify_aws.outputs import Outputs
from dify_aws.verbs.outputs import outputs_of
from dify_aws.verbs.plan import plan as plan_all


def _run(line: CommandLine) -> int:
    agreed = agreed_plan(line, lambda deployment: plan_all(deployment).of_resources())
    line.show(apply(line.working(), agreed))
    return SUCCESS


@changing_verb(
    "create and update the resources in AWS; the host is left alone; shows the plan and asks",
    operand="[FILE]",
    arguments=add_plan_file,
    run=_run,
)
def apply(deployment: DeploymentContext, run: RecordedRun, plan: Plan | None = None) -> Outputs:
    """Make AWS as desired. A second run changes nothing; a killed run is resumed by the next one.

    Args:
        plan: a plan that was looked at and agreed to. Nothing is done that it does not show.

    Returns:
        Where everything is.

    Raises:
        PlanRefused: some of it cannot be done; nothing was changed.
        PlanOutdated: AWS has changed since ``plan`` was made; nothing was changed.
        AlreadyLocked: another run is at work; nothing was changed.
        RunFailed: something failed on the way; it says what is done, and the next run goes on from there.
    """
    applied = deployment.stack.apply(deployment.aws, plan, listener=deployment.listener, run_lock=run)
    run.note(changes_of(applied.plan))
    found = outputs_of(deployment, applied.found)
    run.note([], found)
    return found
