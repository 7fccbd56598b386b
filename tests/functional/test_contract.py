"""What every kind of resource must do. The numbers are those of the contract in docs/how-it-works.md."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from dify_aws import Fact, FixedAttribute, KeyPair, NotOurs, PlanRefused, RunFailed, Stack
from dify_aws.aws.actions import action_of
from dify_aws.aws.create_request import TAG_ADDRESS, TAG_DEPLOYMENT
from dify_aws.engine.resource import kinds
from dify_aws.offline import offline
from dify_aws.offline.calls import Call
from dify_aws.offline.faults import ProcessKilled
from dify_aws.offline.world import World
from dify_aws.resources.named_resource import NamedResource
from dify_aws.resources.vpc.blockers import IDENTIFIED_BY, actions_to_explain
from tests.functional.cases import CASES
from tests.support.inventory import counted, inventory
from tests.support.lab import DEPLOYMENT, Lab
from tests.support.lags import RETRY_RULES
from tests.support.process_kill import killed_at_each
from tests.support.queue import QUEUE
from tests.unit.test_create_request import model

FIXED = [kind for kind, case in CASES.items() if case.fixed]
CLINGING = [kind for kind, case in CASES.items() if case.delete_conflict]
OURS = {kind: cls for kind, cls in kinds().items() if cls.__module__.startswith("dify_aws.")}


@pytest.fixture
def lab(world: World, kind: str) -> Lab:
    lab = Lab(world, CASES[kind])
    world.lags.update(RETRY_RULES)
    return lab


every_kind = pytest.mark.parametrize("kind", CASES)


def strings(value: Any) -> Iterator[str]:
    """Every text in the parameters of a call."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings(item)


def test_every_kind_has_a_case() -> None:
    """A kind without a case would be held against nothing."""
    assert CASES.keys() == {kind for kind, cls in OURS.items() if not issubclass(cls, Fact)} | QUEUE.keys()
    assert all(case.kind.kind == kind for kind, case in CASES.items())


@every_kind
def test_every_field_has_a_case(kind: str) -> None:
    """Each field that can be wished for is spoiled by hand, wished for otherwise, or fixed."""
    case = CASES[kind]
    tried = {name.partition(" ")[0] for name in case.drift} | case.updates.keys()
    assert case.fixed.keys() == case.kind.fixed
    assert tried | case.kind.fixed == set(case.kind.desired_fields())


@every_kind
def test_1_2_and_7_a_second_run_changes_nothing(lab: Lab) -> None:
    """apply, then an empty plan, then an apply without one writing call; and the same with two destroys.

    In between, find tells all that can be wished for: what it does not tell could not be seen to drift.
    """
    first = lab.apply()
    assert {action.verb for action in first.plan} == {"create"}
    assert not lab.plan()
    lab.calls.clear()
    again = lab.apply()
    assert not again
    assert lab.writes() == []
    assert {address: (actual.id, actual.values) for address, actual in again.found.items()} == {
        address: (actual.id, actual.values) for address, actual in first.found.items()
    }

    found = lab.found()
    subject, actual = lab.stack().resources[lab.case.address].resolved(found), found[lab.case.address]
    assert set(actual.values) == set(lab.case.kind.desired_fields())
    assert {name: actual.values[name] for name in subject.desired()} == subject.desired()

    assert lab.case.address in {action.address for action in lab.destroy().plan}
    assert counted(inventory(lab.world.session)) == {}
    lab.calls.clear()
    assert not lab.destroy()
    assert lab.writes() == []


@every_kind
def test_3_deleted_behind_our_back_it_is_made_again(lab: Lab) -> None:
    """The plan says so, and for nothing else than for what stands on it."""
    lab.apply()
    before = counted(inventory(lab.world.session))
    lab.remove()
    lab.hand.wait()
    assert {(action.verb, action.address) for action in lab.plan()} == {("create", lab.case.address)}
    lab.apply()
    assert not lab.plan()
    assert counted(inventory(lab.world.session)) == before


@every_kind
def test_4_5_and_10_what_was_changed_is_repaired(lab: Lab) -> None:
    """By hand, by another wish, in its tags, and in what comes seldom; and whoever dies on the way.

    All of it in one life, and then its end: no call of it needs an action that is not listed, and no action is listed
    that no call needs.
    """
    before = len(lab.world.calls)
    Stack("lab", []).plan(lab.aws())
    looking = {action_of(str(call)) for call in lab.world.calls[before:]}
    lab.apply()
    there = Counter(counted(inventory(lab.world.session)))
    killed: set[str] = set()
    for name in lab.case.drift:
        there = repaired(lab, name, there, killed)
    tags_repaired(lab)
    overrides: dict[str, Any] = {}
    for name, desired in lab.case.updates.items():
        lab.hand.wait()
        overrides[name] = desired
        (action,) = lab.apply(**overrides).plan
        assert [change.attribute for change in action.changes] == [name]
        assert not lab.plan(**overrides), name
    if lab.case.kind.kind in SELDOM:
        SELDOM[lab.case.kind.kind](lab, overrides)
    # What was made by hand on the way may be in the way now.
    with suppress(RunFailed):
        lab.destroy()
    used = lab.actions() - {"sts:GetCallerIdentity"}
    listed = {action for resource in lab.case.stack() for action in type(resource).permissions}
    assert used - looking <= listed
    # What explains a refusal is read only where something of somebody else is in the way of a deletion.
    assert lab.case.kind.permissions - used - NOT_A_CALL - actions_to_explain(*IDENTIFIED_BY) == set()


def repaired(lab: Lab, name: str, there: Counter[str], killed: set[str]) -> Counter[str]:
    """One thing is changed by hand, so the plan has one change of one thing, and after it there is none.

    Then it is changed once more, and processes die at each call that mends it, but for those at which they have
    ``died`` before. The answer is how many of each thing are there in the end: not more than before, and what was put
    there by hand.
    """
    before = len(lab.world.calls)
    lab.drift(name)
    # Where nothing was made by hand, nothing may be there beside what was there; and nobody has to look.
    made = any(
        call.operation.startswith(("Allocate", "Create", "Run", "Subscribe")) for call in lab.world.calls[before:]
    )
    beside = Counter(counted(inventory(lab.world.session))) - there if made else Counter[str]()
    before = len(lab.calls)
    (action,) = lab.apply().plan
    assert (action.verb, action.address) == ("update", lab.case.address), name
    assert [change.attribute for change in action.changes] == [name.partition(" ")[0]]
    mending = own_writes(lab, lab.calls[before:])
    assert not lab.plan(), name
    if new := {call: times for call, times in mending.items() if call not in killed}:
        killed.update(new)
        lab.drift(name)
        killed_at_each(lab.world, new, lab.apply)
        assert not lab.plan(), name
    left = Counter(counted(inventory(lab.world.session)))
    assert (left - there).keys() <= beside.keys(), f"{name}: more than what was put there by hand"
    return left


def tags_repaired(lab: Lab) -> None:
    """People and their tools tag what they find; our own tags come back, and those of others stay."""
    actual = lab.found()[lab.case.address]
    lab.case.tag(lab.hand, actual, "Name", "mine")
    lab.case.tag(lab.hand, lab.found()[lab.case.address], "cost-center", "42")
    (action,) = lab.apply().plan
    assert [change.attribute for change in action.changes] == ["tags"]
    assert not lab.plan()
    assert lab.found()[lab.case.address].tags == {**actual.tags, "cost-center": "42"}


@every_kind
def test_5_killed_at_any_call_of_its_making_or_its_end(lab: Lab) -> None:
    """Right before each writing call, and in a later process right after it: the last one finishes."""
    lab.apply()
    whole, made = counted(inventory(lab.world.session)), own_writes(lab, lab.calls)
    before = len(lab.calls)
    lab.destroy()
    nothing, ended = counted(inventory(lab.world.session)), own_writes(lab, lab.calls[before:])
    killed_at_each(lab.world, made, lab.apply)
    assert counted(inventory(lab.world.session)) == whole
    assert not lab.plan()
    killed_at_each(lab.world, ended, lab.destroy)
    assert counted(inventory(lab.world.session)) == nothing


def own_writes(lab: Lab, calls: list[Call]) -> dict[str, int]:
    """The operations among ``calls`` by which the verbs of the kind itself changed something: each is to die once."""
    return {str(call): 1 for call in calls if call.writes and of_the_kind(lab.case.kind.kind, call)}


def of_the_kind(kind: str, call: Call) -> bool:
    """Whether a verb of this kind may have made the call."""
    return action_of(str(call)) in CASES[kind].kind.permissions


@every_kind
def test_6_what_is_not_visible_yet_is_waited_for(kind: str) -> None:
    """Every call that speaks of something new is refused at first, as AWS does before it has told all its parts."""
    with offline() as world:
        lab = Lab(world, CASES[kind])
        lab.apply()
        speaking = speaking_of_new(kind, lab.calls)
    with offline() as world:
        lab = Lab(world, CASES[kind])
        for operation, nth in speaking.items():
            code, status = not_there(operation)
            world.faults.refuse(operation, code, f"The {kind} does not exist", times=3, status=status, nth=nth)
        lab.apply()
        world.faults.disarm()
        assert not lab.plan()


def speaking_of_new(kind: str, calls: list[Call]) -> dict[str, int]:
    """The operations of the kind that speak of an id, or of a name given before, and which call of it does so first."""
    given: set[str] = set()
    seen: Counter[str] = Counter()
    speaking: dict[str, int] = {}
    for call in calls:
        seen[str(call)] += 1
        content = set(strings(dict(call.params)))
        new = any(text in given or re.fullmatch(r"(?!ami-)[a-z]+-[0-9a-f]{17}", text) for text in content)
        if new and of_the_kind(kind, call):
            speaking.setdefault(str(call), seen[str(call)])
        if call.operation.startswith(("Create", "Import", "PutMetricAlarm")):
            given |= {value for key, value in call.params.items() if key.endswith(("Name", "Bucket", "name"))}
    return speaking


WAITED_FOR = {
    "DescribeInstances": "InvalidInstanceID.NotFound",
    "DescribeNatGateways": "NatGatewayNotFound",
    "DescribeVolumes": "InvalidVolume.NotFound",
}


def not_there(operation: str) -> tuple[str, int]:
    """How a service says that it does not know what it is asked about."""
    service, _, name = operation.partition(".")
    return {
        "ec2": (WAITED_FOR.get(name, "InvalidThingID.NotFound"), 400),
        "iam": ("NoSuchEntity", 404),
        "s3": ("NoSuchBucket", 404),
        "sns": ("NotFound", 404),
        "cloudwatch": ("ResourceNotFound", 404),
    }.get(service, (modelled_not_found(service, name), 400))


def modelled_not_found(service: str, name: str) -> str:
    """The code of the error of an operation, by botocore's model, that says that something is not there."""
    errors = model(f"{service}.{name}").error_shapes
    codes = [str(each.metadata.get("error", {}).get("code", each.name)) for each in errors]
    return next((code for code in codes if re.search("NotFound|DoesNotExist", code)), "ResourceNotFoundException")


@pytest.mark.parametrize("kind", CLINGING)
def test_7_what_aws_refuses_to_delete_at_once_goes_in_the_end(lab: Lab) -> None:
    """Something still stands on it, or AWS thinks so."""
    assert lab.case.delete_conflict
    lab.apply()
    operation, code = lab.case.delete_conflict
    lab.world.faults.refuse(operation, code, "it has dependencies and cannot be deleted", times=3)
    lab.destroy()
    assert counted(inventory(lab.world.session)) == {}


@every_kind
def test_8_without_our_tag_it_is_not_touched(lab: Lab, kind: str) -> None:
    """Neither an apply nor a destroy changes a thing that does not say that it is ours; where it is in the way, that
    is said."""
    lab.apply()
    actual = lab.found()[lab.case.address]
    lab.case.untag(lab.hand, actual, [TAG_DEPLOYMENT])
    lab.calls.clear()
    in_the_way: list[Exception] = []
    for attempt in (lab.apply, lab.destroy):
        try:
            attempt()
        except (PlanRefused, RunFailed) as error:
            in_the_way.append(error)
    if isinstance(lab.stack().resources[lab.case.address], NamedResource | KeyPair):
        refused = in_the_way[0]
        assert isinstance(refused, PlanRefused)
        assert [type(error) for _, error in refused.errors] == [NotOurs]
        assert lab.case.address in str(refused)
    names = {actual.id, *(str(value) for fact, value in actual.facts.items() if fact in FACTS)}
    touching = [call for call in lab.writes() if not about_ours(call) and names & set(strings(texts_of(kind, call)))]
    assert touching == []
    assert names & {id for ids in inventory(lab.world.session).values() for id in ids}


FACTS = ("arn", "key_pair_id", "role_name", "instance_profile_name")


def texts_of(kind: str, call: Call) -> dict[str, Any]:
    """The parameters that name a thing of this kind: a role and its profile may be called alike."""
    alike = {"role": "InstanceProfileName", "instance-profile": "RoleName"}.get(kind)
    return {name: value for name, value in call.params.items() if name != alike}


def about_ours(call: Call) -> bool:
    """A thing of ours that stands on it may be put on it, or taken off: that changes the thing of ours."""
    return call.operation.startswith(("Create", "Run", "Associate", "Attach", "AddRole", "Allocate"))


@pytest.mark.parametrize("kind", FIXED)
def test_9_what_is_fixed_is_refused_and_nothing_written(lab: Lab) -> None:
    """The refusal names what is there, what was asked for, and the way out."""
    lab.apply()
    found = lab.found()
    lab.calls.clear()
    for name, other in lab.case.fixed.items():
        before = found[lab.case.address].values[name]
        after = lab.stack(**{name: other}).resources[lab.case.address].resolved(found).desired()[name]
        for attempt in (lab.plan, lab.apply):
            with pytest.raises(PlanRefused) as refusal:
                attempt(**{name: other})
            ((address, error),) = refusal.value.errors
            assert address == lab.case.address
            assert isinstance(error, FixedAttribute)
            assert error.attribute == name
            assert repr(before) in str(error)
            assert repr(after) in str(error)
            assert "destroy()" in str(error)
    assert lab.writes() == []


NOT_A_CALL = {
    "ec2-instance-connect:OpenTunnel",  # asked for when a tunnel is opened
    "ec2:CreateNetworkInterface",  # asked for by CreateInstanceConnectEndpoint
    "iam:CreateServiceLinkedRole",  # asked for by the first CreateInstanceConnectEndpoint of an account
    "iam:PassRole",  # asked for when a role is handed on
    "s3:TagResource",  # asked for by CreateBucket with tags
    "s3:DeleteObjectVersion",  # asked for by DeleteObjects of versions
}


def fill(lab: Lab, overrides: dict[str, Any]) -> None:
    """A bucket that somebody uses: an object, an older version of it, a delete marker, and an unfinished upload."""
    bucket = lab.found()[lab.case.address].id
    s3 = lab.hand.client("s3")
    for body in (b"1", b"2"):
        s3.put_object(Bucket=bucket, Key="uploads/a", Body=body)
    s3.delete_object(Bucket=bucket, Key="uploads/a")
    s3.create_multipart_upload(Bucket=bucket, Key="uploads/b")


def throw_away(lab: Lab, overrides: dict[str, Any]) -> None:
    """A secret that was deleted in the console can be had back for some days."""
    lab.hand.client("secretsmanager").delete_secret(SecretId=lab.found()[lab.case.address].id)
    lab.apply()
    assert not lab.plan()


def kill_growing(lab: Lab, overrides: dict[str, Any]) -> None:
    """A run dies while a disk grows; the next one finds that it grows already."""
    lab.hand.wait()
    larger = {name: value + 10 for name, value in overrides.items() if name.endswith("_gib")}
    lab.world.faults.kill_after("ModifyVolume")
    with pytest.raises(ProcessKilled):
        lab.apply(**{**overrides, **larger})
    lab.world.restart()
    lab.apply(**{**overrides, **larger})
    assert not lab.plan(**{**overrides, **larger})


def point_elsewhere(lab: Lab, overrides: dict[str, Any]) -> None:
    """Somebody lets the address lead to a machine of their own, which does not go with ours."""
    found = lab.found()
    ec2 = lab.hand.client("ec2")
    image = ec2.describe_instances(InstanceIds=[found["instance/host"].id])["Reservations"][0]["Instances"][0]
    (theirs,) = ec2.run_instances(
        ImageId=image["ImageId"], InstanceType="t3.medium", SubnetId=image["SubnetId"], MinCount=1, MaxCount=1
    )["Instances"]
    lab.hand.wait()
    ec2.associate_address(
        AllocationId=found[lab.case.address].id, InstanceId=theirs["InstanceId"], AllowReassociation=True
    )


def retire_the_main_table(lab: Lab, overrides: dict[str, Any]) -> None:
    """A main route table that was adopted, and that no stack speaks of any more."""
    ec2, vpc = lab.hand.client("ec2"), lab.found()["vpc/main"].id
    main: Any = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]
    (table,) = ec2.describe_route_tables(Filters=main)["RouteTables"]
    tags = {TAG_DEPLOYMENT: DEPLOYMENT, TAG_ADDRESS: "route-table/adopted"}
    ec2.create_tags(
        Resources=[table["RouteTableId"]], Tags=[{"Key": key, "Value": value} for key, value in tags.items()]
    )
    lab.hand.wait()
    (action,) = lab.apply(**overrides).plan
    assert (action.verb, action.address) == ("delete", "route-table/adopted")
    assert not lab.plan(**overrides)


SELDOM = {
    "route-table": retire_the_main_table,
    "elastic-ip": point_elsewhere,
    "bucket": fill,
    "secret": throw_away,
    "volume": kill_growing,
    "instance": kill_growing,
}
"""What a kind does seldom, and needs a permission for."""
