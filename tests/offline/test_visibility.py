"""What was just made is not seen by every call at once: https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dify_aws.offline.corrections.visibility import KINDS
from dify_aws.offline.world import World
from tests.offline.place import Place, make_place
from tests.offline.refusals import refused

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC0hB8kMJr1gJwJfUCyNMqsYvBpvVtHYnRhCXbuL1rIc"

CREATE: dict[str, Callable[[Place], str]] = {
    "vpc": lambda place: place.ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"],
    "subnet": lambda place: place.ec2.create_subnet(VpcId=place.vpc, CidrBlock="10.0.9.0/24")["Subnet"]["SubnetId"],
    "internet-gateway": lambda place: place.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"],
    "elastic-ip": lambda place: place.address(),
    "nat-gateway": lambda place: place.nat_gateway(),
    "route-table": lambda place: place.ec2.create_route_table(VpcId=place.vpc)["RouteTable"]["RouteTableId"],
    "vpc-endpoint": lambda place: place.ec2.create_vpc_endpoint(
        VpcId=place.vpc, ServiceName="com.amazonaws.ap-northeast-1.s3"
    )["VpcEndpoint"]["VpcEndpointId"],
    "instance-connect-endpoint": lambda place: place.ec2.create_instance_connect_endpoint(SubnetId=place.subnet)[
        "InstanceConnectEndpoint"
    ]["InstanceConnectEndpointId"],
    "security-group": lambda place: place.ec2.create_security_group(
        GroupName="web", Description="web", VpcId=place.vpc
    )["GroupId"],
    "key-pair": lambda place: place.ec2.import_key_pair(KeyName="k", PublicKeyMaterial=KEY.encode())["KeyPairId"],
    "instance": lambda place: place.launch(),
    "volume": lambda place: place.volume(),
}

DESCRIBE: dict[str, tuple[str, str, str, str]] = {
    "vpc": ("describe_vpcs", "Vpcs", "VpcId", "VpcIds"),
    "subnet": ("describe_subnets", "Subnets", "SubnetId", "SubnetIds"),
    "internet-gateway": (
        "describe_internet_gateways",
        "InternetGateways",
        "InternetGatewayId",
        "InternetGatewayIds",
    ),
    "elastic-ip": ("describe_addresses", "Addresses", "AllocationId", "AllocationIds"),
    "nat-gateway": ("describe_nat_gateways", "NatGateways", "NatGatewayId", "NatGatewayIds"),
    "route-table": ("describe_route_tables", "RouteTables", "RouteTableId", "RouteTableIds"),
    "vpc-endpoint": ("describe_vpc_endpoints", "VpcEndpoints", "VpcEndpointId", "VpcEndpointIds"),
    "instance-connect-endpoint": (
        "describe_instance_connect_endpoints",
        "InstanceConnectEndpoints",
        "InstanceConnectEndpointId",
        "InstanceConnectEndpointIds",
    ),
    "security-group": ("describe_security_groups", "SecurityGroups", "GroupId", "GroupIds"),
    "key-pair": ("describe_key_pairs", "KeyPairs", "KeyPairId", "KeyPairIds"),
    "instance": ("describe_instances", "Reservations", "InstanceId", "InstanceIds"),
    "volume": ("describe_volumes", "Volumes", "VolumeId", "VolumeIds"),
}


def listed(place: Place, kind: str) -> set[str]:
    call, result, member, _ = DESCRIBE[kind]
    answer: Any = getattr(place.ec2, call)()
    items = [each for one in answer[result] for each in one.get("Instances", [one])]
    return {item[member] for item in items}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_not_listed_and_not_found_until_the_lag_is_over(place: Place, world: World, kind: str) -> None:
    before = listed(place, kind)
    world.lags[kind] = 5
    thing = CREATE[kind](place)
    assert listed(place, kind) == before
    call, _, _, ids = DESCRIBE[kind]
    describe: Callable[..., Any] = getattr(place.ec2, call)
    with refused(KINDS[kind][1]):
        describe(**{ids: [thing]})
    with refused(KINDS[kind][1]):
        place.ec2.create_tags(Resources=[thing], Tags=[{"Key": "a", "Value": "b"}])
    world.clock.advance(5)
    assert listed(place, kind) == before | {thing}
    place.ec2.create_tags(Resources=[thing], Tags=[{"Key": "a", "Value": "b"}])


def test_what_is_there_for_longer_stays_to_be_seen(place: Place, world: World) -> None:
    """Also when a token that was used before answers with it once more."""
    volume = place.volume(ClientToken="t")
    world.lags["volume"] = 5
    other = place.volume()
    assert place.volume(ClientToken="t") == volume
    assert listed(place, "volume") == {volume}
    world.clock.advance(5)
    assert listed(place, "volume") == {volume, other}


def test_it_is_not_seen_in_a_new_process_either(world: World) -> None:
    world.lags["volume"] = 5
    volume = make_place(world.session.client("ec2")).volume()
    world.restart()
    ec2 = world.session.client("ec2")
    assert ec2.describe_volumes()["Volumes"] == []
    world.clock.advance(5)
    assert [each["VolumeId"] for each in ec2.describe_volumes()["Volumes"]] == [volume]
