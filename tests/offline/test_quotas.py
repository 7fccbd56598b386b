"""Quotas: AWS refuses one more than the region allows.

https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from dify_aws.offline.world import World
from tests.offline.place import Place
from tests.offline.refusals import refused

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


def test_five_vpcs_the_default_one_counts(ec2: EC2Client) -> None:
    for number in range(4):
        ec2.create_vpc(CidrBlock=f"10.{number}.0.0/16")
    with refused("VpcLimitExceeded"):
        ec2.create_vpc(CidrBlock="10.4.0.0/16")


def test_five_addresses(ec2: EC2Client) -> None:
    for _ in range(5):
        ec2.allocate_address(Domain="vpc")
    with refused("AddressLimitExceeded"):
        ec2.allocate_address(Domain="vpc")


def test_five_internet_gateways(ec2: EC2Client) -> None:
    for _ in range(5):
        ec2.create_internet_gateway()
    with refused("InternetGatewayLimitExceeded"):
        ec2.create_internet_gateway()


def test_nat_gateways_are_counted_by_zone(place: Place, world: World) -> None:
    world.quotas["nat-gateway"] = 1
    there = place.ec2.create_subnet(VpcId=place.vpc, CidrBlock="10.0.2.0/24", AvailabilityZone="ap-northeast-1c")
    first = place.nat_gateway()
    with refused("NatGatewayLimitExceeded"):
        place.nat_gateway()
    place.nat_gateway(SubnetId=there["Subnet"]["SubnetId"])
    place.ec2.delete_nat_gateway(NatGatewayId=first)
    with refused("NatGatewayLimitExceeded"):
        place.nat_gateway()
    world.clock.sleep(60)
    place.nat_gateway()


def test_a_quota_can_be_set_and_is_per_region(world: World) -> None:
    world.quotas["vpc"] = 1
    with refused("VpcLimitExceeded"):
        world.session.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    world.quotas["vpc"] = 2
    for session in (world.session, world.in_region("us-east-1")):
        session.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")


def test_quota_holds_with_concurrent_threads(ec2: EC2Client) -> None:
    def allocate(_: int) -> bool:
        try:
            ec2.allocate_address(Domain="vpc")
        except ClientError:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(allocate, range(16))) == 5
