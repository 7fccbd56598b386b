"""Volumes: their states, where they may be attached, and how they grow.

https://docs.aws.amazon.com/ebs/latest/userguide/ebs-describing-volumes.html
https://docs.aws.amazon.com/ebs/latest/userguide/modify-volume-requirements.html
"""

from __future__ import annotations

from typing import Any

import pytest

from dify_aws.offline.world import World
from tests.offline.place import Place
from tests.offline.refusals import refused


def volume(place: Place, volume_id: str) -> Any:
    return place.ec2.describe_volumes(VolumeIds=[volume_id])["Volumes"][0]


@pytest.fixture
def running(place: Place, world: World) -> str:
    instance = place.launch()
    world.clock.sleep(16)
    return instance


@pytest.fixture
def data(place: Place, world: World) -> str:
    made = place.volume(size=50)
    world.clock.sleep(2)
    return made


def test_a_volume_is_creating_before_it_is_available(place: Place, world: World, running: str) -> None:
    made = place.volume()
    assert volume(place, made)["State"] == "creating"
    with refused("IncorrectState"):
        place.ec2.attach_volume(VolumeId=made, InstanceId=running, Device="/dev/sdf")
    world.clock.sleep(2)
    assert volume(place, made)["State"] == "available"
    assert (volume(place, made)["Iops"], volume(place, made)["Throughput"]) == (3000, 125)  # what gp3 comes with


def test_attaching_and_detaching_take_a_while(place: Place, world: World, running: str, data: str) -> None:
    answer = place.ec2.attach_volume(VolumeId=data, InstanceId=running, Device="/dev/sdf")
    assert answer["State"] == "attaching"
    world.clock.sleep(2)
    assert volume(place, data)["State"] == "in-use"
    assert volume(place, data)["Attachments"][0]["State"] == "attached"
    assert place.ec2.detach_volume(VolumeId=data)["State"] == "detaching"
    assert volume(place, data)["State"] == "in-use"
    with refused("VolumeInUse"):
        place.ec2.delete_volume(VolumeId=data)
    world.clock.sleep(5)
    assert volume(place, data)["State"] == "available"
    assert volume(place, data)["Attachments"] == []
    place.ec2.delete_volume(VolumeId=data)


def test_a_volume_is_attached_once(place: Place, running: str, data: str) -> None:
    place.ec2.attach_volume(VolumeId=data, InstanceId=running, Device="/dev/sdf")
    with refused("VolumeInUse"):
        place.ec2.attach_volume(VolumeId=data, InstanceId=running, Device="/dev/sdg")


def test_a_device_is_used_once(place: Place, world: World, running: str, data: str) -> None:
    place.ec2.attach_volume(VolumeId=data, InstanceId=running, Device="/dev/sdf")
    another = place.volume()
    world.clock.sleep(2)
    with refused("InvalidParameterValue"):
        place.ec2.attach_volume(VolumeId=another, InstanceId=running, Device="/dev/sdf")


def test_a_volume_stays_in_its_zone(place: Place, world: World, running: str) -> None:
    elsewhere = place.volume(AvailabilityZone="ap-northeast-1c")
    world.clock.sleep(2)
    with refused("InvalidVolume.ZoneMismatch"):
        place.ec2.attach_volume(VolumeId=elsewhere, InstanceId=running, Device="/dev/sdf")


def test_an_instance_takes_volumes_only_when_it_runs_or_is_stopped(place: Place, world: World, data: str) -> None:
    pending = place.launch()
    with refused("IncorrectState"):
        place.ec2.attach_volume(VolumeId=data, InstanceId=pending, Device="/dev/sdf")
    world.clock.sleep(16)
    place.ec2.stop_instances(InstanceIds=[pending])
    world.clock.sleep(30)
    place.ec2.attach_volume(VolumeId=data, InstanceId=pending, Device="/dev/sdf")


def test_an_attached_volume_outlives_the_instance(place: Place, world: World, running: str, data: str) -> None:
    """What was attached later is not deleted with the instance."""
    place.ec2.attach_volume(VolumeId=data, InstanceId=running, Device="/dev/sdf")
    place.ec2.terminate_instances(InstanceIds=[running])
    assert volume(place, data)["State"] == "in-use"
    world.clock.sleep(30)
    assert volume(place, data)["State"] == "available"


def test_a_root_volume_stays_with_a_running_instance(place: Place, running: str, world: World) -> None:
    world.clock.advance(60)
    root = place.instance(running)["BlockDeviceMappings"][0]["Ebs"]["VolumeId"]
    with refused("OperationNotPermitted"):
        place.ec2.detach_volume(VolumeId=root)


def test_what_is_not_attached_cannot_be_detached(place: Place, running: str, data: str) -> None:
    with refused("IncorrectState"):
        place.ec2.detach_volume(VolumeId=data)
    place.ec2.attach_volume(VolumeId=data, InstanceId=running, Device="/dev/sdf")
    with refused("InvalidAttachment.NotFound"):
        place.ec2.detach_volume(VolumeId=data, Device="/dev/sdg")


def test_a_volume_never_shrinks(place: Place, data: str) -> None:
    with refused("InvalidParameterValue"):
        place.ec2.modify_volume(VolumeId=data, Size=49)


def test_growing_goes_through_its_states(place: Place, world: World, data: str) -> None:
    def state() -> tuple[str, int]:
        modification = place.ec2.describe_volumes_modifications(VolumeIds=[data])["VolumesModifications"][0]
        return modification["ModificationState"], modification["Progress"]

    with refused("InvalidVolumeModification.NotFound"):
        state()
    answer = place.ec2.modify_volume(VolumeId=data, Size=60)["VolumeModification"]
    assert (answer["OriginalSize"], answer["TargetSize"], answer["TargetVolumeType"]) == (50, 60, "gp3")
    assert (state(), volume(place, data)["Size"]) == (("modifying", 0), 50)
    world.clock.sleep(10)
    assert (state(), volume(place, data)["Size"]) == (("optimizing", 50), 60)
    world.clock.sleep(120)
    assert state() == ("completed", 100)


def test_a_volume_is_modified_once_in_six_hours(place: Place, world: World, data: str) -> None:
    place.ec2.modify_volume(VolumeId=data, Size=60)
    world.clock.advance(6 * 3600 - 1)
    with refused("VolumeModificationRateExceeded"):
        place.ec2.modify_volume(VolumeId=data, Size=70)
    world.clock.sleep(1)
    place.ec2.modify_volume(VolumeId=data, Size=70)
    world.clock.sleep(10)
    assert volume(place, data)["Size"] == 70
