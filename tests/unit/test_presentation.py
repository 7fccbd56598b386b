"""How results show themselves in a notebook: as rich does it, with nothing cut off, and as plain text beside it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from dify_aws import Action, Applied, Change, Diagnosis, Finding, Outcome, Plan, Report, Settings
from dify_aws.operations.cost.savings import estimate_settings
from dify_aws.prices import PriceSheet
from dify_aws.topologies.account import Account
from tests.support import bundles

LONG = "https://dify.example.com/" + "x" * 300
PLAN = Plan("dify/dev", "eu-west-1", (Action("update", "alarm/cpu", "cpu", (Change("description", LONG, "<b>"),)),))
PLAIN: Any = {name: dict(value) for name, value in vars(bundles.OUTPUTS).items() if isinstance(value, Mapping)}
RESULTS: dict[str, Any] = {
    "plan": PLAN,
    "applied": Applied(Plan("dify/dev", "eu-west-1", (Action("keep", "volume/data", LONG),))),
    "report": Report("ubuntu@192.0.2.1", (Outcome("file", "failed", error=LONG),)),
    "diagnosis": Diagnosis("dify/dev", "eu-west-1", (Finding("port 80", "wrong", LONG, "install()"),)),
    "outputs": replace(bundles.OUTPUTS, **{**PLAIN, "url": LONG}),
    "estimate": estimate_settings(
        Settings(environment="dev"), Account("123456789012", "aws", "ap-northeast-1"), PriceSheet.shipped()
    ),
}


def text_of(html: str) -> str:
    """What a reader sees of HTML, without white space: lines are folded at the width of the notebook."""
    return "".join(unescape(re.sub(r"<[^>]*>", "", html)).split())


@pytest.mark.parametrize("name", RESULTS)
def test_a_notebook_shows_all_of_a_result(name: str) -> None:
    """As a table of rich; nothing is cut off with an ellipsis, however long it is."""
    bundle = RESULTS[name]._repr_mimebundle_()
    assert bundle["text/plain"] == str(RESULTS[name])
    assert bundle["text/html"].startswith("<pre style=")
    shown = text_of(bundle["text/html"])
    assert "…" not in shown
    if LONG in str(RESULTS[name]):
        assert LONG in shown


def test_a_link_is_a_link_in_a_notebook() -> None:
    """The address of Dify can be clicked; its text stays as it is."""
    shown = replace(bundles.OUTPUTS, url="https://dify.example.com")._repr_mimebundle_()
    assert 'href="https://dify.example.com"' in shown["text/html"]
    assert "https://dify.example.com\n" in shown["text/plain"]


def test_a_notebook_gets_what_it_asks_for() -> None:
    """As IPython asks it: only these kinds, or all but those."""
    assert set(PLAN._repr_mimebundle_(include=None, exclude=None)) == {"text/plain", "text/html"}
    assert PLAN._repr_mimebundle_(include={"text/plain"}) == {"text/plain": str(PLAN)}
    assert PLAN._repr_mimebundle_(exclude={"text/html"}) == {"text/plain": str(PLAN)}
    assert "<b>" not in PLAN._repr_mimebundle_()["text/html"]


@pytest.mark.parametrize("name", [name for name in RESULTS if hasattr(RESULTS[name], "to_json")])
def test_a_result_is_json(name: str) -> None:
    """The same as its plain values; on one line if asked for."""
    result = RESULTS[name]
    assert json.loads(result.to_json()) == json.loads(json.dumps(result.to_dict(), default=list))
    assert "\n" not in result.to_json(indent=None)
