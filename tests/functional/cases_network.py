"""The cases of the kinds that make up a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from dify_aws import (
    Actual,
    ElasticIp,
    Instance,
    InstanceConnectEndpoint,
    InternetGateway,
    NatGateway,
    Resource,
    RouteTable,
    Rule,
    SecurityGroup,
    Subnet,
    Vpc,
    VpcEndpoint,
)
from tests.support.case import Case, Hand

IMAGE: Final = "/aws/service/canonical/ubuntu/server/22.04/stable/current/amd64/hvm/ebs-gp2/ami-id"
ZONE: Final = "ap-northeast-1a"
Found = Mapping[str, Actual]

VPC: Final = Vpc(name="main", cidr_block="10.7.0.0/16")
OTHER_VPC: Final = Vpc(name="other", cidr_block="10.8.0.0/16")
GATEWAY: Final = InternetGateway(name="main", vpc=VPC.id)
SUBNET: Final = Subnet(name="web", vpc=VPC.id, cidr_block="10.7.1.0/24", availability_zone=ZONE)
OTHER_SUBNET: Final = Subnet(name="other", vpc=VPC.id, cidr_block="10.7.2.0/24", availability_zone=ZONE)
ADDRESS: Final = ElasticIp(name="nat")
OTHER_ADDRESS: Final = ElasticIp(name="other")
TABLE: Final = RouteTable(name="a", vpc=VPC.id)
OTHER_TABLE: Final = RouteTable(name="b", vpc=VPC.id)
GROUP: Final = SecurityGroup(name="web", vpc=VPC.id)
OTHER_GROUP: Final = SecurityGroup(name="other", vpc=VPC.id)


def tag_ec2(hand: Hand, actual: Actual, key: str, value: str) -> None:
    hand.client("ec2").create_tags(Resources=[actual.id], Tags=[{"Key": key, "Value": value}])


def untag_ec2(hand: Hand, actual: Actual, keys: Sequence[str]) -> None:
    hand.client("ec2").delete_tags(Resources=[actual.id], Tags=[{"Key": key} for key in keys])


def ec2_case(**given: Any) -> Case:
    return Case(tag=tag_ec2, untag=untag_ec2, **given)


def _dns(**attribute: Any) -> Any:
    return lambda hand, found, actual: hand.client("ec2").modify_vpc_attribute(VpcId=actual.id, **attribute)


def _take_gateway_away(hand: Hand, found: Found, actual: Actual) -> None:
    hand.client("ec2").detach_internet_gateway(InternetGatewayId=actual.id, VpcId=actual["vpc"])


def _move_gateway(hand: Hand, found: Found, actual: Actual) -> None:
    _take_gateway_away(hand, found, actual)
    hand.client("ec2").attach_internet_gateway(InternetGatewayId=actual.id, VpcId=found["vpc/other"].id)


def _delete_gateway(hand: Hand, found: Found, actual: Actual) -> None:
    _take_gateway_away(hand, found, actual)
    hand.client("ec2").delete_internet_gateway(InternetGatewayId=actual.id)


def _delete_nat(hand: Hand, found: Found, actual: Actual) -> None:
    hand.client("ec2").delete_nat_gateway(NatGatewayId=actual.id)
    hand.wait()


def _release(hand: Hand, found: Found, actual: Actual) -> None:
    _disassociate(hand, found, actual)
    hand.client("ec2").release_address(AllocationId=actual.id)


def _disassociate(hand: Hand, found: Found, actual: Actual) -> None:
    hand.client("ec2").disassociate_address(AssociationId=actual["association_id"])


def _point_elsewhere(hand: Hand, found: Found, actual: Actual) -> None:
    hand.client("ec2").associate_address(
        AllocationId=actual.id, InstanceId=found["instance/other"].id, AllowReassociation=True
    )


def _route(verb: str, **route: Any) -> Any:
    def drift(hand: Hand, found: Found, actual: Actual) -> None:
        params = {name: found[value].id if value in found else value for name, value in route.items()}
        getattr(hand.client("ec2"), verb)(RouteTableId=actual.id, **params)

    return drift


def _reroute(hand: Hand, found: Found, actual: Actual) -> None:
    ec2 = hand.client("ec2")
    peering = ec2.create_vpc_peering_connection(VpcId=actual["vpc"], PeerVpcId=found["vpc/other"].id)
    id = peering["VpcPeeringConnection"]["VpcPeeringConnectionId"]
    ec2.accept_vpc_peering_connection(VpcPeeringConnectionId=id)
    ec2.replace_route(RouteTableId=actual.id, DestinationCidrBlock="0.0.0.0/0", VpcPeeringConnectionId=id)


def _release_subnet(hand: Hand, found: Found, actual: Actual) -> None:
    for association in actual["associations"].values():
        hand.client("ec2").disassociate_route_table(AssociationId=association)


def _lend_subnet(hand: Hand, found: Found, actual: Actual) -> None:
    (association,) = actual["associations"].values()
    own = hand.client("ec2").create_route_table(VpcId=actual["vpc"])["RouteTable"]["RouteTableId"]
    hand.client("ec2").replace_route_table_association(AssociationId=association, RouteTableId=own)


def _take_subnet(hand: Hand, found: Found, actual: Actual) -> None:
    hand.client("ec2").associate_route_table(RouteTableId=actual.id, SubnetId=found["subnet/other"].id)


def _delete_table(hand: Hand, found: Found, actual: Actual) -> None:
    _release_subnet(hand, found, actual)
    hand.client("ec2").delete_route_table(RouteTableId=actual.id)


def _tables(add: Sequence[str] = (), remove: Sequence[str] = ()) -> Any:
    def drift(hand: Hand, found: Found, actual: Actual) -> None:
        params = {"AddRouteTableIds": add, "RemoveRouteTableIds": remove}
        hand.client("ec2").modify_vpc_endpoint(
            VpcEndpointId=actual.id,
            **{name: [found[table].id for table in tables] for name, tables in params.items() if tables},
        )

    return drift


def _modify_endpoint(**other: Any) -> Any:
    def drift(hand: Hand, found: Found, actual: Actual) -> None:
        params = {
            name: [found[each].id for each in value] if name == "SecurityGroupIds" else value
            for name, value in other.items()
        }
        hand.client("ec2").modify_instance_connect_endpoint(InstanceConnectEndpointId=actual.id, **params)

    return drift


def _allow(way: str, port: int, cidr: str) -> Any:
    def drift(hand: Hand, found: Found, actual: Actual) -> None:
        rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": cidr}]}
        getattr(hand.client("ec2"), f"authorize_security_group_{way}")(GroupId=actual.id, IpPermissions=[rule])

    return drift


def _revoke(way: str) -> Any:
    def drift(hand: Hand, found: Found, actual: Actual) -> None:
        permissions = [rule.permission() for rule in actual[way]]
        getattr(hand.client("ec2"), f"revoke_security_group_{way}")(GroupId=actual.id, IpPermissions=permissions)

    return drift


def _machine(name: str) -> Instance:
    return Instance(name=name, image=IMAGE, instance_type="t3.medium", subnet=SUBNET.id, security_groups=[GROUP.id])


def _gateways() -> list[Resource]:
    return [VPC, OTHER_VPC, InternetGateway(name="main", vpc=VPC.id)]


def _nat() -> list[Resource]:
    nat = NatGateway(name="main", subnet=SUBNET.id, allocation=ADDRESS.id)
    return [VPC, GATEWAY, SUBNET, OTHER_SUBNET, ADDRESS, OTHER_ADDRESS, nat]


def _address() -> list[Resource]:
    host, other = _machine("host"), _machine("other")
    return [VPC, GATEWAY, SUBNET, GROUP, host, other, ElasticIp(name="host", instance=host.id)]


def _table() -> list[Resource]:
    table = RouteTable(name="a", vpc=VPC.id, routes={"0.0.0.0/0": GATEWAY.id}, subnets=[SUBNET.id])
    return [VPC, OTHER_VPC, GATEWAY, SUBNET, OTHER_SUBNET, OTHER_TABLE, table]


def _endpoint() -> list[Resource]:
    third = RouteTable(name="c", vpc=VPC.id)
    endpoint = VpcEndpoint(name="s3", vpc=VPC.id, service="s3", route_tables=[TABLE.id, OTHER_TABLE.id])
    return [VPC, OTHER_VPC, TABLE, OTHER_TABLE, third, endpoint]


def _connect_endpoint() -> list[Resource]:
    endpoint = InstanceConnectEndpoint(name="main", subnet=SUBNET.id, security_groups=[GROUP.id])
    return [VPC, SUBNET, OTHER_SUBNET, GROUP, OTHER_GROUP, endpoint]


def _group() -> list[Resource]:
    ingress = [Rule("0.0.0.0/0", 80), Rule("::/0", 80), Rule(GROUP.id, 5432), Rule("10.0.0.0/8", 8000, 8010, "udp")]
    return [VPC, OTHER_VPC, GROUP, SecurityGroup(name="data", vpc=VPC.id, description="d", ingress=ingress)]


NETWORK: Final = {
    "vpc": ec2_case(
        stack=lambda: [VPC],
        remove=lambda hand, found, actual: hand.client("ec2").delete_vpc(VpcId=actual.id),
        drift={
            "enable_dns_support": _dns(EnableDnsSupport={"Value": False}),
            "enable_dns_hostnames": _dns(EnableDnsHostnames={"Value": False}),
        },
        fixed={"cidr_block": "10.9.0.0/16"},
        delete_conflict=("DeleteVpc", "DependencyViolation"),
    ),
    "subnet": ec2_case(
        stack=lambda: [VPC, OTHER_VPC, SUBNET],
        remove=lambda hand, found, actual: hand.client("ec2").delete_subnet(SubnetId=actual.id),
        drift={
            "map_public_ip_on_launch": lambda hand, found, actual: hand.client("ec2").modify_subnet_attribute(
                SubnetId=actual.id, MapPublicIpOnLaunch={"Value": True}
            )
        },
        fixed={"vpc": OTHER_VPC.id, "cidr_block": "10.7.3.0/24", "availability_zone": "ap-northeast-1c"},
        delete_conflict=("DeleteSubnet", "DependencyViolation"),
    ),
    "internet-gateway": ec2_case(
        stack=_gateways,
        remove=_delete_gateway,
        drift={"vpc (detached)": _take_gateway_away, "vpc (moved)": _move_gateway},
        delete_conflict=("DetachInternetGateway", "DependencyViolation"),
    ),
    "nat-gateway": ec2_case(
        stack=_nat,
        remove=_delete_nat,
        fixed={"subnet": OTHER_SUBNET.id, "allocation": OTHER_ADDRESS.id},
        delete_conflict=("DeleteNatGateway", "DependencyViolation"),
    ),
    "elastic-ip": ec2_case(
        stack=_address,
        remove=_release,
        drift={"instance (none)": _disassociate, "instance (another)": _point_elsewhere},
        delete_conflict=("ReleaseAddress", "InvalidIPAddress.InUse"),
    ),
    "route-table": ec2_case(
        stack=_table,
        remove=_delete_table,
        drift={
            "routes (taken away)": _route("delete_route", DestinationCidrBlock="0.0.0.0/0"),
            "routes (one more)": _route(
                "create_route", DestinationCidrBlock="192.168.0.0/16", GatewayId="internet-gateway/main"
            ),
            "routes (elsewhere)": _reroute,
            "subnets (released)": _release_subnet,
            "subnets (lent)": _lend_subnet,
            "subnets (one more)": _take_subnet,
        },
        fixed={"vpc": OTHER_VPC.id},
        delete_conflict=("DeleteRouteTable", "DependencyViolation"),
    ),
    "vpc-endpoint": ec2_case(
        stack=_endpoint,
        remove=lambda hand, found, actual: hand.client("ec2").delete_vpc_endpoints(VpcEndpointIds=[actual.id]),
        drift={
            "route_tables (one less)": _tables(remove=["route-table/b"]),
            "route_tables (one more)": _tables(add=["route-table/c"]),
            "route_tables (others)": _tables(add=["route-table/c"], remove=["route-table/a"]),
        },
        fixed={"vpc": OTHER_VPC.id, "service": "dynamodb"},
        delete_conflict=("DeleteVpcEndpoints", "DependencyViolation"),
    ),
    "instance-connect-endpoint": ec2_case(
        stack=_connect_endpoint,
        remove=lambda hand, found, actual: hand.client("ec2").delete_instance_connect_endpoint(
            InstanceConnectEndpointId=actual.id
        ),
        drift={
            "security_groups (another)": _modify_endpoint(SecurityGroupIds=["security-group/other"]),
            "preserve_client_ip": _modify_endpoint(PreserveClientIp=True),
        },
        fixed={"subnet": OTHER_SUBNET.id},
        delete_conflict=("DeleteInstanceConnectEndpoint", "DependencyViolation"),
    ),
    "security-group": ec2_case(
        stack=_group,
        remove=lambda hand, found, actual: hand.client("ec2").delete_security_group(GroupId=actual.id),
        drift={
            "ingress (one more)": _allow("ingress", 22, "0.0.0.0/0"),
            "ingress (none)": _revoke("ingress"),
            "egress (one more)": _allow("egress", 25, "1.2.3.4/32"),
            "egress (none)": _revoke("egress"),
        },
        fixed={"vpc": OTHER_VPC.id, "description": "another"},
        delete_conflict=("DeleteSecurityGroup", "DependencyViolation"),
    ),
}
