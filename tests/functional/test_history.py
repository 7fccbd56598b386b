"""The history of a deployment: a record of each run, without secrets, in the state bucket of the foundation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dify_aws import Action, Aws, Deployment, DifyAwsError, Foundation, Plan, RunFailed, Settings
from dify_aws.install.domain import DomainElsewhere
from dify_aws.offline.world import World
from dify_aws.operations.history import history, load, write_record
from dify_aws.operations.record import Record, changes_of
from dify_aws.operations.shelf import Shelf
from dify_aws.outputs import Outputs
from dify_aws.secrets import Secret
from tests.support import bundles

SETTINGS = Settings(
    environment="dev",
    vpc_cidr="10.7.0.0/16",
    web_cidrs=("203.0.113.0/24", "2001:db8::/32"),
    tags={"team": "ai"},
    images={"nginx": "mirror.example.com/nginx:1"},
)
REGION = SETTINGS.region
PLAN = Plan("dify/dev", REGION, (Action("create", "vpc/main"), Action("update", "role/host", "arn")))
MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PLAIN: Any = {name: dict(value) for name, value in vars(bundles.OUTPUTS).items() if isinstance(value, Mapping)}
OUTPUTS = replace(bundles.OUTPUTS, **PLAIN)
BUCKET = f"dify--foundation--state-123456789012-{REGION}"


@pytest.fixture
def ground(world: World) -> World:
    """An account with a state bucket."""
    Foundation(session=world.session, trail=False, block_public_access=False).apply()
    world.forget_calls()
    return world


def run(world: World) -> Aws:
    return Aws(world.session, deployment="dify/dev")


def write(
    world: World,
    settings: Settings = SETTINGS,
    plan: Plan = PLAN,
    outputs: Outputs | None = OUTPUTS,
    verb: str = "apply",
) -> Record | None:
    return write_record(run(world), settings, changes_of(plan), outputs, verb=verb)


def test_each_run_is_kept_and_told_the_newest_first(ground: World) -> None:
    """What was wished for, what came of it, who did it, with which versions, and what was changed."""
    write(ground)
    write(ground, outputs=None, verb="destroy")
    last, first = history(run(ground))
    assert (last.number, last.verb, last.outputs) == (2, "destroy", None)
    assert (first.number, first.deployment, first.region, first.verb) == (1, "dify/dev", REGION, "apply")
    assert first.who == "arn:aws:sts::123456789012:user/moto"
    assert first.versions.keys() == {"dify-aws", "boto3", "dify"}
    assert first.outputs is not None
    assert first.outputs["public_ip"] == OUTPUTS.public_ip
    assert [(each["verb"], each["address"]) for each in first.changes] == [
        ("create", "vpc/main"),
        ("update", "role/host"),
    ]
    assert str(first).endswith("apply: 1 to create, 1 to update  by arn:aws:sts::123456789012:user/moto")
    assert history(run(ground), newest=1) == (last,)
    assert history(Aws(ground.session, deployment="dify/prod")) == ()


def test_without_a_foundation_nothing_is_kept(world: World) -> None:
    """It is asked once, and nothing is made or said."""
    aws = run(world)
    assert aws.account
    world.forget_calls()
    assert write_record(aws, SETTINGS, changes_of(PLAN), OUTPUTS, verb="apply") is None
    assert [str(call) for call in world.calls] == ["s3.ListObjectsV2"]
    assert history(aws) == ()


def test_without_a_foundation_a_deployment_asks_once(world: World) -> None:
    """A bucket that is not there is nothing that has to be waited for, however new everything else is."""
    Deployment(Settings(environment="dev"), session=world.session).apply()
    assert [str(call) for call in world.calls].count("s3.ListObjectsV2") == 1


def test_a_run_that_did_nothing_is_not_kept(ground: World) -> None:
    assert write(ground, plan=Plan("dify/dev", REGION)) is None
    assert ground.calls == []


def test_settings_that_were_lost_are_found(ground: World) -> None:
    """As they were, and with what is said otherwise now."""
    write(ground, SETTINGS.replace(vpc_cidr="10.1.0.0/16"))
    write(ground)
    assert load("dev", session=ground.session) == SETTINGS
    assert load("dev", session=ground.session, nat_gateway=False) == SETTINGS.replace(nat_gateway=False)


def test_nothing_recorded_is_told(ground: World) -> None:
    with pytest.raises(DifyAwsError, match=r"nothing is recorded of dify/prod in ap-northeast-1"):
        load("prod", session=ground.session)


def test_no_secret_is_kept(ground: World) -> None:
    """What is in env may be one: only the names are kept, and who loads the settings has to say the values."""
    env = {"OPENAI_API_KEY": Secret("s3cret-1"), "LOG_LEVEL": "s3cret-2"}
    settings = SETTINGS.replace(env=env)
    write(ground, settings)
    key = "records/dify/dev/00000001.json"
    text = ground.session.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    assert "s3cret" not in text
    assert "OPENAI_API_KEY" in text
    with pytest.raises(DifyAwsError, match=r"give them \(LOG_LEVEL, OPENAI_API_KEY\)"):
        load("dev", session=ground.session)
    assert load("dev", session=ground.session, env=env) == settings
    assert load("dev", session=ground.session, env={}) == SETTINGS


@pytest.mark.parametrize("fault", ["lose_answer", "server_error"])
def test_an_answer_that_was_lost_makes_no_second_record(ground: World, fault: str) -> None:
    write(ground)
    getattr(ground.faults, fault)("PutObject")
    assert write(ground, verb="deploy")
    assert [record.number for record in history(run(ground))] == [2, 1]


def test_two_that_write_at_once_overwrite_nothing(ground: World) -> None:
    """The number is taken when the record is written: then the next one is."""
    shelf = Shelf(run(ground))
    before = shelf.numbers()
    assert before == []
    assert [shelf.add(text, before) for text in ("the first", "the second")] == [1, 2]
    ground.faults.refuse("PutObject", "ConditionalRequestConflict", status=409)
    assert shelf.add("the third", [1, 2]) == 3
    assert [shelf.read(number) for number in (1, 2, 3)] == ["the first", "the second", "the third"]


def test_a_record_that_cannot_be_written_is_a_warning(ground: World, caplog: pytest.LogCaptureFixture) -> None:
    """What was done is done."""
    ground.faults.refuse("PutObject", "AccessDenied", status=403)
    assert write(ground) is None
    assert "what was done to dify/dev is not in its history: s3.PutObject: AccessDenied" in caplog.text


def test_a_record_of_a_later_version_can_be_read() -> None:
    """What it has more is passed over."""
    record = Record.of(SETTINGS, changes_of(PLAN), OUTPUTS, verb="apply", at=MOMENT, who="me")
    assert Record.read(3, record.to_json().replace('"verb"', '"mood": "good", "verb"', 1)).number == 3


def test_what_a_deployment_does_is_kept(ground: World) -> None:
    """Each verb that changed something, AWS and machine; who lost the settings goes on from there."""
    settings = Settings(environment="dev", admin_email="admin@example.com")
    deployment = Deployment(settings, session=ground.session)
    outputs = deployment.deploy()
    deployment.deploy()
    assert not deployment.install()
    (first,) = deployment.history()
    assert (first.verb, first.outputs) == ("deploy", json.loads(outputs.to_json()))
    assert {"instance/host", "machine: file /opt/dify/.env"} <= {change["address"] for change in first.changes}
    ground.reach.machines[outputs.instance_id].files.remove("/opt/dify/.env")
    assert deployment.install()
    found = Deployment.load("dev", session=ground.session)
    assert found.settings == settings
    assert not found.plan()
    # Whoever destroys needs to say no more than this.
    Deployment(Settings(environment="dev", region=settings.region), session=ground.session).destroy(delete_data=True)
    assert Deployment.load("dev", session=ground.session).settings == settings
    assert [record.verb for record in found.history()] == ["destroy", "install", "deploy"]
    assert [change["address"] for change in found.history()[1].changes] == ["machine: file /opt/dify/.env"]


def test_what_was_made_is_kept_though_the_machine_failed(ground: World) -> None:
    """The next run finds nothing to do in AWS, so nobody else would tell of it."""
    settings = Settings(environment="dev", domain="dify.example.com", email="me@your-company.com")
    deployment = Deployment(settings, session=ground.session)
    with pytest.raises(DomainElsewhere):
        deployment.deploy()
    (record,) = deployment.history()
    assert "vpc/main" in {change["address"] for change in record.changes}
    assert not any(change["address"].startswith("machine:") for change in record.changes)


def test_what_was_done_before_a_failure_is_kept(ground: World) -> None:
    """The next run does the rest, and tells only of that. The settings of the failed one are nobody's to go on from."""
    ground.faults.refuse("PutMetricAlarm", "ValidationError", times=3)
    deployment = Deployment(Settings(environment="dev", nat_gateway=False), session=ground.session)
    with pytest.raises(RunFailed):
        deployment.apply()
    with pytest.raises(DifyAwsError, match="nothing is recorded"):
        Deployment.load("dev", session=ground.session)
    deployment.apply()
    last, first = deployment.history()
    assert (first.verb, last.verb) == ("apply (failed)", "apply")
    assert {"verb": "done", "address": "vpc/main"} in first.changes
    assert "vpc/main" not in {change["address"] for change in last.changes}
    assert "apply (failed): 2" in str(first)
