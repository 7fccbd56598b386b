"""Images: Canonical's Ubuntu images and their public parameters, in every region, the same in every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dify_aws.offline import offline
from dify_aws.offline.world import World
from tests.offline.refusals import refused

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

CANONICAL = "099720109477"
UBUNTU = "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id"


@pytest.mark.parametrize(
    ("region", "architecture", "version", "volume"),
    [
        ("ap-northeast-1", "amd64", "22.04", "gp2"),
        ("ap-northeast-1", "arm64", "22.04", "gp2"),
        ("ap-northeast-1", "amd64", "24.04", "gp3"),
        ("ap-northeast-1", "arm64", "24.04", "gp3"),
        ("eu-central-1", "amd64", "22.04", "gp2"),
    ],
)
def test_the_parameter_names_the_newest_image(
    world: World, region: str, architecture: str, version: str, volume: str
) -> None:
    session = world.in_region(region)
    path = f"/aws/service/canonical/ubuntu/server/{version}/stable/current/{architecture}/hvm/ebs-{volume}"
    image_id = session.client("ssm").get_parameter(Name=f"{path}/ami-id")["Parameter"]["Value"]
    of_that_kind = session.client("ec2").describe_images(
        Owners=[CANONICAL], Filters=[{"Name": "name", "Values": [f"ubuntu/images/*-{version}-{architecture}-server-*"]}]
    )["Images"]
    newest = max(of_that_kind, key=lambda image: image["CreationDate"])
    assert newest["ImageId"] == image_id
    assert newest["Architecture"] == {"amd64": "x86_64", "arm64": "arm64"}[architecture]
    assert (newest["VirtualizationType"], newest["RootDeviceType"], newest["State"]) == ("hvm", "ebs", "available")


def test_the_parameter_is_found_with_others_and_by_path(world: World) -> None:
    ssm = world.session.client("ssm")
    answer = ssm.get_parameters(Names=[UBUNTU, "/nothing/here"])
    assert [each["Name"] for each in answer["Parameters"]] == [UBUNTU]
    assert answer["InvalidParameters"] == ["/nothing/here"]
    by_path = ssm.get_parameters_by_path(Path=UBUNTU.rpartition("/")[0], Recursive=True)["Parameters"]
    assert [each["Name"] for each in by_path] == [UBUNTU]


def test_ids_are_stable_and_differ_by_region() -> None:
    found = []
    for region in ("ap-northeast-1", "ap-northeast-1", "us-west-2"):
        with offline(region=region) as world:
            found.append(world.session.client("ssm").get_parameter(Name=UBUNTU)["Parameter"]["Value"])
    assert found[0] == found[1] != found[2]


def test_nothing_of_them_is_ours(ec2: EC2Client) -> None:
    """Images are backed by snapshots of Canonical's account, which ours does not list."""
    assert ec2.describe_images(Owners=["self"])["Images"] == []
    assert ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []
    assert ec2.describe_volumes()["Volumes"] == []


def test_an_image_that_does_not_exist(ec2: EC2Client) -> None:
    with refused("InvalidAMIID.NotFound"):
        ec2.describe_images(ImageIds=["ami-0123456789abcdef0"])
