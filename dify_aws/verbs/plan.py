"""plan: what apply would do."""

from __future__ import annotations

from argparse import ArgumentParser

from dify_aws.aws.unexpected_answer import reading
from dify_aws.engine.plan import Plan
from dify_aws.errors import DifyAwsError
from dify_aws.operations.cost.price_difference import plan_difference
from dify_aws.operations.cost.waste import owned, waste
from dify_aws.operations.run.command_line import CHANGES, SUCCESS, CommandLine
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.verb import reading_verb
from dify_aws.prices.sheet import PriceSheet
from dify_aws.verbs.destroy import add_delete_data, plan_destroy


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--destroy", action="store_true", help="what destroy would delete")
    add_delete_data(parser)


def _run(line: CommandLine) -> int:
    destroy, delete_data = line.options["destroy"], line.options["delete_data"]
    if delete_data and not destroy:
        raise DifyAwsError("--delete-data says what destroy would do: it needs --destroy.")
    deployment = line.deployment()
    planned = plan_destroy(deployment, delete_data=delete_data) if destroy else plan(deployment)
    line.show(planned)
    return CHANGES if planned else SUCCESS


@reading_verb(
    "show what apply would change; the exit status is 0 for nothing, 2 for changes, 1 for an error",
    arguments=_arguments,
    run=_run,
)
def plan(deployment: DeploymentContext) -> Plan:
    """What :meth:`apply` would do. Reads only.

    Returns:
        The plan; it is true when there is something to do.

    Raises:
        PlanRefused: some of it cannot be done; every reason at once.
        CredentialsError, PermissionDenied, AwsError: AWS could not be asked.
    """
    aws = deployment.aws
    planned, sheet = deployment.stack.plan(aws), PriceSheet.shipped()
    existing = owned(aws)  # as the plan has just read it: this makes no call
    with reading(aws.deployment, "know what it costs"):
        # The stack's own note speaks of the NAT gateway.
        lost = [str(row) for row in waste(existing, sheet, aws.region) if row.address != "nat-gateway/main"]
        cost = [str(plan_difference(planned, sheet, existing))] if planned else []
    return planned.noted(*cost, *lost)
