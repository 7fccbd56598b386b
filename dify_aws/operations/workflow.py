"""Workflow: what GitHub Actions runs to plan, deploy and destroy, as the text of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from dify_aws.errors import Problem, SettingsError
from dify_aws.runtimes.compose.render import render
from dify_aws.settings import Settings

ENVIRONMENTS: Final = ("dev", "staging", "prod")
PYTHON: Final = "3.12"

PINS: Final[Mapping[str, str]] = {
    "actions/checkout": "de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2",
    "actions/setup-python": "a309ff8b426b58ec0e2a45f0f869d46889d02405 # v6.2.0",
    "aws-actions/configure-aws-credentials": "8df5847569e6427dd6c4fb1cf565c83acfa8afa7 # v6.0.0",
}
"""By commit, because a tag can be moved to other code, and this code gets the keys of an account.
https://docs.github.com/en/actions/reference/security/secure-use#using-third-party-actions"""


def github_workflow(
    settings: Settings, *, environments: Sequence[str] = ENVIRONMENTS, requirement: str | None = None
) -> str:
    """The text of ``.github/workflows/deploy.yml``: a run by hand that plans, deploys or destroys one environment.

    It takes a role in AWS with OpenID Connect, so no key of AWS is kept in GitHub; the role is ``AWS_ROLE_ARN``, a
    variable or secret of the environment. What the settings say beside project, environment, region and range is not in
    it: the run reads ``settings/ENVIRONMENT.toml``, or ``settings.toml``, of the repository. ``settings.env`` is never
    written: if it has anything, the run takes it from the secret ``DIFY_AWS_ENV``.

    Args:
        settings: the project, and what the inputs are if nobody changes them.
        environments: the names to choose from; the one of the settings is added if it is not among them.
        requirement: what pip installs, such as ``dify-aws[tunnel]==0.1.0``; by default the version that is installed
            here.

    Raises:
        SettingsError: nothing says what to install, or it is no exact version.
    """
    return render(
        "deploy.yml.j2",
        environments=list(dict.fromkeys([*environments, settings.environment])),
        environment=settings.environment,
        project=settings.project,
        vpc_cidr=settings.vpc_cidr,
        region=settings.region,
        python=PYTHON,
        github=_expression,
        pins={action: f"{action}@{commit}" for action, commit in PINS.items()},
        requirement=requirement or _installed(),
        secret_env=bool(settings.env),
    )


def _expression(text: str) -> str:
    """What GitHub puts a value in place of. Written so, because Jinja would take the braces for its own."""
    return f"${{{{ {text} }}}}"


def _installed() -> str:
    try:
        # With what a tunnel needs, whatever the settings of today say: it is one small package.
        return f"dify-aws[tunnel]=={version('dify-aws')}"
    except PackageNotFoundError:
        right = 'Say what to install: requirement="dify-aws==0.1.0"'
        raise SettingsError([Problem("requirement", None, "is not known: dify-aws is not installed", right)]) from None
