"""Profiles: a new instance profile is unknown to EC2 for some seconds.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from dify_aws.offline.world import World
from tests.offline.place import Place
from tests.offline.refusals import refused

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


@pytest.fixture
def iam(world: World) -> IAMClient:
    return world.session.client("iam")


@pytest.fixture
def profile(iam: IAMClient) -> str:
    """The ARN of a new profile "host" with a role in it."""
    iam.create_role(RoleName="host", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}))
    early = iam.create_instance_profile(InstanceProfileName="host")["InstanceProfile"]
    assert early["Arn"] == early["InstanceProfileId"], "while IAM settles"
    iam.add_role_to_instance_profile(InstanceProfileName="host", RoleName="host")
    return "arn:aws:iam::123456789012:instance-profile/host"


@pytest.mark.parametrize("by", ["Name", "Arn"])
def test_it_can_be_launched_with_after_some_seconds(place: Place, world: World, profile: str, by: str) -> None:
    reference = {"Name": "host"} if by == "Name" else {"Arn": profile}
    with refused("InvalidParameterValue"):
        place.launch(IamInstanceProfile=reference)
    world.clock.sleep(9)
    with refused("InvalidParameterValue"):
        place.launch(IamInstanceProfile=reference)
    world.clock.sleep(1)
    assert place.instance(place.launch(IamInstanceProfile=reference))["IamInstanceProfile"]["Arn"] == profile


def test_adding_the_role_is_what_counts(place: Place, world: World, iam: IAMClient) -> None:
    iam.create_role(RoleName="host", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}))
    iam.create_instance_profile(InstanceProfileName="host")
    world.clock.sleep(10)
    with refused("InvalidParameterValue"):  # it has no role yet
        place.launch(IamInstanceProfile={"Name": "host"})
    iam.add_role_to_instance_profile(InstanceProfileName="host", RoleName="host")
    with refused("InvalidParameterValue"):
        place.launch(IamInstanceProfile={"Name": "host"})
    world.clock.sleep(10)
    place.launch(IamInstanceProfile={"Name": "host"})


def test_the_same_holds_for_an_instance_that_exists(place: Place, world: World, profile: str) -> None:
    instance = place.launch()
    with refused("InvalidParameterValue"):
        place.ec2.associate_iam_instance_profile(InstanceId=instance, IamInstanceProfile={"Name": "host"})
    world.clock.sleep(10)
    place.ec2.associate_iam_instance_profile(InstanceId=instance, IamInstanceProfile={"Name": "host"})


def test_one_that_does_not_exist_is_refused_in_the_same_words(place: Place) -> None:
    with refused("InvalidParameterValue"):
        place.launch(IamInstanceProfile={"Name": "nobody"})


def test_a_role_that_is_not_in_a_profile_cannot_be_taken_out_of_it(world: World) -> None:
    """AWS answers NoSuchEntity the second time; moto has an error of its own."""
    iam = world.session.client("iam")
    iam.create_instance_profile(InstanceProfileName="web")
    iam.create_role(RoleName="web", AssumeRolePolicyDocument="{}")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    iam.remove_role_from_instance_profile(InstanceProfileName="web", RoleName="web")

    with refused("NoSuchEntity", 404):
        iam.remove_role_from_instance_profile(InstanceProfileName="web", RoleName="web")
