"""The history of a deployment: a record of each run, without secrets, in the state bucket of the foundation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from dify_aws import Action, Aws, Deployment, DifyAwsError, Foundation, Plan, RunFailed, Settings
from dify_aws.offline.world import World
from dify_aws.operations.history.history import history, load, write_record
from dify_aws.operations.history.record import Record, changes_of
from dify_aws.operations.history.record_store import RecordStore
from dify_aws.outputs import Outputs
from dify_aws.runtimes.compose.https.domain import DomainElsewhere
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
def foundation(world: World) -> World:
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


def test_each_run_is_kept_and_reported_the_newest_first(foundation: World) -> None:
    """What was wished for, what came of it, who did it, with which versions, and what was changed."""
    write(foundation)
    write(foundation, outputs=None, verb="destroy")
    last, first = history(run(foundation))
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
    assert history(run(foundation), newest=1) == (last,)
    assert history(Aws(foundation.session, deployment="dify/prod")) == ()


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


def test_a_run_that_did_nothing_is_not_kept(foundation: World) -> None:
    assert write(foundation, plan=Plan("dify/dev", REGION)) is None
    assert foundation.calls == []


def test_settings_that_were_lost_are_found(foundation: World) -> None:
    """As they were, and with what is said otherwise now."""
    write(foundation, SETTINGS.replace(vpc_cidr="10.1.0.0/16"))
    write(foundation)
    assert load("dev", session=foundation.session) == SETTINGS
    assert load("dev", session=foundation.session, nat_gateway=False) == SETTINGS.replace(nat_gateway=False)


def test_nothing_recorded_is_reported(foundation: World) -> None:
    with pytest.raises(DifyAwsError, match=r"nothing is recorded of dify/prod in ap-northeast-1"):
        load("prod", session=foundation.session)


def test_no_secret_is_kept(foundation: World) -> None:
    """What is in env may be one: only the names are kept, and who loads the settings has to say the values."""
    env = {"OPENAI_API_KEY": Secret("s3cret-1"), "LOG_LEVEL": "s3cret-2"}
    settings = SETTINGS.replace(env=env)
    write(foundation, settings)
    key = "records/dify/dev/00000001.json"
    text = foundation.session.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read().decode()
    assert "s3cret" not in text
    assert "OPENAI_API_KEY" in text
    with pytest.raises(DifyAwsError, match=r"give them \(LOG_LEVEL, OPENAI_API_KEY\)"):
        load("dev", session=foundation.session)
    assert load("dev", session=foundation.session, env=env) == settings
    assert load("dev", session=foundation.session, env={}) == SETTINGS


@pytest.mark.parametrize("fault", ["lose_answer", "server_error"])
def test_an_answer_that_was_lost_makes_no_second_record(foundation: World, fault: str) -> None:
    write(foundation)
    getattr(foundation.faults, fault)("PutObject")
    assert write(foundation, verb="deploy")
    assert [record.number for record in history(run(foundation))] == [2, 1]


def test_two_that_write_at_once_overwrite_nothing(foundation: World) -> None:
    """The number is taken when the record is written: then the next one is."""
    record_store = RecordStore(run(foundation))
    before = record_store.numbers()
    assert before == []
    assert [record_store.add(text, before) for text in ("the first", "the second")] == [1, 2]
    foundation.faults.refuse("PutObject", "ConditionalRequestConflict", status=409)
    assert record_store.add("the third", [1, 2]) == 3
    assert [record_store.read(number) for number in (1, 2, 3)] == ["the first", "the second", "the third"]


def test_a_record_that_cannot_be_written_is_a_warning(foundation: World, caplog: pytest.LogCaptureFixture) -> None:
    """What was done is done."""
    foundation.faults.refuse("PutObject", "AccessDenied", status=403)
    assert write(foundation) is None
    assert "what was done to dify/dev is not in its history: s3.PutObject: AccessDenied" in caplog.text


def test_a_record_of_a_later_version_can_be_read() -> None:
    """What it has more is passed over."""
    record = Record.of(SETTINGS, changes_of(PLAN), OUTPUTS, verb="apply", at=MOMENT, who="me", account="1" * 12)
    assert Record.read(3, record.to_json().replace('"verb"', '"mood": "good", "verb"', 1), "s3://").number == 3


def test_what_a_deployment_does_is_kept(foundation: World) -> None:
    """Each verb that changed something, AWS and machine; who lost the settings goes on from there."""
    settings = Settings(environment="dev", admin_email="admin@example.com")
    deployment = Deployment(settings, session=foundation.session)
    outputs = deployment.deploy()
    deployment.deploy()
    assert not deployment.install()
    (first,) = deployment.history()
    assert (first.verb, first.outputs) == ("deploy", json.loads(outputs.to_json()))
    assert {"instance/host", "machine: file /opt/dify/.env"} <= {change["address"] for change in first.changes}
    foundation.connectivity.machines[outputs.instance_id].files.remove("/opt/dify/.env")
    assert deployment.install()
    found = Deployment.load("dev", session=foundation.session)
    assert found.settings == settings
    assert not found.plan()
    # Whoever destroys needs to say no more than this.
    Deployment(Settings(environment="dev", region=settings.region), session=foundation.session).destroy(
        delete_data=True
    )
    assert Deployment.load("dev", session=foundation.session).settings == settings
    assert [record.verb for record in found.history()] == ["destroy", "install", "deploy"]
    assert [change["address"] for change in found.history()[1].changes] == ["machine: file /opt/dify/.env"]


def test_what_was_made_is_kept_though_the_machine_failed(foundation: World) -> None:
    """The next run finds nothing to do in AWS, so nobody else would tell of it."""
    settings = Settings(environment="dev", domain="dify.example.com", email="me@your-company.com")
    deployment = Deployment(settings, session=foundation.session)
    with pytest.raises(DomainElsewhere):
        deployment.deploy()
    (record,) = deployment.history()
    changed = {change["address"] for change in record.changes}
    assert "vpc/main" in changed
    assert "machine: data disk /data" in changed


def test_what_was_done_before_a_failure_is_kept(foundation: World) -> None:
    """The next run does the rest, and tells only of that. The settings of the failed one are nobody's to go on from."""
    foundation.faults.refuse("PutMetricAlarm", "ValidationError", times=3)
    deployment = Deployment(Settings(environment="dev", nat_gateway=False), session=foundation.session)
    with pytest.raises(RunFailed):
        deployment.apply()
    with pytest.raises(DifyAwsError, match="nothing is recorded"):
        Deployment.load("dev", session=foundation.session)
    deployment.apply()
    last, first = deployment.history()
    assert (first.verb, last.verb) == ("apply (failed)", "apply")
    assert {"verb": "done", "address": "vpc/main"} in first.changes
    assert "vpc/main" not in {change["address"] for change in last.changes}
    assert "apply (failed): 2" in str(first)


def put(world: World, text: str | bytes, name: str = "00000009.json") -> None:
    """Somebody who may write to the bucket puts a record there."""
    body = text.encode() if isinstance(text, str) else text
    world.session.client("s3").put_object(Bucket=BUCKET, Key=f"records/dify/dev/{name}", Body=body)


def stored(world: World, **other: Any) -> dict[str, Any]:
    """A record of this deployment as it is stored, but for ``other``; ``settings.x`` is one of its settings."""
    write(world)
    (record,) = history(run(world))
    value: dict[str, Any] = json.loads(record.to_json())
    for name, each in other.items():
        table, _, setting = name.rpartition(".")
        (value[table] if table else value)[setting] = each
    return value


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("account", "999999999999"),
        ("deployment", "dify/prod"),
        ("region", "eu-west-1"),
        ("settings.project", "other"),
        ("settings.environment", "prod"),
        ("settings.region", "eu-west-1"),
    ],
)
def test_a_record_of_another_deployment_is_not_taken(foundation: World, field: str, value: str) -> None:
    """Whoever may write the records of dev makes nobody deploy prod, or in another account."""
    put(foundation, json.dumps(stored(foundation, **{field: value})))
    wrong = f"its {field} is '{value}' and not "
    for read in (lambda: load("dev", session=foundation.session), lambda: history(run(foundation))):
        with pytest.raises(DifyAwsError) as refused:
            read()
        assert wrong in str(refused.value)
        assert f"s3://{BUCKET}/records/dify/dev/00000009.json" in str(refused.value)
    with pytest.raises(DifyAwsError, match="of another deployment"):
        Deployment.load("dev", session=foundation.session)


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (b"\xff\xfe", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("9" * 100_000, "no JSON"),
        ("[]", "no table"),
        ('{"a": ' * 30 + "1" + "}" * 30, "more than 16 levels deep"),
        ("{}", "its account is no text; its deployment is no text"),
        (" " * 1024 * 1024 + "{}", "1,048,578 bytes"),
    ],
    ids=["bytes", "depth", "a number", "a list", "16 levels", "nothing", "size"],
)
def test_what_is_no_record_is_refused(foundation: World, text: str | bytes, wrong: str) -> None:
    """It names the object, what is wrong, and the way out."""
    put(foundation, text)
    for read in (lambda: load("dev", session=foundation.session), lambda: history(run(foundation))):
        with pytest.raises(
            DifyAwsError, match=f"00000009.json is no record of dify_aws: .*{wrong}.* bring the earlier"
        ):
            read()


@pytest.mark.parametrize(
    ("field", "value", "wrong"),
    [
        ("at", "2026-01-02T03:04:05", "its time is none"),
        ("at", 5, "its at is no text"),
        ("changes", [["verb"]], "its changes"),
        ("changes", [{"verb": 1, "address": "a"}], "its changes"),
        ("outputs", [], "its outputs"),
        ("settings", "env", "its settings"),
    ],
)
def test_a_part_of_another_type_is_refused(foundation: World, field: str, value: Any, wrong: str) -> None:
    put(foundation, json.dumps(stored(foundation, **{field: value})))
    with pytest.raises(DifyAwsError, match=wrong):
        history(run(foundation))


def test_objects_of_other_names_are_no_records(foundation: World) -> None:
    """Names that read as a number and are none of ours neither hide a record nor stop the next."""
    write(foundation)
    for name in ("1.json", "٠٠٠٠٠٠٠٣.json", "000000002.json", f"{'9' * 500}.json", "00000003.json.bak"):
        put(foundation, "{}", name)
    assert [record.number for record in history(run(foundation))] == [1]
    written = write(foundation)
    assert written is not None
    assert written.number == 2


def test_images_that_are_not_the_releases_are_reported(foundation: World, caplog: pytest.LogCaptureFixture) -> None:
    """When settings come from a record, and with each plan: a record is written by others."""
    write(foundation)
    deployment = Deployment.load("dev", session=foundation.session)
    result = "Not the images of the release: nginx from mirror.example.com/nginx:1."
    assert [each.getMessage() for each in caplog.records if each.levelname == "WARNING"] == [f"dify/dev: {result}"]
    assert result in deployment.plan().notes
    assert result not in Deployment(SETTINGS.replace(images={}), session=foundation.session).plan().notes
