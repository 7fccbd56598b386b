"""Admin password: a new password for an account of Dify, set by Dify's own command inside the container of api."""

from __future__ import annotations

import re
from typing import Final

from dify_aws.host.errors import CommandFailed
from dify_aws.host.host import Host, Result
from dify_aws.runtimes.compose.project import COMPOSE
from dify_aws.secrets import Secret

COMMAND: Final = f"{COMPOSE} exec -T api flask reset-password"
"""It asks for the address and twice for the password, on standard input: none of them is in a list of processes.
https://docs.dify.ai/en/learn-more/faq/install-faq"""

SECONDS: Final = 300
"""It loads all of Dify first, on two small processors beside the Dify that runs."""


class AccountUnknown(CommandFailed):
    """Dify has no account with this address. Nothing was changed."""


def set_password(host: Host, email: str, password: Secret) -> None:
    """Set the password of an account. To do it twice does no harm.

    Args:
        host: the machine, with a Dify that runs.
        email: of the account.
        password: at least 8 characters, with a letter and a digit among them.

    Raises:
        AccountUnknown: there is no such account.
        CommandFailed: the container of api could not be asked, or Dify refuses the password.
    """
    answers = "".join(f"{line}\n" for line in (email, password.reveal(), password.reveal()))
    result = host.run(COMMAND, stdin=answers.encode(), timeout=SECONDS, again=True)
    # It ends with status 0 whatever came of it, so its words count.
    if result.ok and re.search(r"reset successfully", result.stdout, re.IGNORECASE):
        return
    if result.ok and re.search(r"account not found", result.stdout, re.IGNORECASE):
        raise AccountUnknown(
            host.where,
            _last(result),
            wrong=f"Dify has no account {email}",
            advice="Give the address that the admin logs in with: `--account` on the command line, `email=` in Python. "
            "If Dify has no admin yet, run `deploy()` first.",
        )
    raise CommandFailed(
        host.where,
        _last(result),
        wrong=f"Dify has not set the password of {email} ({result.ending})",
        advice="The password that counted still counts. If api does not run, `install()` brings it up; "
        f"`{COMPOSE} logs --tail 50 api` on the host tells more.",
    )


def _last(result: Result) -> Result:
    """What it said at its end: before that, a Dify that starts tells of itself for pages."""
    last_lines = (result.out + result.err).decode(errors="replace").splitlines()[-20:]
    return Result(result.command, result.status, err="\n".join(last_lines).encode())
