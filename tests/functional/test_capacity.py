"""Where AWS has no capacity for the machine: another zone is tried, as long as nothing is fixed to the first one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from dify_aws import Deployment, Foundation, RunFailed, Settings, Stack, StackError, Subnet
from dify_aws.events import Event
from dify_aws.offline.faults import ProcessKilled
from dify_aws.offline.world import World
from dify_aws.operations.history.history import history
from dify_aws.operations.lock.unlock import lock_owner_of
from tests.functional.test_adopt import Theirs
from tests.support.inventory import AFTER_DESTROY, KEPT, WHOLE, counted, inventory
from tests.support.lags import RETRY_RULES
from tests.support.plans import aws_plan
from tests.support.process_kill import killed_at_each

REGION: Final = "ap-northeast-1"
FIRST, SECOND, THIRD = (f"{REGION}{letter}" for letter in "acd")
TYPE: Final = "t3.medium"

TUNNEL: Final = {**WHOLE, "connect-endpoint": 1, "security-group": 4, "subscription": 0}
"""What one environment is with ssh="tunnel", and nobody who hears of alarms."""

MOVED: Final = {
    "ec2.AssociateRouteTable": 2,
    "ec2.AttachVolume": 1,
    "ec2.CreateInstanceConnectEndpoint": 1,
    "ec2.CreateNatGateway": 1,
    "ec2.CreateSubnet": 2,
    "ec2.CreateVolume": 1,
    "ec2.DeleteInstanceConnectEndpoint": 1,
    "ec2.DeleteNatGateway": 1,
    "ec2.DeleteSubnet": 2,
    "ec2.ReplaceRoute": 1,
    "ec2.RunInstances": 1,
}
"""Every writing call of a run that goes from one zone, where all but the machine and its disk is there, to another."""


def no_capacity(world: World, *zones: str) -> None:
    world.no_capacity.clear()
    world.no_capacity.update((zone, TYPE) for zone in zones)


def deployment(world: World, listener: Callable[[Event], None] | None = None, **settings: Any) -> Deployment:
    overrides = {"environment": "dev", "region": REGION, "ssh": "tunnel", **settings}
    return Deployment(Settings(**overrides), session=world.session, listener=listener)


def zones(world: World) -> dict[str, list[str]]:
    """The zones of what is in one, by kind; what every account has is left out."""
    ec2: Any = world.session.client("ec2")
    machines = [each for reservation in ec2.describe_instances()["Reservations"] for each in reservation["Instances"]]
    return {
        "subnet": [each["AvailabilityZone"] for each in ec2.describe_subnets()["Subnets"] if each.get("Tags")],
        "volume": [each["AvailabilityZone"] for each in ec2.describe_volumes()["Volumes"]],
        "instance": [each["Placement"]["AvailabilityZone"] for each in machines],
    }


def operations(world: World) -> list[str]:
    return [str(call) for call in world.writes]


def whole(world: World) -> dict[str, int]:
    return {kind: count for kind, count in TUNNEL.items() if count}


def test_another_zone_is_tried_by_itself(world: World) -> None:
    """In the same run. All of it is in the other zone then, and in the first there is nothing left."""
    no_capacity(world, FIRST)
    events = list[Event]()
    outputs = deployment(world, events.append).apply()
    assert outputs.availability_zone == SECOND
    assert counted(inventory(world.session)) == whole(world)
    assert zones(world) == {"subnet": [SECOND] * 2, "volume": [SECOND] * 2, "instance": [SECOND]}
    (result,) = [event.detail for event in events if event.moment == "relocating"]
    assert result == f"no capacity for {TYPE} in {FIRST}; trying {SECOND}"
    assert [event.moment for event in events].count("planned") == 2

    before = len(world.writes)
    assert not aws_plan(deployment(world))
    deployment(world).apply()
    assert len(world.writes) == before

    deployment(world).destroy(delete_data=True)
    assert counted(inventory(world.session)) == AFTER_DESTROY


def test_deploy_goes_to_another_zone_and_installs_there(world: World) -> None:
    no_capacity(world, FIRST, SECOND)
    assert deployment(world, ssh="lease").deploy().availability_zone == THIRD
    assert not aws_plan(deployment(world, ssh="lease"))


def test_the_data_volume_is_created_only_where_the_machine_was_launched(world: World) -> None:
    """So no volume is ever deleted on the way to another zone."""
    no_capacity(world, FIRST)
    deployment(world).apply()
    assert operations(world).count("ec2.CreateVolume") == 1
    assert "ec2.DeleteVolume" not in operations(world)
    written = operations(world)
    assert written.index("ec2.CreateVolume") > max(
        place for place, operation in enumerate(written) if operation == "ec2.RunInstances"
    )


def test_the_record_has_the_move(world: World) -> None:
    Foundation(session=world.session, trail=False, block_public_access=False).apply()
    no_capacity(world, FIRST)
    made = deployment(world)
    made.apply()
    (record,) = history(made.aws)
    (move,) = [change for change in record.changes if change["address"] == "zone/main"]
    assert move["changes"] == [{"attribute": "id", "before": FIRST, "after": SECOND}]
    created = [change["address"] for change in record.changes if change["verb"] == "create"]
    assert len(created) == len(set(created))
    assert {"subnet/public", "volume/data", "instance/host"} <= set(created)


def test_when_all_zones_refuse_the_error_names_each(world: World) -> None:
    """With AWS's code and request id, and the ways out; the next run tries all of them again."""
    no_capacity(world, FIRST, SECOND, THIRD)
    with pytest.raises(RunFailed) as failed:
        deployment(world).apply()
    message = str(failed.value.failures["instance/host"])
    for zone in (FIRST, SECOND, THIRD):
        assert f"{zone}: InsufficientInstanceCapacity (request id " in message
    for remedy in ("Wait and run again", "another instance_type", "another region"):
        assert remedy in message
    assert "zone/main" in failed.value.done
    assert "volume/data" not in failed.value.done
    assert counted(inventory(world.session)).get("volume") is None
    no_capacity(world, SECOND, THIRD)
    assert deployment(world).apply().availability_zone == FIRST
    assert counted(inventory(world.session)) == whole(world)
    assert not aws_plan(deployment(world))


def test_a_zone_that_was_chosen_is_not_left(world: World) -> None:
    no_capacity(world, FIRST)
    made = deployment(world, availability_zone=FIRST)
    assert not any("no capacity" in note for note in made.plan().notes)
    with pytest.raises(RunFailed, match="Another zone is tried by itself where availability_zone is not set"):
        made.apply()
    assert not [each for each in operations(world) if each.startswith("ec2.Delete")]
    # Who takes the setting away goes on from there.
    assert deployment(world).apply().availability_zone == SECOND


def test_the_subnet_of_somebody_else_is_not_left(world: World) -> None:
    theirs = Theirs(world)
    theirs.lead_out()
    no_capacity(world, FIRST, SECOND, THIRD)
    with pytest.raises(RunFailed, match="InsufficientInstanceCapacity"):
        deployment(world, vpc_id=theirs.vpc, public_subnet_id=theirs.public).apply()
    assert not [each for each in operations(world) if each.startswith("ec2.Delete")]


def test_a_volume_of_an_earlier_run_stays_and_decides(world: World) -> None:
    """Whether something is on it, nobody can tell."""
    deployment(world).apply()
    deployment(world).destroy()
    assert counted(inventory(world.session)) == KEPT
    (volume,) = inventory(world.session)["volume"]
    no_capacity(world, FIRST)
    world.forget_calls()
    with pytest.raises(RunFailed) as failed:
        deployment(world).apply()
    assert "by a snapshot" in str(failed.value.failures["instance/host"])
    assert inventory(world.session)["volume"] == [volume]
    assert not [each for each in operations(world) if each.startswith("ec2.Delete")]
    no_capacity(world)
    deployment(world).apply()
    assert volume in inventory(world.session)["volume"]
    assert not aws_plan(deployment(world))


def test_any_volume_with_our_tag_ties_the_zone(world: World) -> None:
    """One that this version does not speak of may be all that is left of somebody's data."""
    tags = [{"Key": "dify-aws:deployment", "Value": "dify/dev"}, {"Key": "dify-aws:address", "Value": "volume/old"}]
    ec2: Any = world.session.client("ec2")
    ec2.create_volume(AvailabilityZone=FIRST, Size=8, TagSpecifications=[{"ResourceType": "volume", "Tags": tags}])
    no_capacity(world, FIRST)
    with pytest.raises(RunFailed):
        deployment(world).apply()
    assert not [each for each in operations(world) if each.startswith("ec2.Delete")]


def test_a_plan_says_that_another_zone_may_be_tried_and_only_then_it_is(world: World) -> None:
    no_capacity(world, FIRST)
    plan = deployment(world).plan()
    (note,) = [each for each in plan.notes if "no capacity" in each]
    assert f"The zone is {FIRST}" in note
    assert f"{SECOND} or {THIRD}" in note
    silent = replace(plan, notes=tuple(each for each in plan.notes if each != note))
    with pytest.raises(RunFailed):
        deployment(world).apply(silent)
    assert not [each for each in operations(world) if each.startswith("ec2.Delete")]
    # The network is there already, and the plan for the rest says the same.
    assert deployment(world).apply(deployment(world).plan()).availability_zone == SECOND
    assert not any("no capacity" in each for each in deployment(world).plan().notes)


def test_what_is_somebody_elses_in_the_first_zone_is_named(world: World) -> None:
    """The subnet cannot go then; nothing is lost, and the error has both: what is in the way, and the capacity."""
    no_capacity(world, FIRST)
    with pytest.raises(RunFailed):
        deployment(world, availability_zone=FIRST).apply()
    ec2: Any = world.session.client("ec2")
    private = [{"Name": "tag:dify-aws:address", "Values": ["subnet/private"]}]
    (subnet,) = ec2.describe_subnets(Filters=private)["Subnets"]
    interface = ec2.create_network_interface(SubnetId=subnet["SubnetId"])["NetworkInterface"]["NetworkInterfaceId"]
    with pytest.raises(RunFailed) as failed:
        deployment(world).apply()
    assert failed.value.failures.keys() == {"instance/host", "subnet/private"}
    assert interface in str(failed.value.failures["subnet/private"])
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    assert deployment(world).apply().availability_zone == SECOND


def unlocked(world: World) -> Deployment:
    """As a new process has it, after the lock of the dead one was taken: at once, before AWS has caught up."""
    of = deployment(world)
    if (lock_owner := lock_owner_of(of.aws)) is not None:
        of.unlock(lock_owner.id)
    return of


def all_but_the_machine(world: World) -> None:
    """In the first zone. A run that fails starts nothing new, so the second one makes what the first left out."""
    no_capacity(world, FIRST)
    for _ in range(2):
        with pytest.raises(RunFailed):
            deployment(world, availability_zone=FIRST).apply()
    expected = {kind: count for kind, count in whole(world).items() if kind not in ("instance", "volume", "alarm")}
    assert counted(inventory(world.session)) == {**expected, "address": 1}
    world.lags.update(RETRY_RULES)


@pytest.mark.exhaustive
@pytest.mark.parametrize("operation", MOVED)
def test_killed_on_the_way_to_another_zone(world: World, operation: str) -> None:
    """At each call, before and after it: the next run ends well, with one of each thing, all in one zone."""
    all_but_the_machine(world)
    killed_at_each(world, {operation: MOVED[operation]}, lambda: unlocked(world).apply())
    assert counted(inventory(world.session)) == whole(world)
    seen = zones(world)
    assert set(seen["subnet"]) == set(seen["volume"]) == set(seen["instance"]) == {SECOND}
    assert not aws_plan(deployment(world))
    deployment(world).destroy(delete_data=True)
    assert counted(inventory(world.session)) == AFTER_DESTROY


def test_a_nat_gateway_that_is_being_deleted_is_waited_for(world: World) -> None:
    """It has its address until it is gone: AWS would make another one, and let it fail."""
    deployment(world).apply()
    (gateway,) = inventory(world.session)["nat-gateway"]
    world.session.client("ec2").delete_nat_gateway(NatGatewayId=gateway)
    deployment(world).apply()
    assert counted(inventory(world.session)) == whole(world)


def test_a_subnet_of_a_killed_run_that_aws_shows_late_decides(world: World) -> None:
    """It was made in another zone than the one that is chosen without it."""
    world.lags["subnet"] = 20.0
    world.faults.kill_after("ec2.CreateSubnet")
    with pytest.raises(ProcessKilled):
        deployment(world, availability_zone=SECOND).apply()
    world.restart()
    assert unlocked(world).apply().availability_zone == SECOND
    assert not aws_plan(deployment(world))


def test_the_list_has_every_writing_call_of_the_move(world: World) -> None:
    all_but_the_machine(world)
    world.forget_calls()
    deployment(world).apply()
    others = ("cloudwatch.", "dynamodb.", "ec2.AllocateAddress", "ec2.AssociateAddress", "ec2.DisassociateRouteTable")
    assert {each for each in operations(world) if not each.startswith(others)} == MOVED.keys()


def test_killed_at_all_of_them(world: World) -> None:
    """One process after the other, each at whatever comes first."""
    all_but_the_machine(world)
    killed_at_each(world, MOVED, lambda: unlocked(world).apply())
    assert counted(inventory(world.session)) == whole(world)
    assert set(zones(world)["subnet"]) == {SECOND}
    assert not aws_plan(deployment(world))


def test_a_stack_in_which_created_after_goes_round_is_refused() -> None:
    one = Subnet(name="one", vpc="vpc-0", cidr_block="10.0.1.0/24")
    first = replace(one, name="first", created_after=replace(one, name="second").id)
    second = replace(one, name="second", created_after=first.id)
    with pytest.raises(StackError, match="in a circle"):
        Stack("dify/dev", [first, second])
