"""Buckets as S3 has them: names that are not free, regions that take no tags, settings shown late, and other owners."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, Final

import pytest
from moto.s3.models import s3_backends

from dify_aws import (
    Applied,
    Aws,
    Bucket,
    ChangeRefused,
    Deployment,
    DifyAwsError,
    Foundation,
    LifecycleRule,
    NotOurs,
    PermissionDenied,
    PlanRefused,
    Settings,
    Stack,
)
from dify_aws.aws.read_cache import ReadCache
from dify_aws.events import Event
from dify_aws.offline.corrections.s3 import bucket_settings
from dify_aws.offline.faults import ProcessKilled
from dify_aws.offline.world import World
from dify_aws.operations.history.history import history
from dify_aws.operations.history.record_store import RecordStore

REGION: Final = "ap-northeast-1"
ACCOUNT: Final = "123456789012"
ANOTHER: Final = "210987654321"
RULE: Final = LifecycleRule("unfinished", abort_uploads_days=7)


def stack() -> Stack:
    return Stack("lab", [Bucket(name="storage", lifecycle=[RULE])])


def aws(world: World) -> Aws:
    return Aws(world.session, deployment="lab")


def apply(world: World, **other: Any) -> Applied:
    return stack().apply(aws(world), **other)


def name(world: World) -> str:
    return Bucket(name="storage").named(aws(world))


def test_a_change_that_is_shown_in_turns_is_waited_for(world: World) -> None:
    """It counts when several answers in a row show it: no second writing call, and the plan after it is empty."""
    apply(world)
    assert not stack().plan(aws(world))
    written = [str(call) for call in world.writes]
    assert len(written) == len(set(written)), "nothing was mended twice"


def test_a_change_that_is_shown_at_once_is_read_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where S3 does not answer with the old state, there is nothing to wait for."""
    monkeypatch.setattr(bucket_settings, "SECONDS_BY_TURNS", 0)
    apply(world)
    assert [call.operation for call in world.calls].count("GetBucketLifecycleConfiguration") == 1


def test_a_bucket_is_read_once_to_be_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another bucket may be changed at any moment. A second reading would hide that the first showed the old state."""
    apply(world)
    world.clock.advance(60)
    original = ReadCache.read

    def read_and_forget(cache: ReadCache, table: str, fetch: Callable[[], object], *key: str) -> object:
        answer = original(cache, table, fetch, *key)
        cache.forget("buckets")
        return answer

    monkeypatch.setattr(ReadCache, "read", read_and_forget)
    world.forget_calls()
    assert Bucket(name="storage").find(aws(world)) is not None
    assert [call.operation for call in world.calls].count("GetBucketLifecycleConfiguration") == 1


def test_a_change_may_take_minutes_to_show(world: World) -> None:
    """As in some regions: the old rules are shown for two minutes and a half."""
    apply(world)
    world.clock.advance(60)
    many = 30
    world.faults.refuse(
        "GetBucketLifecycleConfiguration", "NoSuchLifecycleConfiguration", times=many, nth=2, status=404
    )
    other = Stack("lab", [Bucket(name="storage", lifecycle=[RULE, LifecycleRule("x", "x/", expiration_days=1)])])
    began = world.clock.now()
    other.apply(aws(world))
    assert 120 < world.clock.now() - began < 360
    assert not other.plan(aws(world))


def test_a_name_that_is_not_free_is_waited_for_and_reported(world: World) -> None:
    """S3 frees the name of a deleted bucket within an hour; whoever looks on is told once what is waited for."""
    apply(world)
    stack().destroy(aws(world), delete_data=True)
    world.faults.refuse("CreateBucket", "OperationAborted", times=100, status=409)
    events: list[Event] = []
    began = world.clock.now()
    apply(world, listener=events.append)
    assert 1800 < world.clock.now() - began < 3600
    (waiting,) = [event for event in events if event.moment == "waiting"]
    assert waiting.detail.startswith(f"s3.CreateBucket {name(world)}: a bucket of this name was deleted")
    assert not stack().plan(aws(world))


def test_where_s3_takes_no_tags_they_are_put_on_right_after(world: World) -> None:
    """https://github.com/hashicorp/terraform-provider-aws/issues/45566"""
    world.faults.refuse("CreateBucket", "UnsupportedArgument", "The request contained an unsupported argument.")
    apply(world)
    assert [call.operation for call in world.writes[:3]] == ["CreateBucket", "CreateBucket", "PutBucketTagging"]
    assert "Tags" not in world.writes[1].params["CreateBucketConfiguration"]
    assert not stack().plan(aws(world))


@pytest.mark.parametrize("fault", ["kill_before", "kill_after"])
def test_a_run_that_is_killed_before_the_tags_is_continued(world: World, fault: str) -> None:
    """The bucket is as S3 makes one, nothing is in it, and account and region are in its name: it is ours."""
    world.faults.refuse("CreateBucket", "UnsupportedArgument")
    getattr(world.faults, fault)("PutBucketTagging")
    with pytest.raises(ProcessKilled):
        apply(world)
    world.restart()
    assert [(action.verb, action.address) for action in stack().plan(aws(world))] == [("update", "bucket/storage")]
    assert [action.verb for action in stack().destroy(aws(world)).plan] == ["keep"]
    world.forget_calls()
    apply(world)
    assert "CreateBucket" not in {call.operation for call in world.writes}
    assert not stack().plan(aws(world))


def put(world: World) -> None:
    world.session.client("s3").put_object(Bucket=name(world), Key="k", Body=b"v")


def upload(world: World) -> None:
    world.session.client("s3").create_multipart_upload(Bucket=name(world), Key="k")


def version(world: World) -> None:
    world.session.client("s3").put_bucket_versioning(
        Bucket=name(world), VersioningConfiguration={"Status": "Suspended"}
    )


def tag(world: World) -> None:
    tags: Any = {"TagSet": [{"Key": "owner", "Value": "somebody"}]}
    world.session.client("s3").put_bucket_tagging(Bucket=name(world), Tagging=tags)


def rule(world: World) -> None:
    rules: Any = {"Rules": [RULE.parameters()]}
    world.session.client("s3").put_bucket_lifecycle_configuration(Bucket=name(world), LifecycleConfiguration=rules)


@pytest.mark.parametrize("used", [put, upload, version, tag, rule])
def test_a_bucket_that_somebody_uses_is_not_ours_for_want_of_tags(world: World, used: Any) -> None:
    place: Any = {"LocationConstraint": REGION}
    world.session.client("s3").create_bucket(Bucket=name(world), CreateBucketConfiguration=place)
    used(world)
    world.clock.advance(60)
    with pytest.raises(PlanRefused) as refused:
        stack().plan(aws(world))
    assert [type(error) for _, error in refused.value.errors] == [NotOurs]


def test_an_empty_bucket_with_a_name_of_somebody_is_not_ours(world: World) -> None:
    """Neither account nor region are in it: anybody may have called it so."""
    place: Any = {"LocationConstraint": REGION}
    world.session.client("s3").create_bucket(Bucket="uploads", CreateBucketConfiguration=place)
    with pytest.raises(PlanRefused, match="uploads"):
        Stack("lab", [Bucket(name="storage", bucket_name="uploads")]).plan(aws(world))


def foreign(bucket: str) -> Any:
    """A bucket of another account, which lets everybody in."""
    made = s3_backends[ANOTHER]["aws"].create_bucket(bucket, REGION)
    made.policy = (
        f'{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": "*", "Action": "s3:*",'
        f' "Resource": ["arn:aws:s3:::{bucket}", "arn:aws:s3:::{bucket}/*"]}}]}}'
    ).encode()
    return made


def test_every_call_about_a_bucket_names_the_owner_that_is_meant(world: World) -> None:
    """Of the foundation, of an environment with its records, used and destroyed again; there is no such parameter in
    CreateBucket."""
    Foundation(session=world.session).apply()
    deployment = Deployment(Settings(environment="dev"), session=world.session)
    outputs = deployment.apply()
    s3 = world.session.client("s3")
    s3.put_object(Bucket=outputs.bucket, Key="uploads/a", Body=b"1", ExpectedBucketOwner=ACCOUNT)
    s3.create_multipart_upload(Bucket=outputs.bucket, Key="uploads/b", ExpectedBucketOwner=ACCOUNT)
    deployment.history()
    deployment.destroy(delete_data=True)
    Foundation(session=world.session).destroy(delete_data=True)
    about = [call for call in world.calls if call.service == "s3" and call.operation != "CreateBucket"]
    assert {"GetBucketTagging", "ListObjectsV2", "GetObject", "PutObject", "DeleteObjects", "DeleteBucket"} <= {
        call.operation for call in about
    }
    assert {str(call): call.params.get("ExpectedBucketOwner") for call in about} == {str(c): ACCOUNT for c in about}


def test_a_bucket_that_is_another_accounts_is_refused(world: World) -> None:
    """It was deleted, somebody else took its name, and lets us in to read what we write."""
    apply(world)
    stack().destroy(aws(world), delete_data=True)
    foreign(name(world))
    with pytest.raises(PlanRefused) as refused:
        stack().plan(aws(world))
    ((_, error),) = refused.value.errors
    assert isinstance(error, ChangeRefused)
    assert f"the bucket {name(world)}: it belongs to another account" in str(error)


def test_a_state_bucket_of_another_account_is_neither_read_nor_written(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Records hold settings; and load() would deploy what a stranger has written there."""
    theirs = foreign(f"dify--foundation--state-{ACCOUNT}-{REGION}")
    run = Aws(world.session, deployment="dify/dev")
    for attempt in (lambda: history(run), lambda: RecordStore(run).add("{}", []), lambda: RecordStore(run).read(1)):
        with pytest.raises(DifyAwsError, match="another account") as error:
            attempt()
        assert theirs.name in str(error.value)
    with pytest.raises(PlanRefused, match="another account"):
        Foundation(session=world.session, trail=False).plan()
    with caplog.at_level(logging.WARNING, logger="dify_aws"):
        Deployment(Settings(environment="dev"), session=world.session).apply()
    assert "another account" in caplog.text
    assert not theirs.keys


def test_a_refusal_without_a_reason_names_both(world: World) -> None:
    """S3 does not say whether a bucket is another's or a permission is missing: so both are told."""
    foreign("theirs")
    with pytest.raises(PermissionDenied, match=r"(?s)another account.*s3:ListBucket"):
        aws(world).call("s3.ListObjectsV2", Bucket="theirs")
