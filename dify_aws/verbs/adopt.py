"""adopt: takes something that was made by other means into a deployment; plan_adopt shows it before."""

from __future__ import annotations

from argparse import ArgumentParser

from dify_aws.aws.create_request import TAGS
from dify_aws.engine.plan import Plan
from dify_aws.operations import adopt as adoption
from dify_aws.operations.run.agreement import agreed_plan
from dify_aws.operations.run.command_line import CHANGES, SUCCESS, CommandLine
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.recorded_run import RecordedRun
from dify_aws.operations.run.verb import changing_verb, reading_verb


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("address", metavar="ADDRESS", help='the address that it gets, as "vpc/main"')
    parser.add_argument("id", metavar="ID", help="AWS's id of it, or its name where it has one")
    parser.add_argument(
        "--plan", action="store_true", help="only show what it would change; the exit status is that of plan"
    )


def _run(line: CommandLine) -> int:
    address, id = line.options["address"], line.options["id"]
    if line.options["plan"]:
        planned = plan_adopt(line.deployment(), address, id)
        line.show(planned)
        return CHANGES if planned else SUCCESS
    agreed = agreed_plan(line, lambda deployment: plan_adopt(deployment, address, id))
    line.show(adopt(line.working(), address, id, agreed))
    return SUCCESS


@reading_verb("what adopt would do", command="adopt --plan")
def plan_adopt(deployment: DeploymentContext, address: str, id: str) -> Plan:
    """What :meth:`adopt` would do, and how the thing differs from what is desired. Reads only.

    Args:
        address: what it shall be, as in "vpc/main".
        id: AWS's id of it, or its name where it has one.

    Returns:
        The plan; it is true when there is something to do.

    Raises:
        NotAdoptable, NotOurs: there is no such thing, it is another's, or the address is taken.
        PlanRefused: it differs in what AWS fixes at creation.
    """
    return adoption.plan_adoption(deployment.aws, deployment.stack, address, id)


@changing_verb(
    "give an existing resource the tags of the deployment; the next apply updates it",
    operand="ADDRESS ID",
    arguments=_arguments,
    run=_run,
)
def adopt(deployment: DeploymentContext, run: RecordedRun, address: str, id: str, plan: Plan | None = None) -> Plan:
    """Put our tags on a thing that was made by other means; the next :meth:`apply` makes it as desired.

    Args:
        address: what it shall be, as in "vpc/main".
        id: AWS's id of it, or its name where it has one.
        plan: a plan that was looked at and agreed to.

    Returns:
        What was done, with the differences that are left for :meth:`apply`.

    Raises:
        NotAdoptable, NotOurs: there is no such thing, it is another's, or the address is taken.
        PlanRefused: it differs in what AWS fixes at creation.
        PlanOutdated: it differs in more than ``plan`` shows.
        AlreadyLocked: another run is at work; nothing was changed.
    """

    def note(todo: Plan) -> None:
        # Of all that its plan shows, the tags alone are changed.
        run.note([{"verb": "update", "address": each.address, "id": each.id, "changes": [TAGS]} for each in todo])

    return adoption.adopt(deployment.aws, deployment.stack, address, id, plan, lock=run, before_change=note)
