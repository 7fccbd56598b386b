"""EC2 Instance Connect Endpoints: slow to come, slow to go, and few.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/connect-with-ec2-instance-connect-endpoint.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from dify_aws.offline.corrections.ec2.connect_endpoints import CORRECTIONS
from dify_aws.offline.world import World
from tests.offline.place import Place, make_place
from tests.offline.refusals import refused

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

NOT_FOUND: Final = "InvalidInstanceConnectEndpointId.NotFound"


def create(place: Place, **parameters: Any) -> str:
    made = place.ec2.create_instance_connect_endpoint(**{"SubnetId": place.subnet, **parameters})
    return made["InstanceConnectEndpoint"]["InstanceConnectEndpointId"]


def described(ec2: EC2Client, id: str) -> Any:
    (found,) = ec2.describe_instance_connect_endpoints(InstanceConnectEndpointIds=[id])["InstanceConnectEndpoints"]
    return found


def delete(ec2: EC2Client, id: str) -> None:
    ec2.delete_instance_connect_endpoint(InstanceConnectEndpointId=id)


def group_of(place: Place) -> str:
    return place.ec2.create_security_group(GroupName="g", Description="g", VpcId=place.vpc)["GroupId"]


def test_it_takes_minutes_to_come(place: Place, world: World) -> None:
    """It has a network interface from the beginning, in its subnet and in its groups."""
    group = group_of(place)
    endpoint = create(place, SecurityGroupIds=[group])
    assert described(place.ec2, endpoint)["State"] == "create-in-progress"
    world.clock.sleep(150)
    found = described(place.ec2, endpoint)
    assert (found["State"], found["SecurityGroupIds"], found["PreserveClientIp"]) == ("create-complete", [group], False)
    assert found["DnsName"].startswith(f"{endpoint}.")
    (interface,) = place.ec2.describe_network_interfaces(NetworkInterfaceIds=found["NetworkInterfaceIds"])[
        "NetworkInterfaces"
    ]
    assert (interface["SubnetId"], interface["Groups"][0]["GroupId"]) == (place.subnet, group)


def test_endpoint_blocks_its_subnet_and_groups_until_deleted(place: Place, world: World) -> None:
    group = group_of(place)
    endpoint = create(place, SecurityGroupIds=[group])
    world.clock.sleep(150)
    delete(place.ec2, endpoint)
    delete(place.ec2, endpoint)
    assert described(place.ec2, endpoint)["State"] == "delete-in-progress"
    with refused("DependencyViolation"):
        place.ec2.delete_security_group(GroupId=group)
    with refused("DependencyViolation"):
        place.ec2.delete_subnet(SubnetId=place.subnet)
    world.clock.sleep(90)
    with refused(NOT_FOUND):
        described(place.ec2, endpoint)
    place.ec2.delete_security_group(GroupId=group)
    place.ec2.delete_subnet(SubnetId=place.subnet)


def test_it_cannot_go_or_change_before_it_is_there(place: Place, world: World) -> None:
    """https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2000"""
    endpoint = create(place)
    with refused("IncorrectState"):
        delete(place.ec2, endpoint)
    with refused("IncorrectState"):
        place.ec2.modify_instance_connect_endpoint(InstanceConnectEndpointId=endpoint, PreserveClientIp=True)


def test_its_groups_can_be_changed(place: Place, world: World) -> None:
    """And whose address it shows; what is not named stays."""
    endpoint, group = create(place), group_of(place)
    world.clock.sleep(150)
    place.ec2.modify_instance_connect_endpoint(InstanceConnectEndpointId=endpoint, SecurityGroupIds=[group])
    assert described(place.ec2, endpoint)["State"] == "update-in-progress"
    world.clock.sleep(60)
    found = described(place.ec2, endpoint)
    assert (found["State"], found["SecurityGroupIds"], found["PreserveClientIp"]) == ("update-complete", [group], False)
    place.ec2.modify_instance_connect_endpoint(InstanceConnectEndpointId=endpoint, PreserveClientIp=True)
    found = described(place.ec2, endpoint)
    assert (found["SecurityGroupIds"], found["PreserveClientIp"]) == ([group], True)
    (interface,) = place.ec2.describe_network_interfaces(NetworkInterfaceIds=found["NetworkInterfaceIds"])[
        "NetworkInterfaces"
    ]
    assert [each["GroupId"] for each in interface["Groups"]] == [group]


def test_without_a_free_address_it_fails(place: Place, world: World) -> None:
    """It is made all the same, and says later why it is none."""
    subnet = place.ec2.create_subnet(VpcId=place.vpc, CidrBlock="10.0.2.0/28")["Subnet"]["SubnetId"]
    for _ in range(11):
        place.ec2.create_network_interface(SubnetId=subnet)
    endpoint = create(place, SubnetId=subnet)
    assert described(place.ec2, endpoint)["State"] == "create-in-progress"
    world.clock.sleep(150)
    failed = described(place.ec2, endpoint)
    assert failed["State"] == "create-failed"
    assert subnet in failed["StateMessage"]
    assert failed["NetworkInterfaceIds"] == []
    delete(place.ec2, endpoint)


def test_a_vpc_has_one_and_a_region_five(place: Place, world: World) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/eice-quotas.html"""
    world.quotas.update({"vpc": 10, "internet-gateway": 10})
    create(place)
    with refused("InstanceConnectEndpointLimitExceeded"):
        create(place)
    for _ in range(4):
        create(make_place(place.ec2))
    with refused("InstanceConnectEndpointLimitExceeded"):
        create(make_place(place.ec2))


def test_it_is_found_by_what_it_is(place: Place, ec2: EC2Client) -> None:
    """By tags, which it takes at creation and later, by subnet, VPC and state."""
    tags: Any = [{"ResourceType": "instance-connect-endpoint", "Tags": [{"Key": "who", "Value": "me"}]}]
    tagged, other = create(place, TagSpecifications=tags), create(make_place(ec2))
    ec2.create_tags(Resources=[other], Tags=[{"Key": "who", "Value": "you"}])
    filters = {"tag:who": "me", "vpc-id": place.vpc, "subnet-id": place.subnet, "instance-connect-endpoint-id": tagged}
    for name, value in filters.items():
        filter_list: Any = [{"Name": name, "Values": [value]}, {"Name": "state", "Values": ["create-in-progress"]}]
        found = ec2.describe_instance_connect_endpoints(Filters=filter_list)["InstanceConnectEndpoints"]
        assert [each["InstanceConnectEndpointId"] for each in found] == [tagged], name
    ec2.delete_tags(Resources=[tagged], Tags=[{"Key": "who"}])
    assert described(ec2, tagged)["Tags"] == []


def test_a_token_makes_one(place: Place) -> None:
    assert create(place, ClientToken="t") == create(place, ClientToken="t")


def test_what_it_stands_in_must_be_there(place: Place, ec2: EC2Client) -> None:
    with refused("InvalidSubnetID.NotFound"):
        create(place, SubnetId="subnet-0123456789abcdef0")
    with refused("InvalidGroup.NotFound"):
        create(place, SecurityGroupIds=["sg-0123456789abcdef0"])
    for verb in (ec2.delete_instance_connect_endpoint, ec2.modify_instance_connect_endpoint):
        with refused(NOT_FOUND):
            verb(InstanceConnectEndpointId="eice-0123456789abcdef0")


def test_addition_that_moto_has_now_is_an_error(world: World) -> None:
    """An action that moto has by now is to be corrected, and not to be put in place of moto's."""
    with pytest.raises(TypeError, match="moto has create_instance_connect_endpoint"):
        CORRECTIONS[0].install(world._cloud)
