"""Deletion blockers: a destroy names the resources of others in our network, and deletes only GuardDuty's."""

from __future__ import annotations

from typing import Any

import pytest

from dify_aws import Deployment, Outputs, RunFailed, Settings
from dify_aws.aws.create_request import TAG_DEPLOYMENT
from dify_aws.offline.world import World
from tests.support.inventory import AFTER_DESTROY, counted, inventory
from tests.support.plans import aws_plan

SETTINGS = Settings(environment="dev", nat_gateway=False)


def deployment(world: World) -> Deployment:
    return Deployment(SETTINGS, session=world.session)


@pytest.fixture
def outputs(world: World) -> Outputs:
    return deployment(world).apply()


def add_guardduty(ec2: Any, outputs: Outputs, *, managed: str = "true") -> tuple[str, str]:
    """As GuardDuty's automated agent does it: an endpoint with an interface in a subnet, and a group for it."""
    tags: Any = [{"Key": "GuardDutyManaged", "Value": managed}]
    group = ec2.create_security_group(
        GroupName=f"GuardDutyManagedSecurityGroup-{outputs.vpc_id}",
        Description="Associated with VPC-endpoint and tagged as GuardDutyManaged",
        VpcId=outputs.vpc_id,
        TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
    )["GroupId"]
    endpoint = ec2.create_vpc_endpoint(
        VpcId=outputs.vpc_id,
        VpcEndpointType="Interface",
        ServiceName=f"com.amazonaws.{outputs.region}.guardduty-data",
        SubnetIds=[outputs.subnets["private"]],
        SecurityGroupIds=[group],
        TagSpecifications=[{"ResourceType": "vpc-endpoint", "Tags": tags}],
    )["VpcEndpoint"]["VpcEndpointId"]
    return group, endpoint


def test_a_foreign_interface_is_named(world: World, outputs: Outputs) -> None:
    """By id and kind and whose it may be, for the subnet, the group and the VPC; and the next run goes on."""
    ec2 = world.session.client("ec2")
    interface = ec2.create_network_interface(
        SubnetId=outputs.subnets["private"],
        Description="Lambda of the finance team",
        Groups=[outputs.security_groups["host"]],
    )["NetworkInterface"]["NetworkInterfaceId"]
    with pytest.raises(RunFailed) as caught:
        deployment(world).destroy(delete_data=True)
    for address in ("subnet/private", "security-group/host"):
        message = str(caught.value.failures[address])
        assert f"network interface {interface} (" in message
        assert "Lambda of the finance team" in message
        assert "DependencyViolation" in message
    assert ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"]
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    deployment(world).destroy(delete_data=True)
    assert counted(inventory(world.session)) == AFTER_DESTROY


def test_all_that_is_in_the_vpc_is_named(world: World, outputs: Outputs) -> None:
    """The group of somebody else keeps the VPC alone."""
    ec2 = world.session.client("ec2")
    group = ec2.create_security_group(GroupName="theirs", Description="of the web team", VpcId=outputs.vpc_id)[
        "GroupId"
    ]
    with pytest.raises(RunFailed) as caught:
        deployment(world).destroy(delete_data=True)
    assert caught.value.failures.keys() == {"vpc/main"}
    assert f"security group {group} (theirs, of the web team)" in str(caught.value)
    assert f"security group {group}" in str(caught.value.failures["vpc/main"])


def test_guardduty_resources_are_deleted_with_the_vpc(world: World, outputs: Outputs) -> None:
    """AWS made it by itself, and takes it away with nothing; no call of an apply or a plan asks for it."""
    ec2 = world.session.client("ec2")
    add_guardduty(ec2, outputs)
    assert not aws_plan(deployment(world))
    deployment(world).destroy(delete_data=True)
    assert counted(inventory(world.session)) == AFTER_DESTROY


@pytest.mark.parametrize("managed", ["false", "yes"])
def test_resources_that_only_look_like_guardduty_are_kept(world: World, outputs: Outputs, managed: str) -> None:
    """Its names without its tag: it is named, and left alone."""
    ec2 = world.session.client("ec2")
    _, endpoint = add_guardduty(ec2, outputs, managed=managed)
    with pytest.raises(RunFailed, match=f"VPC endpoint {endpoint}|network interface"):
        deployment(world).destroy(delete_data=True)
    assert ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"]


def test_guardduty_resources_in_an_existing_network_are_kept(world: World, outputs: Outputs) -> None:
    """Our tag on the VPC says that it is ours to take away."""
    ec2 = world.session.client("ec2")
    add_guardduty(ec2, outputs)
    ec2.delete_tags(Resources=[outputs.vpc_id], Tags=[{"Key": TAG_DEPLOYMENT}])
    with pytest.raises(RunFailed):
        deployment(world).destroy(delete_data=True)
    services = [each["ServiceName"] for each in ec2.describe_vpc_endpoints()["VpcEndpoints"]]
    assert f"com.amazonaws.{outputs.region}.guardduty-data" in services


def refusals(world: World) -> dict[str, str]:
    """What a destroy reports, by address."""
    with pytest.raises(RunFailed) as caught:
        deployment(world).destroy(delete_data=True)
    return {address: str(error) for address, error in caught.value.failures.items()}


def _peer(ec2: Any, vpc: str, subnet: str) -> Any:
    other = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
    answer = ec2.create_vpc_peering_connection(VpcId=other, PeerVpcId=vpc)
    return answer["VpcPeeringConnection"]["VpcPeeringConnectionId"]


def _vpn_gateway(ec2: Any, vpc: str, subnet: str) -> Any:
    gateway = ec2.create_vpn_gateway(Type="ipsec.1")["VpnGateway"]["VpnGatewayId"]
    ec2.attach_vpn_gateway(VpcId=vpc, VpnGatewayId=gateway)
    return gateway


def _transit_attachment(ec2: Any, vpc: str, subnet: str) -> Any:
    gateway = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    answer = ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=gateway, VpcId=vpc, SubnetIds=[subnet])
    return answer["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]


def _egress_only(ec2: Any, vpc: str, subnet: str) -> Any:
    answer = ec2.create_egress_only_internet_gateway(VpcId=vpc)
    return answer["EgressOnlyInternetGateway"]["EgressOnlyInternetGatewayId"]


def _network_acl(ec2: Any, vpc: str, subnet: str) -> Any:
    return ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]


@pytest.mark.parametrize(
    ("create", "kind", "address"),
    [
        (_peer, "VPC peering connection", "vpc/main"),
        (_vpn_gateway, "virtual private gateway", "vpc/main"),
        (_egress_only, "egress-only internet gateway", "vpc/main"),
        (_network_acl, "network ACL", "vpc/main"),
        (_transit_attachment, "transit gateway attachment", "subnet/private"),
    ],
)
def test_other_blockers_are_named(world: World, outputs: Outputs, create: Any, kind: str, address: str) -> None:
    """Whatever AWS wants to be detached or deleted first, and none that belongs to another VPC."""
    ec2 = world.session.client("ec2")
    other = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    create(ec2, other, ec2.create_subnet(VpcId=other, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"])
    id = create(ec2, outputs.vpc_id, outputs.subnets["private"])
    reported = refusals(world)
    assert reported.keys() == {address}
    named = [line.split(" (")[0] for line in reported[address].splitlines() if line.startswith("  - ")]
    assert named == [f"  - {kind} {id}"]


@pytest.mark.parametrize("direction", ["ingress", "egress"])
def test_a_security_group_that_a_rule_names_is_explained(world: World, outputs: Outputs, direction: str) -> None:
    """By the group whose rule it is, whatever the direction of that rule."""
    ec2 = world.session.client("ec2")
    group = ec2.create_security_group(GroupName="theirs", Description="of the web team", VpcId=outputs.vpc_id)[
        "GroupId"
    ]
    rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80}
    peer = {"UserIdGroupPairs": [{"GroupId": outputs.security_groups["host"]}]}
    getattr(ec2, f"authorize_security_group_{direction}")(GroupId=group, IpPermissions=[{**rule, **peer}])
    named = f"  - security group {group} (theirs, of the web team)"
    assert named in refusals(world)["security-group/host"].splitlines()


def test_a_route_table_that_is_used_elsewhere_is_explained(world: World, outputs: Outputs) -> None:
    """Somebody has associated a gateway with it."""
    ec2 = world.session.client("ec2")
    own: Any = [{"Name": "tag:dify-aws:address", "Values": ["route-table/private"]}]
    table = ec2.describe_route_tables(Filters=own)["RouteTables"][0]["RouteTableId"]
    gateway = ec2.describe_internet_gateways()["InternetGateways"][0]["InternetGatewayId"]
    association = ec2.associate_route_table(RouteTableId=table, GatewayId=gateway)["AssociationId"]
    assert f"association {association} ({gateway})" in refusals(world)["route-table/private"]


def test_an_internet_gateway_that_is_needed_is_explained(world: World, outputs: Outputs) -> None:
    """It stays attached while something of somebody else has a public address behind it."""
    ec2 = world.session.client("ec2")
    answer = ec2.create_network_interface(SubnetId=outputs.subnets["public"], Description="of the web team")
    interface = answer["NetworkInterface"]["NetworkInterfaceId"]
    address = ec2.allocate_address(Domain="vpc")
    ec2.associate_address(AllocationId=address["AllocationId"], NetworkInterfaceId=interface)
    reported = refusals(world)["internet-gateway/main"]
    assert "mapped public address" in reported
    (line,) = (line for line in reported.splitlines() if line.startswith("  - "))
    assert line.startswith(f"  - network interface with a public address {interface} (of the web team, ")
    assert line.endswith(f", {address['PublicIp']})")


def test_guardduty_is_queried_only_after_a_refusal(world: World, outputs: Outputs) -> None:
    """A destroy that AWS refuses nothing of reads nothing about what others have in the VPC."""
    world.forget_calls()
    deployment(world).destroy(delete_data=True)
    assert {"DeleteSubnet", "DeleteVpc"} <= {call.operation for call in world.calls}
    filters = [each["Name"] for call in world.calls for each in call.params.get("Filters", ())]
    assert "vpc-id" not in filters
