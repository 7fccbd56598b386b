"""NAT gateways: slow to come, slow to go, and sometimes failed.

https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dify_aws.offline.world import World
from tests.offline.place import Place
from tests.offline.refusals import refused

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


def gateway(ec2: EC2Client, gateway_id: str) -> Any:
    return ec2.describe_nat_gateways(NatGatewayIds=[gateway_id])["NatGateways"][0]


def test_it_is_pending_for_two_minutes(place: Place, world: World) -> None:
    nat = place.nat_gateway()
    world.clock.sleep(114)
    assert gateway(place.ec2, nat)["State"] == "pending"
    world.clock.sleep(1)
    assert gateway(place.ec2, nat)["State"] == "available"
    assert gateway(place.ec2, nat)["NatGatewayAddresses"][0]["PublicIp"]


def test_it_has_no_address_at_first(place: Place, world: World, ec2: EC2Client) -> None:
    gateway = place.nat_gateway()
    for seconds, addresses in ((0, 0), (30, 1)):
        world.clock.advance(seconds)
        (seen,) = ec2.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"]
        assert (seen["State"], len(seen["NatGatewayAddresses"])) == ("pending", addresses)


def test_it_is_deleting_for_a_minute_and_stays_listed_as_deleted(place: Place, world: World) -> None:
    """While it is deleting it still has its address, and is still in its subnet."""
    address = place.address()
    nat = place.nat_gateway(AllocationId=address)
    world.clock.sleep(115)
    place.ec2.delete_nat_gateway(NatGatewayId=nat)
    assert gateway(place.ec2, nat)["State"] == "deleting"
    with refused("InvalidIPAddress.InUse"):
        place.ec2.release_address(AllocationId=address)
    with refused("DependencyViolation"):
        place.ec2.delete_subnet(SubnetId=place.subnet)
    world.clock.sleep(60)
    assert gateway(place.ec2, nat)["State"] == "deleted"
    assert gateway(place.ec2, nat)["DeleteTime"]
    place.ec2.release_address(AllocationId=address)
    place.ec2.delete_subnet(SubnetId=place.subnet)
    world.clock.sleep(3600)
    with refused("NatGatewayNotFound"):
        gateway(place.ec2, nat)


def test_without_an_internet_gateway_it_fails(place: Place, world: World) -> None:
    address = place.address()
    place.ec2.detach_internet_gateway(InternetGatewayId=place.gateway, VpcId=place.vpc)
    nat = place.nat_gateway(AllocationId=address)
    assert gateway(place.ec2, nat)["State"] == "pending"
    world.clock.sleep(5)
    failed = gateway(place.ec2, nat)
    assert (failed["State"], failed["FailureCode"]) == ("failed", "Gateway.NotAttached")
    assert place.vpc in failed["FailureMessage"]
    place.ec2.release_address(AllocationId=address)


def test_with_an_address_in_use_it_fails(place: Place, world: World) -> None:
    address = place.address()
    first = place.nat_gateway(AllocationId=address)
    second = place.nat_gateway(AllocationId=address)
    world.clock.sleep(115)
    assert gateway(place.ec2, first)["State"] == "available"
    assert gateway(place.ec2, second)["FailureCode"] == "Resource.AlreadyAssociated"


def test_one_that_is_deleted_while_pending_never_is_available(place: Place, world: World) -> None:
    nat = place.nat_gateway()
    place.ec2.delete_nat_gateway(NatGatewayId=nat)
    world.clock.sleep(200)
    assert gateway(place.ec2, nat)["State"] == "deleted"


def test_it_is_found_by_its_tags(place: Place, ec2: EC2Client) -> None:
    """Under both names of the parameter: EC2 calls it Filter here, and Filters in most other places."""
    tags: Any = [{"ResourceType": "natgateway", "Tags": [{"Key": "who", "Value": "me"}]}]
    tagged = place.nat_gateway(TagSpecifications=tags)
    place.nat_gateway()
    for name, values in (("tag:who", ["me", "you"]), ("tag-key", ["who"])):
        filters: Any = [{"Name": name, "Values": values}, {"Name": "vpc-id", "Values": [place.vpc]}]
        for parameter in ("Filter", "Filters"):
            arguments: Any = {parameter: filters}
            assert [each["NatGatewayId"] for each in ec2.describe_nat_gateways(**arguments)["NatGateways"]] == [tagged]
    assert ec2.describe_nat_gateways(Filters=[{"Name": "tag:who", "Values": ["you"]}])["NatGateways"] == []
    assert len(ec2.describe_nat_gateways()["NatGateways"]) == 2


def test_an_unknown_one_is_not_found(ec2: EC2Client) -> None:
    with refused("NatGatewayNotFound"):
        gateway(ec2, "nat-0123456789abcdef0")
    with refused("NatGatewayNotFound"):
        ec2.delete_nat_gateway(NatGatewayId="nat-0123456789abcdef0")


def test_an_address_that_does_not_exist_is_refused_at_once(place: Place) -> None:
    with refused("InvalidAllocationID.NotFound"):
        place.nat_gateway(AllocationId="eipalloc-0123456789abcdef0")
    with refused("MissingParameter"):
        place.ec2.create_nat_gateway(SubnetId=place.subnet)
