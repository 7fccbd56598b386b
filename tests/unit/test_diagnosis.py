"""A diagnosis as a value: how it reads, and when it is true."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from rich.console import Console

from dify_aws.operations.diagnosis.diagnosis import Diagnosis, ok, unknown, warning, wrong

DIAGNOSIS = Diagnosis(
    "dify/dev",
    "ap-northeast-1",
    (
        ok("instance", "i-1 is running"),
        warning("backups", "nothing is there", "Set one up."),
        wrong("container <api>", "exited\nits log ends with:\nboom", "install() brings it up."),
        unknown("quota", "AccessDenied"),
    ),
)


def test_it_reads_as_text() -> None:
    """One line each, with evidence and way out below it, and the sum above."""
    assert str(DIAGNOSIS).splitlines() == [
        "dify/dev in ap-northeast-1: 1 wrong, 1 warning, 1 unknown, 1 ok",
        "✓ instance: i-1 is running",
        "! backups: nothing is there",
        "    → Set one up.",
        "✗ container <api>: exited",
        "    its log ends with:",
        "    boom",
        "    → install() brings it up.",
        "? quota: AccessDenied",
    ]


def test_it_is_true_when_something_is_wrong() -> None:
    """A warning is not wrong, and what nobody could tell is not either."""
    assert DIAGNOSIS
    assert not Diagnosis("dify/dev", "ap-northeast-1", DIAGNOSIS.findings[:2] + DIAGNOSIS.findings[3:])
    assert "nothing was looked at" in str(Diagnosis("dify/dev", "ap-northeast-1"))


def test_findings_are_indexed_by_subject() -> None:
    """As a program does."""
    assert DIAGNOSIS["backups"].remedy == "Set one up."
    assert DIAGNOSIS.named("wrong", "unknown") == ("container <api>", "quota")
    assert len(DIAGNOSIS) == len(list(DIAGNOSIS)) == 4
    with pytest.raises(KeyError):
        DIAGNOSIS["moon"]


def test_it_is_shown_in_json_a_notebook_and_a_terminal() -> None:
    """All of it in each, and in HTML nothing of it as HTML."""
    given = json.loads(DIAGNOSIS.to_json())
    assert given["summary"] == DIAGNOSIS.summary()
    assert given["findings"][0] == {
        "subject": "instance",
        "condition": "ok",
        "evidence": "i-1 is running",
        "remedy": "",
    }
    html = DIAGNOSIS._repr_mimebundle_()["text/html"]
    assert "container &lt;api&gt;" in html
    assert "boom" in html
    assert ">→ install() brings it up.</span>" in html
    terminal = Console(file=StringIO(), width=100)
    terminal.print(DIAGNOSIS)
    assert isinstance(terminal.file, StringIO)
    shown = terminal.file.getvalue()
    assert all(finding.evidence.splitlines()[-1] in shown for finding in DIAGNOSIS)
