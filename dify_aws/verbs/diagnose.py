"""diagnose: looks at everything that is known to go wrong."""

from __future__ import annotations

from argparse import ArgumentParser
from functools import partial

from dify_aws.operations.diagnosis import diagnose as checks
from dify_aws.operations.diagnosis.diagnosis import Diagnosis
from dify_aws.operations.run.command_line import FAILURE, SUCCESS, CommandLine
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.verb import reading_verb
from dify_aws.verbs.outputs import outputs_of


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--open-access", action="store_true", help="lease port 22 during the diagnosis, to check the host from inside"
    )


def _run(line: CommandLine) -> int:
    diagnosis = diagnose(line.deployment(), open_access=line.options["open_access"])
    line.show(diagnosis)
    return FAILURE if diagnosis else SUCCESS


@reading_verb(
    "check for all known problems and say what to do; the exit status is 1 if something is wrong",
    permissions=checks.PERMISSIONS,
    arguments=_arguments,
    run=_run,
)
def diagnose(deployment: DeploymentContext, *, open_access: bool = False) -> Diagnosis:
    """Look at everything that is known to go wrong, from AWS to the containers, and change nothing.

    What cannot be looked at is a finding that says so, and no error.

    Args:
        open_access: also open port 22 if it is closed, for as long as the machine is looked at.

    Returns:
        The findings; it is true if something is wrong.
    """
    return checks.diagnose(
        deployment.aws,
        deployment.settings,
        deployment.stack,
        deployment.connectivity,
        partial(outputs_of, deployment),
        open_access=open_access,
    )
