"""Admin password: a new one for the admin of Dify, kept in AWS Secrets Manager before it is set.

There are three steps, and a run may die between any two of them:

1. The new password is kept as ``pending_admin_password``, beside the one that counts.
2. Dify is given it.
3. It becomes ``admin_password``.

Until the second is done the old password works, and after it the new one: both are in the secret. The next run, be it
of this verb or an installation, goes on with the password that is pending and makes no other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.errors import DifyAwsError, Problem, SettingsError
from dify_aws.host.host import Host
from dify_aws.host.masked_log import masked_log
from dify_aws.operations.access.connectivity import Connectivity
from dify_aws.operations.access.host_connection import open_connection
from dify_aws.operations.credentials import dify_secrets
from dify_aws.outputs import Outputs
from dify_aws.runtimes.compose.admin_password import AccountUnknown, set_password
from dify_aws.runtimes.compose.dify_secrets import NONE, DifySecrets, new_password
from dify_aws.secrets import Secret
from dify_aws.settings import Settings, mail_rules
from dify_aws.settings.rules import Broken

RESET: Final = "reset-admin-password"
"""The verb, in the lock and in the history."""


@dataclass(frozen=True, kw_only=True)
class AdminPassword:
    """Whose password was set, and where it is. The password itself is in AWS Secrets Manager only.

    Args:
        email: of the account.
        secret: the name of the secret in AWS Secrets Manager.
        key: the key in the JSON document that is the secret's value.
    """

    email: str
    secret: str
    key: str = "admin_password"

    def __str__(self) -> str:
        return (
            f"The password of {self.email} was set. Read it with:\n"
            f"aws secretsmanager get-secret-value --secret-id {self.secret} --query SecretString --output text "
            f"| jq -r .{self.key}"
        )

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        return {"email": self.email, "secret": self.secret, "key": self.key}


def account_of(settings: Settings, email: str | None) -> str:
    """The address of the account: the one that is given, or that of the settings.

    Raises:
        SettingsError: neither says one, or it is none.
    """
    try:
        if email is not None:
            return mail_rules.email(email)
    except Broken as broken:
        raise SettingsError(Problem("email", email, *fault) for fault in broken.faults) from None
    if settings.admin_email:
        return settings.admin_email
    right = "Give the address that the admin logs in with: email=… in Python, --account on the command line"
    raise SettingsError([Problem("admin_email", None, "is not set, so nobody knows whose password it is", right)])


def reset(
    aws: Aws,
    settings: Settings,
    outputs: Outputs,
    connectivity: Connectivity,
    email: str,
    *,
    check: Callable[[], None],
    before_change: Callable[[], None],
) -> None:
    """Give an account a new password; see :meth:`dify_aws.Deployment.reset_admin_password`.

    Args:
        aws: the deployment, whose lock is held.
        settings: how the machine is reached.
        outputs: where everything is.
        connectivity: how this machine reaches the internet.
        email: of the account.
        check: raises if the lock is lost; called before each step.
        before_change: called before anything is changed.
    """
    name = outputs.secrets["application"]
    secrets = dify_secrets.read(aws, name)
    if secrets.missing:
        raise DifyAwsError(f"{name} has no secrets of a Dify: it was never installed. Run deploy() first.")
    with open_connection(aws, settings, outputs, connectivity) as (host, keep):

        def before_each() -> None:
            keep()
            check()

        before_each()
        before_change()
        pending = Secret(email)
        if secrets.pending_admin_email != pending:
            secrets = dify_secrets.change(
                aws, name, lambda now: replace(now, pending_admin_email=pending, pending_admin_password=new_password())
            )
        finish(aws, name, host, secrets, before_each)


def finish(aws: Aws, name: str, host: Host, secrets: DifySecrets, check: Callable[[], None]) -> None:
    """Set the password that is pending, if any is, and make it the one that counts.

    Args:
        name: of the secret in AWS Secrets Manager.
        host: the machine, with a Dify that runs.
        secrets: as they are kept.
        check: raises if the lock is lost; called before each step.
    """
    if secrets.pending_admin_password == NONE:
        return
    with masked_log(secrets.values):
        check()
        try:
            set_password(host, secrets.pending_admin_email.reveal(), secrets.pending_admin_password)
        except AccountUnknown:
            # There is nothing to finish: another address may be right.
            dify_secrets.change(aws, name, _stable)
            raise
    check()
    dify_secrets.change(aws, name, lambda now: _stable(replace(now, admin_password=now.pending_admin_password)))


def _stable(secrets: DifySecrets) -> DifySecrets:
    """With nothing pending."""
    return replace(secrets, pending_admin_email=NONE, pending_admin_password=NONE)
