"""history: what was done to a deployment, by whom and when."""

from __future__ import annotations

from argparse import ArgumentParser

from dify_aws.operations.history import history as records
from dify_aws.operations.history.history import NEWEST
from dify_aws.operations.history.record import Record
from dify_aws.operations.run.command_line import SUCCESS, CommandLine
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.verb import reading_verb


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--newest", type=int, default=NEWEST, metavar="N", help=f"at the most (default: {NEWEST})")


def _run(line: CommandLine) -> int:
    found = history(line.deployment(), newest=line.options["newest"])
    if line.form == "json":
        line.show({"records": [record.to_dict() for record in found]})
    else:
        line.show(
            "\n".join(str(record) for record in found)
            or "nothing is recorded; `dify-aws bootstrap` makes the place for records"
        )
    return SUCCESS


@reading_verb("what was done, by whom and when, if there is a foundation (bootstrap)", arguments=_arguments, run=_run)
def history(deployment: DeploymentContext, *, newest: int = NEWEST) -> tuple[Record, ...]:
    """What was done to it, the newest first: who, when, what, with which settings and versions. Reads only.

    Empty without a :class:`~dify_aws.Foundation`.

    Args:
        newest: how many records at the most.

    Returns:
        The records.

    Raises:
        DifyAwsError: a record was edited, or is of another deployment.
    """
    return records.history(deployment.aws, newest=newest)
