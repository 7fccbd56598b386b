"""An instance as AWS changes it, or somebody beside us: its root volume is replaced, its CPU credits are changed."""

from __future__ import annotations

from typing import Any

import pytest

from dify_aws.errors import AwsError
from dify_aws.offline.world import World
from dify_aws.resources.ec2.cpu_credits import set_cpu_credits
from tests.functional.cases import CASES
from tests.support.lab import Lab


@pytest.fixture
def lab(world: World) -> Lab:
    return Lab(world, CASES["instance"])


@pytest.fixture
def ec2(world: World) -> Any:
    return world.session.client("ec2")


def root_of(lab: Lab) -> str:
    return str(lab.found()[lab.case.address]["root_volume"])


def test_a_replaced_root_volume_without_tags_is_found_by_its_id(lab: Lab, ec2: Any) -> None:
    """AWS puts none of the old one's tags on it: the plan stays empty, and the new one grows when that is asked for."""
    lab.apply()
    before = root_of(lab)
    ec2.create_replace_root_volume_task(InstanceId=lab.found()[lab.case.address].id, DeleteReplacedRootVolume=True)
    (volume,) = ec2.describe_volumes(VolumeIds=[root_of(lab)])["Volumes"]
    assert volume["VolumeId"] != before
    assert not volume.get("Tags")

    assert not lab.plan()
    lab.apply(root_volume_gib=40)

    (volume,) = ec2.describe_volumes(VolumeIds=[root_of(lab)])["Volumes"]
    assert volume["Size"] == 40
    assert not lab.plan(root_volume_gib=40)


def test_a_root_volume_with_our_tags_costs_no_call_of_its_own(lab: Lab) -> None:
    """It is in the list of tagged volumes, which is read anyway."""
    lab.apply()
    lab.calls.clear()
    lab.plan()
    assert [
        call.params for call in lab.calls if call.operation == "DescribeVolumes" and "VolumeIds" in call.params
    ] == []


def test_cpu_credits_are_chosen_at_launch(lab: Lab, ec2: Any) -> None:
    """In the launch itself: a t3 that is launched as unlimited has borrowed credits before anybody can change it."""
    lab.apply()
    launches = [call.params["CreditSpecification"] for call in lab.calls if call.operation == "RunInstances"]
    assert launches
    assert all(text == {"CpuCredits": "standard"} for text in launches)
    assert "ec2.ModifyInstanceCreditSpecification" not in {str(call) for call in lab.calls}


def test_credits_of_a_type_without_them_are_not_queried(lab: Lab) -> None:
    """AWS refuses such a question, and the launch with such a wish."""
    overrides = {"instance_type": "m7i.large", "cpu_credits": None}
    lab.apply(**overrides)
    assert not lab.plan(**overrides)
    assert "ec2.DescribeInstanceCreditSpecifications" not in {str(call) for call in lab.calls}
    lab.apply(instance_type="t3.large")
    assert lab.found()[lab.case.address]["cpu_credits"] == "standard"


def test_a_refusal_inside_a_successful_answer_is_an_error(lab: Lab, world: World) -> None:
    """ModifyInstanceCreditSpecification answers 200 and lists what it did not do."""
    lab.apply(instance_type="m7i.large", cpu_credits=None)
    with pytest.raises(AwsError) as refused:
        set_cpu_credits(lab.aws(), lab.found()[lab.case.address].id, "unlimited")
    assert refused.value.code == "InstanceCreditSpecification.NotSupported"
