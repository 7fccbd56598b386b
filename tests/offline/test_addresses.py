"""Addresses: kept while they are used, used only where the internet can be reached.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html
https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html
"""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from dify_aws.offline.world import World
from tests.offline.place import Place
from tests.offline.refusals import refused


@pytest.fixture
def running(place: Place, world: World) -> str:
    instance = place.launch()
    world.clock.sleep(16)
    return instance


def test_an_associated_address_is_not_released(place: Place, running: str) -> None:
    address = place.address()
    association = place.ec2.associate_address(AllocationId=address, InstanceId=running)["AssociationId"]
    assert "PublicIpAddress" in place.instance(running)
    with refused("InvalidIPAddress.InUse"):
        place.ec2.release_address(AllocationId=address)
    place.ec2.disassociate_address(AssociationId=association)
    place.ec2.release_address(AllocationId=address)
    with refused("InvalidAllocationID.NotFound"):
        place.ec2.describe_addresses(AllocationIds=[address])


def test_the_address_of_a_nat_gateway_is_its_own(place: Place, running: str, world: World) -> None:
    address = place.address()
    place.nat_gateway(AllocationId=address)
    world.clock.sleep(115)
    described = place.ec2.describe_addresses(AllocationIds=[address])["Addresses"][0]
    with refused("InvalidIPAddress.InUse"):
        place.ec2.release_address(AllocationId=address)
    with refused("AuthFailure", status=401):
        place.ec2.disassociate_address(AssociationId=described["AssociationId"])
    with refused("Resource.AlreadyAssociated"):
        place.ec2.associate_address(AllocationId=address, InstanceId=running)


def test_a_pending_instance_takes_no_address(place: Place) -> None:
    with refused("InvalidInstanceID"):
        place.ec2.associate_address(AllocationId=place.address(), InstanceId=place.launch())


def test_without_an_internet_gateway_nothing_takes_an_address(place: Place, running: str) -> None:
    address = place.address()
    place.ec2.detach_internet_gateway(InternetGatewayId=place.gateway, VpcId=place.vpc)
    with refused("Gateway.NotAttached"):
        place.ec2.associate_address(AllocationId=address, InstanceId=running)


def test_associating_twice_is_the_same_association(place: Place, running: str) -> None:
    address = place.address()
    first = place.ec2.associate_address(AllocationId=address, InstanceId=running)
    again = place.ec2.associate_address(AllocationId=address, InstanceId=running)
    assert first["AssociationId"] == again["AssociationId"]


def test_an_address_moves_unless_that_is_forbidden(place: Place, running: str, world: World) -> None:
    """In a VPC reassociation is automatic; AllowReassociation=False makes it an error."""
    address, other = place.address(), place.launch()
    world.clock.sleep(16)
    place.ec2.associate_address(AllocationId=address, InstanceId=running)
    with refused("Resource.AlreadyAssociated"):
        place.ec2.associate_address(AllocationId=address, InstanceId=other, AllowReassociation=False)
    place.ec2.associate_address(AllocationId=address, InstanceId=other)
    described = place.ec2.describe_addresses(AllocationIds=[address])["Addresses"][0]
    assert described["InstanceId"] == other
    assert "PublicIpAddress" not in place.instance(running)


def test_a_new_address_takes_the_place_of_the_old_one(place: Place, running: str) -> None:
    old, new = place.address(), place.address()
    place.ec2.associate_address(AllocationId=old, InstanceId=running)
    place.ec2.associate_address(AllocationId=new, InstanceId=running)
    place.ec2.release_address(AllocationId=old)


def test_a_terminated_instance_gives_its_address_back(place: Place, running: str, world: World) -> None:
    address = place.address()
    place.ec2.associate_address(AllocationId=address, InstanceId=running)
    place.ec2.terminate_instances(InstanceIds=[running])
    with refused("InvalidIPAddress.InUse"):
        place.ec2.release_address(AllocationId=address)
    world.clock.sleep(30)
    place.ec2.release_address(AllocationId=address)


def test_addresses_look_public_and_reach_nobody(place: Place) -> None:
    place.address()
    address = ip_address(place.ec2.describe_addresses()["Addresses"][0]["PublicIp"])
    assert address in ip_network("203.0.113.0/24")
