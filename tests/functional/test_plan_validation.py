"""Validation in the plan: zone, type, image and memory. AWS would refuse them only during the run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from dify_aws import Deployment, PlanRefused, RunFailed, Settings
from dify_aws.offline import offline
from dify_aws.offline.world import World
from tests.support.plans import aws_plan


@pytest.fixture
def virginia() -> Iterator[World]:
    with offline(region="us-east-1") as world:
        yield world


def deployment(world: World, **settings: Any) -> Deployment:
    overrides = {"environment": "dev", "region": "ap-northeast-1", "nat_gateway": False, **settings}
    return Deployment(Settings(**overrides), session=world.session)


def refusal(made: Deployment) -> str:
    """Why the plan is refused; before it is, nothing has been written, by the plan or by an apply."""
    with pytest.raises(PlanRefused) as refused:
        made.plan()
    with pytest.raises(PlanRefused):
        made.apply()
    return str(refused.value)


def amis(world: World) -> Any:
    """The images of the world, to be changed as their owner could have made them."""
    from moto.ec2.models import ec2_backends

    return ec2_backends["123456789012"][world.session.region_name].amis


def own_image(world: World, **changed: Any) -> str:
    """An image for amd64 that is otherwise than Canonical's."""
    ec2: Any = world.session.client("ec2")
    amd64 = [{"Name": "architecture", "Values": ["x86_64"]}]
    image_id: str = ec2.describe_images(Owners=["099720109477"], Filters=amd64)["Images"][0]["ImageId"]
    for name, value in changed.items():
        setattr(amis(world)[image_id], name, value)
    return image_id


def test_a_zone_that_does_not_offer_the_type_is_refused(virginia: World) -> None:
    """us-east-1e has no t3: the plan says so, and which zones have it."""
    message = refusal(deployment(virginia, region="us-east-1", availability_zone="us-east-1e"))
    assert "us-east-1e does not offer t3.medium" in message
    assert "us-east-1a" in message
    assert virginia.writes == []


def test_a_zone_without_the_type_is_never_chosen(virginia: World) -> None:
    """Of those that offer it, the first."""
    made = deployment(virginia, region="us-east-1", instance_type="m7g.large")
    (subnet,) = [each for each in made.plan() if each.address == "subnet/public"]
    assert "us-east-1a" in str(subnet)


def test_type_that_the_zone_does_not_offer_is_refused(virginia: World) -> None:
    """The subnet and the data volume are in us-east-1e; the machine cannot become what is not offered there."""
    made = deployment(virginia, region="us-east-1", availability_zone="us-east-1e", instance_type="m4.large")
    made.apply()
    before = len(virginia.writes)
    message = refusal(deployment(virginia, region="us-east-1", instance_type="t3.large"))
    assert "us-east-1e does not offer t3.large" in message
    assert "t2.large" in message
    assert "by a snapshot" in message
    assert len(virginia.writes) == before


def test_unknown_type_is_refused(world: World) -> None:
    message = refusal(deployment(world, instance_type="t9.medium", availability_zone="ap-northeast-1a"))
    assert "AWS does not offer it in ap-northeast-1" in message
    assert world.writes == []


def test_too_little_memory_for_the_profile_is_refused(world: World) -> None:
    """profile="full" on 4 GiB, for a new machine and for one that is there."""
    made = deployment(world, profile="full")
    assert "it has 4096 MiB of memory" in refusal(made)
    assert world.writes == []
    deployment(world).apply()
    assert "it has 4096 MiB of memory" in refusal(made)
    assert deployment(world, profile="full", instance_type="t3.large").plan()


@pytest.mark.parametrize(
    "instance_type", ["t2.medium", "t3.medium", "t3a.medium", "t4g.medium", "m4.large", "c6g.large"]
)
def test_valid_settings_are_planned(world: World, instance_type: str) -> None:
    assert deployment(world, instance_type=instance_type).plan()


@pytest.mark.parametrize(
    ("instance_type", "changed", "why"),
    [
        ("t4g.medium", {}, "is for x86_64, and the type is arm64"),
        ("t3.medium", {"architecture": "arm64"}, "is for arm64, and the type is x86_64"),
        ("t3.medium", {"virtualization_type": "paravirtual"}, "is virtualized as paravirtual, and the type as hvm"),
        ("t2.medium", {"boot_mode": "uefi"}, "boots by uefi, and the type by legacy-bios"),
        ("t3.medium", {"ena_support": False}, "has no driver for the network of the type (ENA)"),
        ("t3.medium", {"root_device_type": "instance-store"}, "is no EBS volume"),
        ("t3.medium", {"state": "failed"}, "is failed: choose one that is available"),
    ],
)
def test_incompatible_image_is_refused(world: World, instance_type: str, changed: Any, why: str) -> None:
    """By itself, or with the type. What AWS refuses in RunInstances, its answer to DescribeImages tells."""
    image_id = own_image(world, **changed)
    message = refusal(deployment(world, instance_type=instance_type, image_id=image_id))
    assert why in message
    assert image_id in message
    assert world.writes == []


def test_a_root_disk_smaller_than_the_image_is_refused(world: World) -> None:
    """AWS refuses it in RunInstances, when the network and the data volume exist; the size of the image is enough."""
    image_id = own_image(world, root_gib=40)
    refused = refusal(deployment(world, image_id=image_id, root_volume_gib=39))
    assert f"the image {image_id} holds 40 GiB: set root_volume_gib to that or more" in refused
    assert world.writes == []
    fitting = deployment(world, image_id=image_id, root_volume_gib=40)
    fitting.apply()
    assert not aws_plan(fitting)


def test_missing_image_is_refused(world: World) -> None:
    message = refusal(deployment(world, image_id="ami-0123456789abcdef0"))
    assert "there is no image ami-0123456789abcdef0 in ap-northeast-1" in message


def test_all_problems_are_reported_at_once(world: World) -> None:
    image_id = own_image(world, ena_support=False, boot_mode="uefi")
    message = refusal(deployment(world, profile="full", instance_type="t2.medium", image_id=image_id))
    assert "4096 MiB" in message
    assert "boots by uefi" in message


def test_change_of_architecture_is_refused(world: World) -> None:
    """AWS would refuse it with the machine already stopped."""
    deployment(world).apply()
    before = len(world.writes)
    message = refusal(deployment(world, instance_type="t4g.medium"))
    assert "is for x86_64, and the type is arm64" in message
    assert "another one is another environment" in message
    assert len(world.writes) == before


def test_running_instance_needs_no_extra_reads(world: World) -> None:
    """Its type is offered where it is; of its type one read, and of its CPU credits another: no more than that."""
    made = deployment(world)
    made.apply()
    before = len(world.calls)
    assert not aws_plan(made)
    requested = [str(call) for call in world.calls[before:]]
    assert requested.count("ec2.DescribeInstanceTypes") == 1
    assert requested.count("ec2.DescribeInstanceCreditSpecifications") == 1
    assert "ec2.DescribeInstanceTypeOfferings" not in requested
    assert "ec2.DescribeImages" not in requested
    assert "ssm.GetParameter" not in requested


def test_a_plan_takes_no_more_than_46_calls(world: World) -> None:
    """The default environment, before it is there and when it is."""
    made = Deployment(Settings(environment="dev"), session=world.session)
    made.plan()
    assert len(world.calls) <= 46
    made.apply()
    before = len(world.calls)
    assert not aws_plan(made)
    assert len(world.calls) - before <= 46


def test_missing_capacity_error_says_what_to_do(world: World) -> None:
    """In a zone that was chosen: when AWS has room there again, the next run goes on from there."""
    made = deployment(world, availability_zone="ap-northeast-1a")
    world.no_capacity.add(("ap-northeast-1a", "t3.medium"))
    with pytest.raises(RunFailed) as failed:
        made.apply()
    message = str(failed.value.failures["instance/host"])
    assert "InsufficientInstanceCapacity" in message
    for remedy in ("Wait and run again", "another instance_type", "another availability_zone", "by a snapshot"):
        assert remedy in message
    world.no_capacity.clear()
    made.apply()
    assert not aws_plan(made)


def test_type_change_without_capacity_can_be_reverted(world: World) -> None:
    """The machine is stopped by then: the old type starts it again."""
    deployment(world).apply()
    world.no_capacity.add(("ap-northeast-1a", "t3.large"))
    with pytest.raises(RunFailed) as failed:
        deployment(world, instance_type="t3.large").apply()
    assert "the old type starts it again" in str(failed.value)
    deployment(world).apply()
    assert not aws_plan(deployment(world))


@pytest.mark.parametrize(("storage", "hops"), [("s3", 2), ("local", 1)])
def test_containers_reach_the_instance_metadata_only_if_they_need_it(world: World, storage: str, hops: int) -> None:
    """With local storage no container needs the role of the machine, so none can take its credentials."""
    outputs = deployment(world, storage=storage).apply()
    ec2 = world.session.client("ec2")
    (reservation,) = ec2.describe_instances(InstanceIds=[outputs.instance_id])["Reservations"]
    assert reservation["Instances"][0]["MetadataOptions"]["HttpPutResponseHopLimit"] == hops


def test_people_for_whom_the_machine_is_too_small_are_refused_with_what_would_fit(virginia: World) -> None:
    """The plan says which machine, and how many people this one carries; with either, it is a plan."""
    message = refusal(deployment(virginia, concurrency=300))
    found = re.search(
        r"Choose an instance_type with (\d+) GiB of memory or more, such as (t3\.\w+), or set concurrency to (\d+)",
        message,
    )
    assert found, message
    assert (found[1], found[2]) == ("8", "t3.large")
    assert deployment(virginia, concurrency=int(found[3])).plan()
    assert "concurrency" in refusal(deployment(virginia, concurrency=int(found[3]) + 1))
    assert deployment(virginia, concurrency=300, instance_type=found[2]).plan()
