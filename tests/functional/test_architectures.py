"""Other computers than the usual one: Graviton (arm64), and types that are built on Xen, from the image to a Dify."""

from __future__ import annotations

from typing import Any

import pytest

from dify_aws import Deployment, Settings
from dify_aws.host.errors import HostError
from dify_aws.offline.world import World
from tests.support.plans import aws_plan


def deployed(world: World, **settings: Any) -> Deployment:
    deployment = Deployment(Settings(environment="dev", nat_gateway=False, **settings), session=world.session)
    deployment.deploy()
    return deployment


@pytest.mark.parametrize("instance_type", ["t4g.medium", "m7g.large"])
def test_graviton_gets_the_image_and_the_packages_of_its_architecture(world: World, instance_type: str) -> None:
    """Canonical's image for arm64, AWS's agent for arm64, and a machine that says so: Dify answers on it."""
    deployment = deployed(world, instance_type=instance_type)
    outputs = deployment.outputs()
    ec2 = world.session.client("ec2")
    (reservation,) = ec2.describe_instances(InstanceIds=[outputs.instance_id])["Reservations"]
    (instance,) = reservation["Instances"]
    (image,) = ec2.describe_images(ImageIds=[instance["ImageId"]])["Images"]
    assert (instance["InstanceType"], image["Architecture"]) == (instance_type, "arm64")
    assert "jammy-22.04-arm64" in image["Name"]

    machine = world.connectivity.machines[outputs.instance_id]
    assert machine.system.processor == "aarch64"
    assert "amazon-cloudwatch-agent" in machine.packages.installed
    assert not aws_plan(deployment)
    assert not deployment.install()


@pytest.mark.parametrize("instance_type", ["t2.medium", "m4.large"])
def test_xen_finds_its_data_disk_by_the_name_of_its_device(world: World, instance_type: str) -> None:
    """No disk of a t2 tells the id of its volume: the data disk is what AWS says is attached as /dev/sdf."""
    deployment = deployed(world, instance_type=instance_type)
    outputs = deployment.outputs()
    machine = world.connectivity.machines[outputs.instance_id]
    assert outputs.data_device == "/dev/sdf"
    assert machine.disks.device(outputs.data_volume_id) == "/dev/xvdf"
    assert machine.disks.mounted == {"/data": outputs.data_volume_id}
    assert not aws_plan(deployment)
    assert not deployment.install()


def test_another_disk_beside_it_is_not_taken_for_the_data_disk_of_a_xen_machine(world: World) -> None:
    """Somebody attaches a blank volume as /dev/sdg before Dify is installed: it stays blank."""
    settings = Settings(environment="dev", nat_gateway=False, instance_type="t2.medium")
    deployment = Deployment(settings, session=world.session)
    outputs = deployment.apply()
    ec2 = world.session.client("ec2")
    other = ec2.create_volume(AvailabilityZone=outputs.availability_zone, Size=8)["VolumeId"]
    world.clock.advance(60)
    ec2.attach_volume(VolumeId=other, InstanceId=outputs.instance_id, Device="/dev/sdg")
    deployment.install()
    disks = world.connectivity.machines[outputs.instance_id].disks
    assert disks.mounted == {"/data": outputs.data_volume_id}
    assert not disks.attached[other].signatures


def test_a_xen_machine_without_its_data_disk_is_refused(world: World) -> None:
    """AWS says that the volume is attached to nothing: then no disk is taken for it, whatever it is called."""
    settings = Settings(environment="dev", nat_gateway=False, instance_type="t2.medium")
    deployment = Deployment(settings, session=world.session)
    outputs = deployment.apply()
    ec2 = world.session.client("ec2")
    ec2.detach_volume(VolumeId=outputs.data_volume_id)
    other = ec2.create_volume(AvailabilityZone=outputs.availability_zone, Size=8)["VolumeId"]
    world.clock.advance(60)
    ec2.attach_volume(VolumeId=other, InstanceId=outputs.instance_id, Device="/dev/sdf")
    with pytest.raises(HostError, match=f"no disk of this machine is {outputs.data_volume_id}"):
        deployment.install()
    assert not world.connectivity.machines[outputs.instance_id].disks.attached[other].signatures


def test_from_nitro_to_xen_and_back_the_data_stays(world: World) -> None:
    """Another type is another computer that boots from the same disks."""
    deployment = deployed(world)
    for instance_type in ("t2.medium", "t3.medium"):
        deployment = deployed(world, instance_type=instance_type)
        machine = world.connectivity.machines[deployment.outputs().instance_id]
        assert machine.disks.mounted == {"/data": deployment.outputs().data_volume_id}
        assert not aws_plan(deployment)
