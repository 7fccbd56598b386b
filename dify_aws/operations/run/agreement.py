"""Agreement: the plan that a person has agreed to before a command changes anything: shown and asked, or a file."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Iterator

from dify_aws.change import shown, unknown
from dify_aws.engine.plan import Action, Plan
from dify_aws.engine.saved_plan import load_plan
from dify_aws.errors import DifyAwsError, PlanOutdated
from dify_aws.operations.run.command_line import CommandLine
from dify_aws.operations.run.context import DeploymentContext


def add_plan_file(parser: ArgumentParser) -> None:
    """Add the positional argument FILE.

    Args:
        parser: of a command that executes a plan.
    """
    meaning = "a plan that `plan --out FILE` saved: it is executed without a question, if it still matches"
    parser.add_argument("plan_file", nargs="?", metavar="FILE", help=meaning)


def add_our_address(parser: ArgumentParser) -> None:
    """Add the option ``--address``.

    Args:
        parser: of a command that connects to the machine.
    """
    meaning = "the public address of this computer, for where it cannot be found out"
    parser.add_argument("--address", dest="our_address", metavar="IP", help=meaning)


def agreed_plan(line: CommandLine, planned: Callable[[DeploymentContext], Plan]) -> Plan | None:
    """The plan that the command may execute.

    Args:
        line: the command.
        planned: makes the plan of now.

    Returns:
        The plan that was agreed to; None if ``--yes`` agrees to whatever is to be done.

    Raises:
        PlanOutdated: the saved plan does not match any more; nothing was changed.
        DifyAwsError: nobody agreed, or the file is no plan of this deployment.
    """
    if file := line.options.get("plan_file"):
        return _still_matching(load_plan(file), file, planned(line.deployment()))
    if line.options["yes"]:
        return None
    plan = planned(line.deployment())
    if plan:
        line.agree(plan)
    return plan


def _still_matching(saved: Plan, file: str, now: Plan) -> Plan:
    if (saved.deployment, saved.region) != (now.deployment, now.region):
        raise DifyAwsError(
            f"{file} is a plan for {saved.deployment} in {saved.region}, and these settings are for {now.deployment} "
            f"in {now.region}. Nothing was changed."
        )
    if more := [*now.beyond(saved), *_created_otherwise(now, saved)]:
        raise PlanOutdated(more)
    return saved


def _created_otherwise(now: Plan, saved: Plan) -> Iterator[Action]:
    """What both plans create, with other values than the saved one shows: these settings are others."""
    then = {action.address: action for action in saved if action.verb == "create"}
    for action in now:
        if action.verb == "create" and action.address in then:
            agreed = {change.attribute: change.after for change in then[action.address].changes}
            if any(
                not unknown(agreed.get(change.attribute)) and shown(change.after) != shown(agreed.get(change.attribute))
                for change in action.changes
            ):
                yield action
