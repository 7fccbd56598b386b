"""What is deleted, and what never is: data, what AWS was told to protect, and what only its tags say is ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

import pytest

from dify_aws import DeletionProtected, Deployment, PlanRefused, RunFailed, Settings, Stack
from dify_aws.aws.create_request import CLIENT_TOKEN, TAG_ADDRESS, TAG_DEPLOYMENT, TAG_KEEP, create_request
from dify_aws.aws.physical_name import physical_name
from dify_aws.offline.faults import ProcessKilled
from dify_aws.offline.world import World
from dify_aws.resources.ec2.origin import foreign_launch
from tests.functional.cases import CASES
from tests.functional.test_killed_anywhere import ENDED, unlocked
from tests.support.case import Hand
from tests.support.inventory import AFTER_DESTROY, counted, inventory
from tests.support.lab import DEPLOYMENT, Lab
from tests.unit.test_create_request import model

SETTINGS: Final = Settings(environment="dev")
ZONE: Final = "ap-northeast-1a"
HOLDS_DATA: Final = ("bucket", "table", "volume", "secret")
"""The kinds of which no thing is deleted without delete_data, whatever its tags say."""


def lab_of(world: World, kind: str) -> Lab:
    lab = Lab(world, CASES[kind])
    lab.apply()
    return lab


@pytest.mark.parametrize("kind", HOLDS_DATA)
@pytest.mark.parametrize("verb", ["apply", "destroy"])
def test_data_whose_keep_tag_was_taken_off_is_kept(world: World, kind: str, verb: str) -> None:
    """The kind knows that it holds data, also where no stack speaks of it any more."""
    lab = lab_of(world, kind)
    subject = lab.found()[lab.case.address]
    if TAG_KEEP in subject.tags:
        lab.case.untag(lab.hand, subject, [TAG_KEEP])
    without = Stack(DEPLOYMENT, lab.case.stack()[:-1])
    lab.hand.wait()
    plan = without.plan(lab.aws()) if verb == "apply" else without.plan_destroy(lab.aws())
    assert ("keep", lab.case.address) in {(action.verb, action.address) for action in plan}
    getattr(without, verb)(lab.aws())
    assert lab.found()[lab.case.address].id == subject.id


def test_what_the_stack_keeps_is_kept_without_its_tag(world: World) -> None:
    """Of the kind, the tag and the stack, one that says so is enough."""
    lab = lab_of(world, "log-group")
    stack = lab.stack(keep=True)
    assert lab.case.address not in {action.address for action in stack.destroy(lab.aws()).plan if action.verb != "keep"}
    assert lab.case.address in lab.found()


def delete_with_machine(hand: Hand, instance: str) -> None:
    hand.client("ec2").modify_instance_attribute(
        InstanceId=instance, BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"DeleteOnTermination": True}}]
    )


def test_a_volume_that_would_be_deleted_with_its_instance_survives_destroy(world: World) -> None:
    """Somebody has switched DeleteOnTermination on, and destroy() comes before any apply()."""
    lab = lab_of(world, "instance")
    found = lab.found()
    delete_with_machine(lab.hand, found["instance/host"].id)
    lab.stack().destroy(lab.aws())
    volumes = lab.hand.client("ec2").describe_volumes()["Volumes"]
    assert [volume["VolumeId"] for volume in volumes] == [found["volume/data"].id]


def test_apply_lets_the_volume_outlive_its_instance_again(world: World) -> None:
    """So that it survives whoever terminates the instance in the console."""
    lab = lab_of(world, "instance")
    found = lab.found()
    delete_with_machine(lab.hand, found["instance/host"].id)
    (action,) = lab.apply().plan
    assert [change.attribute for change in action.changes] == ["volumes_outlive_instance"]
    lab.hand.client("ec2").terminate_instances(InstanceIds=[found["instance/host"].id])
    lab.hand.wait()
    assert lab.found()["volume/data"].id == found["volume/data"].id


def _protect_instance(attribute: str) -> Callable[[Hand, str], object]:
    return lambda hand, id: hand.client("ec2").modify_instance_attribute(InstanceId=id, **{attribute: {"Value": True}})


PROTECTED: Final[Mapping[str, tuple[str, Callable[[Hand, str], object], str]]] = {
    "termination protection": (
        "instance",
        _protect_instance("DisableApiTermination"),
        "--no-disable-api-termination",
    ),
    "stop protection": ("instance", _protect_instance("DisableApiStop"), "--no-disable-api-stop"),
    "deletion protection of a table": (
        "table",
        lambda hand, id: hand.client("dynamodb").update_table(TableName=id, DeletionProtectionEnabled=True),
        "--no-deletion-protection-enabled",
    ),
    "deletion protection of a log group": (
        "log-group",
        lambda hand, id: hand.client("logs").put_log_group_deletion_protection(
            logGroupIdentifier=id, deletionProtectionEnabled=True
        ),
        "--no-deletion-protection-enabled",
    ),
    "replicas": (
        "secret",
        lambda hand, id: hand.client("secretsmanager").replicate_secret_to_regions(
            SecretId=id, AddReplicaRegions=[{"Region": "us-east-1"}]
        ),
        "remove-regions-from-replication",
    ),
}


@pytest.mark.parametrize("protection", PROTECTED)
@pytest.mark.parametrize("verb", ["apply", "destroy"])
def test_what_is_protected_is_refused_before_anything_is_deleted(world: World, protection: str, verb: str) -> None:
    """The plan is refused with the command that takes the protection back, and AWS is asked to change nothing."""
    kind, protect, remedy = PROTECTED[protection]
    lab = lab_of(world, kind)
    protect(lab.hand, lab.found()[lab.case.address].id)
    nothing = Stack(DEPLOYMENT, [])
    there = inventory(world.session)
    for attempt in (nothing.plan if verb == "apply" else nothing.plan_destroy, getattr(nothing, verb)):
        world.forget_calls()
        with pytest.raises(PlanRefused) as refusal:
            attempt(lab.aws(), delete_data=True)
        ((address, error),) = refusal.value.errors
        assert address == lab.case.address
        assert isinstance(error, DeletionProtected)
        assert protection.partition(" of ")[0] in str(error)
        assert remedy in str(error)
        assert world.writes == []
    assert inventory(world.session) == there


def test_all_that_is_protected_is_stated_at_once(world: World) -> None:
    """And a destroy that keeps the data is not refused for what it keeps."""
    hand, aws = Hand(world), Lab(world, CASES["instance"]).aws()
    table = CASES["table"].stack()[-1]
    stack = Stack(DEPLOYMENT, [*CASES["instance"].stack(), table])
    found = stack.apply(aws).found
    PROTECTED["termination protection"][1](hand, found["instance/host"].id)
    PROTECTED["deletion protection of a table"][1](hand, found[table.address].id)
    refused = {}
    for delete_data in (False, True):
        with pytest.raises(PlanRefused) as refusal:
            stack.plan_destroy(Lab(world, CASES["instance"]).aws(), delete_data=delete_data)
        refused[delete_data] = {address for address, _ in refusal.value.errors}
    assert refused == {False: {"instance/host"}, True: {"instance/host", table.address}}


# Who may enter a machine that is still there ------------------------------------------------------------------------

ENTERED_BY: Final = ("secret/ssh-private-key", "secret/ssh-public-key", "elastic-ip/host", "volume/data")


def deployed(world: World) -> Deployment:
    of = Deployment(SETTINGS, session=world.session)
    of.apply()
    return of


def still_there(world: World) -> set[str]:
    of = Deployment(SETTINGS, session=world.session)
    return {address for address, actual in of.stack.find(of.aws).items() if actual is not None}


def test_a_refused_termination_leaves_the_key_and_the_address(world: World) -> None:
    """Somebody protects the machine after the plan was made."""
    of = deployed(world)
    world.faults.refuse("TerminateInstances", "OperationNotPermitted", "may not be terminated", times=20)
    with pytest.raises(RunFailed, match="OperationNotPermitted"):
        of.destroy(delete_data=True)
    assert {"instance/host", *ENTERED_BY} <= still_there(world)


@pytest.mark.exhaustive
def test_while_the_machine_is_there_no_killed_process_has_taken_its_key_or_its_address(world: World) -> None:
    """Whichever call of a destroy it dies at, before or after AWS has done it."""
    deployed(world)
    kills: set[str] = set()
    for operation in ENDED:
        for kill in ("kill_before", "kill_after"):
            world.faults.refuse("TerminateInstances", "OperationNotPermitted", "may not be terminated", times=20)
            getattr(world.faults, kill)(operation)
            with suppress(ProcessKilled, RunFailed):
                unlocked(world).destroy(delete_data=True)
            kills |= set(world.faults.kills)
            world.restart()
            assert {"instance/host", *ENTERED_BY} <= still_there(world), operation
    assert {"killed before ec2.TerminateInstances", "killed after cloudwatch.DeleteAlarms"} <= kills
    unlocked(world).destroy(delete_data=True)
    assert counted(inventory(world.session)) == AFTER_DESTROY


# What somebody else's tags say --------------------------------------------------------------------------------------


def _make_bucket(hand: Hand) -> str:
    place: Any = {"LocationConstraint": "ap-northeast-1"}
    hand.client("s3").create_bucket(Bucket="theirs", CreateBucketConfiguration=place)
    hand.client("s3").put_object(Bucket="theirs", Key="year", Body=b"2026")
    return "theirs"


def _make_table(hand: Hand) -> str:
    hand.client("dynamodb").create_table(
        TableName="theirs",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return "theirs"


def _make_instance(hand: Hand, **launched: Any) -> str:
    ec2 = hand.client("ec2")
    image = ec2.describe_images(Filters=[{"Name": "architecture", "Values": ["x86_64"]}])["Images"][0]["ImageId"]
    started = ec2.run_instances(ImageId=image, InstanceType="t3.medium", MinCount=1, MaxCount=1, **launched)
    return str(started["Instances"][0]["InstanceId"])


def _make_log_group(hand: Hand) -> str:
    hand.client("logs").create_log_group(logGroupName="/theirs/audit")
    return "/theirs/audit"


FOREIGN: Final[Mapping[str, Callable[[Hand], str]]] = {
    "bucket": _make_bucket,
    "table": _make_table,
    "volume": lambda hand: str(hand.client("ec2").create_volume(AvailabilityZone=ZONE, Size=8)["VolumeId"]),
    "secret": lambda hand: str(hand.client("secretsmanager").create_secret(Name="theirs", SecretString="s")["Name"]),
    "instance": _make_instance,
    "log-group": _make_log_group,
    "topic": lambda hand: str(hand.client("sns").create_topic(Name="theirs")["TopicArn"]),
}
"""What somebody has made for themselves, by kind."""


def forge(hand: Hand, kind: str, id: str, address: str, deployment: str = SETTINGS.deployment) -> None:
    """Put every tag of ours on it, as whoever may only tag can."""
    tags = {
        TAG_DEPLOYMENT: deployment,
        TAG_ADDRESS: address,
        TAG_KEEP: "false",
        "Name": physical_name(deployment, address.partition("/")[2]),
    }
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    if kind in ("volume", "instance", "vpc"):
        hand.client("ec2").create_tags(Resources=[id], Tags=pairs)
    elif kind == "bucket":
        hand.client("s3").put_bucket_tagging(Bucket=id, Tagging={"TagSet": pairs})
    elif kind == "secret":
        hand.client("secretsmanager").tag_resource(SecretId=id, Tags=pairs)
    elif kind == "topic":
        hand.client("sns").tag_resource(ResourceArn=id, Tags=pairs)
    elif kind == "table":
        arn = hand.client("dynamodb").describe_table(TableName=id)["Table"]["TableArn"]
        hand.client("dynamodb").tag_resource(ResourceArn=arn, Tags=pairs)
    else:
        arn = f"arn:aws:logs:ap-northeast-1:123456789012:log-group:{id}"
        hand.client("logs").tag_resource(resourceArn=arn, tags=tags)


@pytest.mark.parametrize("kind", FOREIGN)
def test_forged_tags_delete_nothing(world: World, kind: str) -> None:
    """Neither apply() nor a destroy that is told to delete the data; and both plans say what looks foreign."""
    of, hand = deployed(world), Hand(world)
    hand.wait()
    before = counted(inventory(world.session))
    id = FOREIGN[kind](hand)
    hand.wait()
    theirs = Counter(counted(inventory(world.session))) - Counter(before)
    forge(hand, kind, id, f"{kind}/forged")
    for plan in (of.stack.plan(of.aws, delete_data=True), of.plan_destroy(delete_data=True)):
        (action,) = (action for action in plan if action.address == f"{kind}/forged")
        assert (action.verb, action.id) == ("keep", id)
        assert "looks foreign" in str(plan)
        assert "looks foreign" in plan.to_json() or action.foreign in plan.to_json()
    of.apply()
    assert counted(inventory(world.session)) == dict(Counter(before) + theirs)
    removed = of.destroy(delete_data=True)
    assert counted(inventory(world.session)) == dict(Counter(AFTER_DESTROY) + theirs)
    assert (f"{kind}/forged", id) in {(action.address, action.id) for action in removed.kept}
    assert "looks foreign" in str(removed)


@pytest.mark.parametrize("kind", ["bucket", "volume", "table", "secret"])
def test_forged_tags_delete_no_data_by_a_plain_apply(world: World, kind: str) -> None:
    """Not even what has a name of our form, or was made by us: only delete_data deletes it."""
    lab = lab_of(world, kind)
    subject = lab.found()[lab.case.address]
    lab.case.tag(lab.hand, subject, TAG_ADDRESS, f"{kind}/retired")
    lab.hand.wait()
    Stack(DEPLOYMENT, []).apply(lab.aws())
    assert counted(inventory(world.session)).get(kind) == 1


def test_what_has_no_data_is_shown_as_foreign_before_it_goes(world: World) -> None:
    """An empty VPC whose Name is not ours."""
    of, hand = deployed(world), Hand(world)
    vpc = hand.client("ec2").create_vpc(CidrBlock="10.44.0.0/16")["Vpc"]["VpcId"]
    forge(hand, "vpc", vpc, "vpc/forged")
    hand.client("ec2").create_tags(Resources=[vpc], Tags=[{"Key": "Name", "Value": "shop"}])
    hand.wait()
    (action,) = (action for action in of.plan() if action.address == "vpc/forged")
    assert (action.verb, action.id) == ("delete", vpc)
    assert "'shop'" in action.foreign


def test_the_machine_and_the_volume_of_another_environment_stay(world: World) -> None:
    """Its machine was launched by dify_aws as well, and its volume is attached to a machine with our tags."""
    of, hand = deployed(world), Hand(world)
    prod = Deployment(SETTINGS.replace(environment="prod"), session=world.session)
    prod.apply()
    found = {address: actual for address, actual in prod.stack.find(prod.aws).items() if actual is not None}
    hand.wait()
    for address in ("instance/host", "volume/data"):
        forge(hand, address.partition("/")[0], found[address].id, f"{address}-forged")
    of.apply()
    kept = {action.id for action in of.destroy(delete_data=True).kept}
    assert kept == {found["instance/host"].id, found["volume/data"].id}
    ec2 = hand.client("ec2")
    (reservation,) = ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])[
        "Reservations"
    ]
    assert reservation["Instances"][0]["InstanceId"] == found["instance/host"].id
    assert found["volume/data"].id in {volume["VolumeId"] for volume in ec2.describe_volumes()["Volumes"]}


def test_a_key_pair_or_a_client_token_tells_who_launched_an_instance(world: World) -> None:
    """AWS fixes both at the launch; the token counts where there is no key pair."""
    aws = deployed(world).aws
    ours = create_request(model("ec2.RunInstances"), {}, {TAG_DEPLOYMENT: aws.deployment}, generation=0)["ClientToken"]
    assert CLIENT_TOKEN.fullmatch(ours)
    assert foreign_launch(aws, "dify--dev--host", "") == ""
    assert foreign_launch(aws, "", ours) == ""
    assert "'dify--prod--host'" in foreign_launch(aws, "dify--prod--host", ours)
    assert "'terraform-20261201'" in foreign_launch(aws, "", "terraform-20261201")
    assert "''" in foreign_launch(aws, "", "")


# Evidence of a volume that is attached to nothing -------------------------------------------------------------------


def test_a_volume_that_we_created_is_deleted_when_the_data_is_given_up(world: World) -> None:
    """Its machine is gone, and the event history of CloudTrail has its creation with our tag."""
    of, hand = deployed(world), Hand(world)
    of.destroy()
    hand.wait()
    of.destroy(delete_data=True)
    assert counted(inventory(world.session)) == AFTER_DESTROY


def test_a_volume_that_is_attached_to_nothing_for_longer_than_the_event_history_stays(world: World) -> None:
    """The plan says why, and a run that attaches it again can have it deleted."""
    of = deployed(world)
    of.destroy()
    world.clock.advance(91 * 86_400)
    (kept,) = of.destroy(delete_data=True).kept
    assert kept.address == "volume/data"
    assert "90 days" in kept.foreign
    assert f"aws ec2 delete-volume --volume-id {kept.id}" in kept.foreign
    of.apply()
    of.destroy(delete_data=True)
    assert counted(inventory(world.session)) == AFTER_DESTROY


def test_a_volume_whose_creation_cannot_be_read_stays(world: World) -> None:
    """Without the permission there is no evidence."""
    of = deployed(world)
    of.destroy()
    world.faults.refuse("LookupEvents", "AccessDeniedException", "not authorized", times=9)
    (kept,) = of.destroy(delete_data=True).kept
    assert "AccessDenied" in kept.foreign
