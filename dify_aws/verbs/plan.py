"""plan: what deploy would do, in AWS and on the host."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator

from dify_aws.aws.errors.unexpected_answer import reading
from dify_aws.engine.plan import Plan
from dify_aws.engine.run_lock import NoRunLock
from dify_aws.engine.saved_plan import save_plan
from dify_aws.errors import DifyAwsError
from dify_aws.operations.cost.price_difference import plan_difference
from dify_aws.operations.cost.waste import owned, waste
from dify_aws.operations.installed import with_dify, with_report
from dify_aws.operations.run.command_line import CHANGES, SUCCESS, CommandLine
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.verb import reading_verb
from dify_aws.prices.sheet import PriceSheet
from dify_aws.verbs.destroy import add_delete_data, plan_destroy
from dify_aws.verbs.install import install_stages


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--destroy", action="store_true", help="what destroy would delete")
    add_delete_data(parser)
    parser.add_argument("--host", action="store_true", help="also compare the host itself, over SSH")
    parser.add_argument("--out", metavar="FILE", help="also save the plan, for `deploy FILE` or `apply FILE`")


def _run(line: CommandLine) -> int:
    destroy, delete_data = line.options["destroy"], line.options["delete_data"]
    if delete_data and not destroy:
        raise DifyAwsError("--delete-data says what destroy would do: it needs --destroy.")
    if destroy and line.options["out"]:
        raise DifyAwsError("--out saves a plan for deploy: it does not go with --destroy.")
    if destroy and line.options["host"]:
        raise DifyAwsError("--host compares the host with the settings: it does not go with --destroy.")
    deployment = line.deployment()
    planned = (
        plan_destroy(deployment, delete_data=delete_data) if destroy else plan(deployment, host=line.options["host"])
    )
    line.show(planned)
    if out := line.options["out"]:
        save_plan(planned, out)
        line.say(f"{out} is written. `dify-aws deploy {out}` executes it, if it still matches.")
    return CHANGES if planned else SUCCESS


@reading_verb(
    "show what deploy would change; the exit status is 0 for nothing, 2 for changes, 1 for an error",
    arguments=_arguments,
    run=_run,
)
def plan(deployment: DeploymentContext, *, host: bool = False) -> Plan:
    """What :meth:`deploy` would do, in AWS and on the host. Reads only.

    What would change on the host is found by comparison with its tags, which say what was last installed and proved.
    Files that somebody changed on the host, and new values of variables that look like secrets, are found only with
    ``host=True``.

    Args:
        host: also connect to the host and compare it, as ``install(dry_run=True)`` does. Where the settings say so,
            port 22 is leased for it, so this needs more permissions than a plan.

    Returns:
        The plan; it is true when there is something to do.

    Raises:
        PlanRefused: some of it cannot be done; every reason at once.
        DifyAwsError, HostError: with ``host``, the deployment is not complete, or the host cannot be reached.
        CredentialsError, PermissionDenied, AwsError: AWS could not be asked.
    """
    aws = deployment.aws
    (planned, found), sheet = deployment.stack.plan_and_found(aws), PriceSheet.shipped()
    existing = owned(aws)  # as the plan has just read it: this makes no call
    with reading(aws.deployment, "know what it costs"):
        # The stack's own note speaks of the NAT gateway.
        lost = [str(row) for row in waste(existing, sheet, aws.region) if row.address != "nat-gateway/main"]
        cost = [str(plan_difference(planned, sheet, existing))] if planned else []
    planned = with_dify(planned, deployment.settings, found)
    if host:
        report = install_stages(deployment, NoRunLock(), deployment.stack.find(aws), dry_run=True)
        planned = with_report(planned, report)
    return planned.noted(*cost, *_downtime(deployment, planned), *lost)


def _downtime(deployment: DeploymentContext, planned: Plan) -> Iterator[str]:
    """What stops the machine, which is in no other line of the plan."""
    host = deployment.topology.addresses.host
    changed = {change.attribute for each in planned if each.address == host for change in each.changes}
    if any(each.verb == "update" and each.address == host for each in planned) and "instance_type" in changed:
        yield "The machine stops for about 2 minutes, and Dify with it: AWS changes no other instance_type."
