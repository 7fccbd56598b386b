"""The workflow for GitHub Actions as an auditor sees it: script injection, pins, permissions, credentials."""

import subprocess
import sysconfig
from pathlib import Path

import pytest

from dify_aws import Settings, github_workflow

ZIZMOR = [f"{sysconfig.get_path('scripts')}/zizmor", "--offline", "--no-progress", "--persona=auditor", "--no-config"]
OFFENCES = {
    "template-injection": ('"$REQUIREMENT"', '"${{ inputs.vpc_cidr }}"'),
    "unpinned-uses": ("@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "@v6"),
    "excessive-permissions": ("permissions: {}", "permissions: write-all"),
    "artipacked": ("persist-credentials: false", "persist-credentials: true"),
    "couldn't parse expression": ("steps.credentials.outcome", "steps.credentials..outcome"),
    "no inputs collected": ("runs-on:", "runs-onn:"),
}


def audited(text: str, folder: Path) -> str:
    """All that zizmor says of a workflow; "" if it has nothing to say."""
    file = folder / "deploy.yml"
    file.write_text(text)
    ran = subprocess.run([*ZIZMOR, str(file)], capture_output=True, text=True)
    result = ran.stdout + ran.stderr
    return "" if ran.returncode == 0 and "WARN" not in result else result


@pytest.mark.parametrize("env", [{}, {"SENTRY_DSN": "https://example.com"}], ids=["plain", "with a secret"])
def test_an_auditor_finds_nothing(env: dict[str, str], tmp_path: Path) -> None:
    """In the strictest of its ways to look, and every expression and every key is one that GitHub knows."""
    text = github_workflow(Settings(environment="dev", env=env), requirement="dify-aws==0.1.0")
    assert audited(text, tmp_path) == ""


@pytest.mark.parametrize("finding", OFFENCES)
def test_the_auditor_finds_what_is_wrong(finding: str, tmp_path: Path) -> None:
    """Its silence means something."""
    text = github_workflow(Settings(environment="dev"), requirement="dify-aws==0.1.0")
    right, wrong = OFFENCES[finding]
    assert right in text
    assert finding in audited(text.replace(right, wrong), tmp_path)
