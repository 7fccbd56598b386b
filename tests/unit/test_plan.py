"""What a plan promises as a value: text, JSON, truth, and whether it covers another one."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from rich.console import Console

from dify_aws import Action, Change, Plan, Secret
from dify_aws.change import Unknown

GROW = Action("update", "volume/data", "vol-1", (Change("size_gib", 50, 60),))
MAKE = Action("create", "vpc/main", changes=(Change("cidr_block", None, "10.0.0.0/16"),))
KEEP = Action("keep", "bucket/storage", "dify-dev")


def plan(*actions: Action) -> Plan:
    return Plan("dify/dev", "ap-northeast-1", actions, ("the NAT gateway costs money",))


def test_it_is_true_when_there_is_something_to_do() -> None:
    assert plan(MAKE)
    assert not plan()
    assert not plan(KEEP), "keeping something is nothing to do"
    assert (len(plan(MAKE, GROW, KEEP)), len(plan())) == (2, 0)


def test_it_prints_what_would_happen() -> None:
    assert str(plan(MAKE, GROW, KEEP)) == (
        "dify/dev in ap-northeast-1: 1 to create, 1 to update\n"
        "+ vpc/main\n"
        "    cidr_block: 10.0.0.0/16\n"
        "~ volume/data (vol-1)\n"
        "    size_gib: 50 → 60\n"
        "= bucket/storage (dify-dev)  holds data: stays, and goes only with delete_data=True\n"
        "note: the NAT gateway costs money"
    )
    assert "nothing to do" in str(plan())


def test_it_is_json_for_other_programs() -> None:
    result = json.loads(plan(GROW).to_json())

    assert result["summary"] == "1 to update"
    assert result["actions"] == [
        {
            "verb": "update",
            "address": "volume/data",
            "id": "vol-1",
            "changes": [{"attribute": "size_gib", "before": 50, "after": 60}],
        }
    ]


def test_it_shows_itself_in_a_notebook_and_in_rich() -> None:
    spoiled = Action("update", "alarm/cpu", "cpu", (Change("description", "<b>", "fine"),))
    result = plan(spoiled)._repr_mimebundle_()
    assert "&lt;b&gt; → fine" in result["text/html"]
    assert result["text/plain"] == str(plan(spoiled))

    out = StringIO()
    Console(file=out, width=100).print(plan(GROW))
    assert "size_gib: 50 → 60" in out.getvalue()


def test_it_never_shows_a_secret() -> None:
    result = plan(Action("update", "secret/key", "key", (Change("value", Secret("hunter2"), Secret("hunter3")),)))
    out = StringIO()
    Console(file=out, width=100).print(result)

    assert "hunter" not in str(result) + result.to_json() + repr(result) + result._repr_mimebundle_()["text/html"]
    assert "hunter" not in out.getvalue()


UNKNOWN_ROUTE = Action("update", "route-table/private", "rtb-1", (Change("routes", {}, {"0.0.0.0/0": Unknown("nat")}),))
KNOWN_ROUTE = Action("update", "route-table/private", "rtb-1", (Change("routes", {}, {"0.0.0.0/0": "nat-1"}),))
OTHER_ROUTE = Action("update", "route-table/private", "rtb-1", (Change("routes", {}, {"0.0.0.0/0": "nat-2"}),))


@pytest.mark.parametrize(
    ("agreed", "now", "more"),
    [
        pytest.param([MAKE, GROW], [GROW], [], id="less-than-was-shown"),
        pytest.param([GROW], [GROW, MAKE], [MAKE], id="one-more-thing"),
        pytest.param([KEEP], [Action("delete", "bucket/storage", "dify-dev")], ["delete"], id="another-verb"),
        pytest.param([UNKNOWN_ROUTE], [KNOWN_ROUTE], [], id="what-was-not-known-then"),
        pytest.param([KNOWN_ROUTE], [OTHER_ROUTE], [OTHER_ROUTE], id="another-value"),
        pytest.param([GROW], [KEEP], [], id="keeping-needs-no-agreement"),
    ],
)
def test_what_goes_beyond_what_was_agreed_to(agreed: list[Action], now: list[Action], more: list[object]) -> None:
    beyond = plan(*now).beyond(plan(*agreed))

    assert len(beyond) == len(more)
    assert all(expected in (action, action.verb) for expected, action in zip(more, beyond, strict=True))
