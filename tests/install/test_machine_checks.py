"""What diagnose() makes of the machine's answers, by cases of data (machine_checks.json): the lines as they begin."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dify_aws import Secret, Settings
from dify_aws.host.fact import Answer
from dify_aws.host.host_usage import HostUsage
from dify_aws.host.mask import Mask
from dify_aws.host.masked_log import masked_log
from dify_aws.operations.diagnosis.checks.machine import checks, look
from dify_aws.runtimes.compose.last_log_lines import LastLogLines
from tests.support.hosts import LocalHost, ScriptedHost

CASES: dict[str, Any] = json.loads((Path(__file__).parent / "machine_checks.json").read_text())
SETTINGS = Settings(environment="dev", domain="dify.example.com", email="ops@your-company.com")
NOON = 1_800_000_000.0
ALL = checks(SETTINGS, lambda: NOON)


@pytest.mark.parametrize("title", CASES)
def test_case(title: str) -> None:
    """It is told, and nothing but that; and whatever is not as it should be has a way out."""
    case = CASES[title]
    host = ScriptedHost({name: Answer(text.encode()) for name, text in case["machine"].items()})
    requested = [check for check in ALL if {fact.name for fact in check.facts()} <= case["machine"].keys()]
    findings = list(look(host, requested, None))
    result = [str(finding) for finding in findings]
    assert len(result) == len(case["findings"])
    assert [line[: len(begins)] for line, begins in zip(result, case["findings"], strict=True)] == case["findings"]
    assert all(finding.remedy for finding in findings if finding.condition in ("warning", "wrong"))
    assert host.does == []


def test_the_last_words_of_a_container_are_masked() -> None:
    """And where nobody knows the secrets, nothing of them is shown at all."""
    containers = CASES["a healthcheck that fails, and a start that takes too long"]["machine"]["containers"]
    host = ScriptedHost(
        {
            "containers": Answer(containers.encode()),
            "log of api": Answer(b"password=correct-horse\nFATAL"),
            "log of web": Answer(b""),
        }
    )
    requested = [check for check in ALL if check.subject == "containers"]
    api, web = look(host, requested, Mask([Secret("correct-horse")]))
    assert api.evidence.endswith("its log ends with:\npassword=********\nFATAL")
    assert web.evidence.endswith("its log is empty")
    api, _ = look(host, requested, None)
    assert "log" not in api.evidence


def test_the_questions_are_understood_by_a_real_shell() -> None:
    """And their answers by us."""
    host = LocalHost()
    facts = host.ask([HostUsage(), LastLogLines("no-such-service")])
    assert isinstance(facts[LastLogLines("no-such-service")], str)
    assert facts[HostUsage()].memory_mib > 0
    assert facts[HostUsage()].disks[0].size > 0


def test_the_log_of_a_host_shows_each_result_without_its_secrets(caplog: pytest.LogCaptureFixture) -> None:
    """Those of the run are masked wherever they stand; what may hold unknown ones is not shown."""
    caplog.set_level("DEBUG", "dify_aws")
    host = LocalHost()
    with masked_log([Secret("correct-horse")]):
        host.run("echo it is correct-horse; echo warned >&2")
        host.run("echo battery-staple", secret=True)
    assert "stdout:\nit is ********" in caplog.text
    assert "stderr:\nwarned" in caplog.text
    assert "correct-horse" not in caplog.text
    assert "stdout:\nbattery-staple" not in caplog.text
