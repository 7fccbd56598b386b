"""reset_admin_password: gives the admin of Dify a new password."""

from __future__ import annotations

from argparse import ArgumentParser

from dify_aws.operations.access import access, host_key
from dify_aws.operations.credentials.admin_password import RESET, AdminPassword, account_of, reset
from dify_aws.operations.run.command_line import SUCCESS, CommandLine
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.recorded_run import RecordedRun
from dify_aws.operations.run.verb import changing_verb
from dify_aws.verbs.outputs import outputs


def _arguments(parser: ArgumentParser) -> None:
    meaning = "whose password it is (default: the setting admin_email)"
    parser.add_argument("--account", dest="email", metavar="EMAIL", help=meaning)


def _run(line: CommandLine) -> int:
    email = line.options["email"]
    if not line.options["yes"]:
        account = account_of(line.deployment().settings, email)
        line.agree(f"{account} gets a new password for Dify, and the present one stops working.")
    line.show(reset_admin_password(line.working(), email))
    return SUCCESS


@changing_verb(
    "set a new password for the admin of Dify, and say where it is stored",
    recorded_as=RESET,
    permissions=access.PERMISSIONS | host_key.PERMISSIONS,
    arguments=_arguments,
    run=_run,
)
def reset_admin_password(deployment: DeploymentContext, run: RecordedRun, email: str | None = None) -> AdminPassword:
    """Give the admin of Dify a new password, which is made, and kept in AWS Secrets Manager before it is set.

    The old one works until the new one does. A killed run is resumed by the next one, of this verb or of an
    installation. Nobody who is logged in is logged out.

    Args:
        email: the account; by default ``admin_email`` of the settings.

    Returns:
        Whose password was set, and where it is.

    Raises:
        SettingsError: neither ``email`` nor the settings name an account.
        AlreadyLocked: another run is at work; nothing was changed.
        HostError: the machine could not be reached, or Dify has no such account; the old password still works.
        DifyAwsError: there is no such deployment, or Dify was never installed.
    """
    account = account_of(deployment.settings, email)
    with run:
        found = outputs(deployment)
        reset(
            deployment.aws,
            deployment.settings,
            found,
            deployment.connectivity,
            account,
            check=run.check,
            before_change=lambda: run.note([{"verb": "update", "address": "machine: admin password"}]),
        )
        run.note([], found)
    return AdminPassword(email=account, secret=found.secrets["application"])
