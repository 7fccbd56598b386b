"""ssh: a shell on the machine, over port 22 that is open for as long as the shell."""

from __future__ import annotations

import subprocess
from argparse import ArgumentParser
from contextlib import AbstractContextManager

from dify_aws.errors import DifyAwsError
from dify_aws.operations.access import access
from dify_aws.operations.access.lease import MINUTES
from dify_aws.operations.access.ssh_command import ssh_command
from dify_aws.operations.run.agreement import add_our_address
from dify_aws.operations.run.command_line import CommandLine
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.verb import reading_verb
from dify_aws.verbs.outputs import outputs


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("remote_command", nargs="*", metavar="COMMAND", help="run this instead of a shell; after --")
    add_our_address(parser)
    parser.add_argument(
        "--minutes", type=int, default=MINUTES, metavar="N", help=f"AWS closes the port then (default: {MINUTES})"
    )


def _run(line: CommandLine) -> int:
    if line.options["offline"]:
        raise DifyAwsError("the machine of the offline world is a model, in which nothing runs: there is no shell.")
    with ssh(line.deployment(), minutes=line.options["minutes"]) as program:
        try:
            return subprocess.call([*program, *line.options["remote_command"]])
        except FileNotFoundError:
            raise DifyAwsError("there is no program ssh on this computer: install the client of OpenSSH.") from None


@reading_verb(
    "a shell on the machine; port 22 is open meanwhile, and closed at the end",
    "concurrent",
    permissions=access.PERMISSIONS,
    operand="[-- COMMAND]",
    arguments=_arguments,
    run=_run,
)
def ssh(
    deployment: DeploymentContext, address: str | None = None, *, minutes: int = MINUTES
) -> AbstractContextManager[tuple[str, ...]]:
    """The command line of OpenSSH's client for the machine, as a context manager.

    In the block, port 22 is open for one address, and the key and the pinned host key are in a folder that only this
    user can read. At its end both are gone.

    >>> import subprocess
    >>> with deployment.ssh() as command:
    ...     subprocess.run([*command, "docker", "ps"])

    Args:
        address: the public address that is let in; the one of this machine, if it is not given.
        minutes: how long at the longest, 5 to 720.

    Returns:
        The program and its options; add the command for the machine, or none for a shell.

    Raises:
        SettingsError: with ``ssh="tunnel"`` no port is ever opened; or an argument is wrong.
        DifyAwsError: there is no such deployment; or the address of this machine could not be found out.
    """
    return ssh_command(
        deployment.aws, deployment.settings, outputs(deployment), deployment.connectivity, address, minutes=minutes
    )
