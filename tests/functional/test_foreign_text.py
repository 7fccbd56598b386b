"""Text that somebody else chooses reaches no terminal, notebook or log as an order."""

from __future__ import annotations

import io
import json
import logging
import re
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

import dify_aws
from dify_aws import Deployment, DifyAwsError, Settings
from dify_aws.aws.create_request import TAG_ADDRESS, TAG_DEPLOYMENT
from dify_aws.change import Change
from dify_aws.cli.run import main
from dify_aws.cli.terminal import Terminal
from dify_aws.engine.applied import Applied
from dify_aws.engine.plan import Action, Plan
from dify_aws.host import masked_log
from dify_aws.host.errors import CommandFailed, ContainerFailed
from dify_aws.host.host import Result
from dify_aws.host.report import Report, outcome
from dify_aws.offline.world import World
from dify_aws.operations.diagnosis.diagnosis import Diagnosis, wrong
from dify_aws.printable import printable

IN_XML = "\x9b31m\u202egnp.exe\u2028[bold red on white]x[/][link=https://evil.example]y[/link]<script>z</script>"
"""Colours, turns the writing round, and marks up. A tag can hold this; XML has no other control characters."""

ATTACK = f"\x1b]0;owned\x07\x1b[2J\r\x08{IN_XML}\ud800"
"""Sets the title of the terminal, clears the screen and goes back over the line as well, and cannot be encoded."""

OBEYED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]"
)

VALUES: dict[str, Any] = {
    "plan": Plan(
        "dify/dev",
        "ap-northeast-1",
        (
            Action("create", "vpc/main", changes=(Change("tags", None, {ATTACK: ATTACK}),)),
            Action("update", f"bucket/{ATTACK}", ATTACK, (Change("policy", {"a": ATTACK}, {"b": ATTACK}),)),
            Action("keep", f"volume/{ATTACK}", ATTACK),
        ),
        (ATTACK,),
    ),
    "report": Report(
        "ubuntu@203.0.113.7",
        (
            outcome("docker", "failed", str, error=ATTACK),
            outcome("file", "done", str, changes=[Change("mode", ATTACK, "0600")]),
        ),
    ),
    "diagnosis": Diagnosis("dify/dev", "ap-northeast-1", (wrong(f"container {ATTACK}", ATTACK, ATTACK),)),
}
VALUES["applied"] = Applied(VALUES["plan"], {}, 1.0)


def in_terminal(value: Any) -> str:
    """As a terminal that knows no colours gets it, so that whatever it would obey is not ours."""
    stream = io.StringIO()
    Console(file=stream, force_terminal=True, color_system=None, width=200, legacy_windows=False).print(value)
    return stream.getvalue()


@pytest.mark.parametrize("name", VALUES)
def test_no_value_gives_orders(name: str) -> None:
    """As text, in a terminal, in a notebook: no order, no markup, and nothing hidden."""
    value = VALUES[name]
    shown = [str(value)]
    if hasattr(value, "__rich__"):
        shown.append(in_terminal(value))
    for text in shown:
        assert not OBEYED.search(text)
        assert "owned" in text
        assert "[bold red on white]" in text.replace("\n", "")
    html = value._repr_mimebundle_()["text/html"]
    assert not OBEYED.search(html)
    assert "<script>" not in html
    assert "owned" in html


def test_outputs_give_no_orders(world: World) -> None:
    """Names of a network that is somebody else's get into them."""
    outputs = Deployment(Settings(environment="dev"), session=world.session).apply()
    outputs = replace(outputs, notes=(ATTACK,), url=ATTACK)
    for text in (str(outputs), in_terminal(outputs), outputs._repr_mimebundle_()["text/html"]):
        assert not OBEYED.search(text)
        assert "[bold red on white]" in " ".join(text.split())


@pytest.mark.parametrize(
    "error",
    [
        DifyAwsError(ATTACK),
        dify_aws.AwsError("ec2.CreateVpc", "Denied", ATTACK, request_id=ATTACK),
        dify_aws.RunFailed({f"bucket/{ATTACK}": ValueError(ATTACK)}, [ATTACK], [ATTACK]),
        dify_aws.NotOurs("bucket/data", ATTACK, "dify/dev", owner=ATTACK),
        CommandFailed("ubuntu@host", Result("true", 1, b"", ATTACK.encode("utf-8", "replace"))),
        ContainerFailed("ubuntu@host", "api", "ended", log=ATTACK),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_error_gives_orders(error: Exception) -> None:
    """Python, a notebook and pytest show an error as it is."""
    assert not OBEYED.search(str(error))
    assert "owned" in str(error)


def test_no_log_gives_orders(caplog: pytest.LogCaptureFixture) -> None:
    """What a command on the host has said, in the log of whoever looks at it."""
    caplog.set_level(logging.DEBUG, "dify_aws")
    masked_log.result("ubuntu@host", Result("true", 0, ATTACK.encode("utf-8", "replace")))
    assert "owned" in caplog.text
    assert not OBEYED.search(caplog.text.replace("\n", ""))


def test_progress_gives_no_orders() -> None:
    """The address of a thing is a tag, which others may write; a failure quotes what they say."""
    stream = io.StringIO()
    progress = dify_aws.Progress(Console(file=stream, force_terminal=True, color_system=None, width=200))
    emitter = dify_aws.events.EventEmitter(progress, lambda: 0.0, "dify/dev")
    with pytest.raises(ValueError, match="owned"), emitter.work("delete", f"bucket/{ATTACK}"):
        raise ValueError(ATTACK)
    assert not OBEYED.search(stream.getvalue())
    assert "owned" in stream.getvalue()


@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_a_tag_of_somebody_else_in_a_plan(world: World, form: tuple[str, ...]) -> None:
    """End to end: somebody who may only tag, and the command that shows it."""
    ec2 = world.session.client("ec2")
    tags: Any = [{"Key": TAG_DEPLOYMENT, "Value": "dify/dev"}, {"Key": TAG_ADDRESS, "Value": f"volume/{IN_XML}"}]
    zone = ec2.describe_availability_zones()["AvailabilityZones"][0]["ZoneName"]
    volume = ec2.create_volume(
        AvailabilityZone=zone, Size=1, TagSpecifications=[{"ResourceType": "volume", "Tags": tags}]
    )["VolumeId"]
    out, err = io.StringIO(), io.StringIO()
    terminal = Terminal(io.StringIO(), out, err)
    main(["plan", "--environment", "dev", *form], environ={}, terminal=terminal, session=world.session)
    assert volume in out.getvalue()
    assert not OBEYED.search(out.getvalue() + err.getvalue())
    if form:
        assert volume in {action["id"] for action in json.loads(out.getvalue())["actions"]}


def test_what_is_no_order_stays() -> None:
    """Every other character is shown as it is."""
    text = "開発 é ✓ 👩‍💻\tcolumn\nline"
    assert printable(text) == text
    assert printable("a\r\nb") == "a\nb"
