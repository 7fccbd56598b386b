"""password: what the first login to Dify needs."""

from __future__ import annotations

from dataclasses import dataclass

from dify_aws.errors import DifyAwsError
from dify_aws.operations.credentials import dify_secrets
from dify_aws.operations.run.command_line import SUCCESS, CommandLine
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.verb import reading_verb
from dify_aws.secrets import Secret
from dify_aws.verbs.outputs import outputs


@dataclass(frozen=True, kw_only=True)
class Login:
    """Where to log in to Dify, and with what.

    Args:
        url: the page; without an admin, the one on which the first visitor becomes the admin.
        email: of the admin; None if nobody was named in ``admin_email``.
        password: of the admin; without one, what that page asks for first. Its text: ``password.reveal()``.
    """

    url: str
    email: str | None
    password: Secret

    def __str__(self) -> str:
        who = f"as {self.email}" if self.email else "to become the admin"
        return f"log in at {self.url} {who} with the password: {self.password}"


def _run(line: CommandLine) -> int:
    login = password(line.deployment())
    if line.form == "json":
        line.show({"url": login.url, "email": login.email, "password": login.password.reveal()})
        return SUCCESS
    line.say(f"log in at {login.url} " + (f"as {login.email}:" if login.email else "to become the admin; it asks for:"))
    line.show(login.password.reveal())
    return SUCCESS


@reading_verb(
    "the password for the first login to Dify, on stdout",
    permissions=frozenset({"secretsmanager:GetSecretValue"}),
    run=_run,
)
def password(deployment: DeploymentContext) -> Login:
    """What the first login to Dify needs, from AWS Secrets Manager. Reads only.

    It is the password that was generated, or set by :meth:`reset_admin_password`. One that the admin has chosen in Dify
    itself is known to Dify only.

    Returns:
        The page, the account, and the password, which shows itself only when asked (``password.reveal()``).

    Raises:
        DifyAwsError: there is no such deployment, or Dify was never installed.
        SecretUnusable: somebody has edited the secret.
    """
    found, settings = outputs(deployment), deployment.settings
    kept = dify_secrets.read(deployment.aws, found.secrets["application"])
    secret = kept.admin_password if settings.admin_email else kept.init_password
    if not secret.reveal():
        raise DifyAwsError("no password was generated yet: Dify was never installed. deploy() does that.")
    url = f"{found.url}/signin" if settings.admin_email else f"{found.url}/install"
    return Login(url=url, email=settings.admin_email, password=secret)
