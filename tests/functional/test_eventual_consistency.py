"""Eventual consistency: values that AWS does not show yet are neither drift nor a reason to refuse."""

from __future__ import annotations

import pytest

from dify_aws import NotConverged, RunFailed
from dify_aws.engine.resource import PENDING
from dify_aws.offline.faults import ProcessKilled
from dify_aws.offline.world import World
from tests.functional.cases import CASES
from tests.support.lab import Lab

LATE = {
    "nat-gateway": ("CreateNatGateway", {"allocation"}),
    "instance": ("RunInstances", {"root_volume_gib", "volumes"}),
    "vpc-endpoint": ("CreateVpcEndpoint", {"route_tables"}),
}
"""By kind the call that makes one, and what AWS does not show at first."""


@pytest.mark.parametrize("kind", LATE)
def test_plan_during_a_creation_shows_no_drift(world: World, kind: str) -> None:
    """A run died right after AWS had begun: what the next plan sees is not complete, and the next run waits for it."""
    lab, (operation, late) = Lab(world, CASES[kind]), LATE[kind]
    for _ in range(20):
        # A machine is refused as long as its profile is not known.
        world.faults.kill_after(operation)
        with pytest.raises(ProcessKilled):
            lab.apply()
        world.restart()
        if lab.case.address in lab.found():
            break
        world.clock.advance(3)
    early = lab.found()[lab.case.address]
    assert set(early.pending) == late
    assert lab.case.address not in {action.address for action in lab.plan()}
    lab.calls.clear()
    applied = lab.apply()
    assert applied[lab.case.address].pending == ()
    assert operation not in {call.operation for call in lab.writes()}
    assert not lab.plan()


def test_value_that_never_appears_is_reported(world: World) -> None:
    """Somebody took the root disk off. It is not compared with nothing: the error says what is missing of what."""
    lab = Lab(world, CASES["instance"])
    id = lab.apply()[lab.case.address].id
    ec2 = world.session.client("ec2")
    ec2.stop_instances(InstanceIds=[id])
    world.clock.advance(60)
    (instance,) = ec2.describe_instances(InstanceIds=[id])["Reservations"][0]["Instances"]
    root = {each["DeviceName"]: each["Ebs"]["VolumeId"] for each in instance["BlockDeviceMappings"]}
    ec2.detach_volume(VolumeId=root[instance["RootDeviceName"]])
    world.clock.advance(60)
    with pytest.raises(RunFailed) as failed:
        lab.apply()
    error = failed.value.failures[lab.case.address]
    assert isinstance(error, NotConverged)
    assert f"AWS does not show the root_volume_gib, volumes of {id}" in str(error)
    assert str(PENDING) == "(not shown by AWS yet)"
