"""Dependencies: what something else needs cannot be deleted, and AWS says DependencyViolation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dify_aws.offline.world import World
from tests.offline.place import Place
from tests.offline.refusals import refused

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


def group(place: Place, name: str) -> str:
    return place.ec2.create_security_group(GroupName=name, Description=name, VpcId=place.vpc)["GroupId"]


def test_a_group_in_use_by_an_instance_stays_until_it_is_terminated(place: Place, world: World) -> None:
    used = group(place, "used")
    instance = place.launch(SecurityGroupIds=[used])
    world.clock.sleep(16)
    place.ec2.terminate_instances(InstanceIds=[instance])
    with refused("DependencyViolation"):
        place.ec2.delete_security_group(GroupId=used)
    world.clock.sleep(30)
    place.ec2.delete_security_group(GroupId=used)


def test_a_group_that_another_names_stays(place: Place) -> None:
    host, database = group(place, "host"), group(place, "database")
    rule: Any = {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": host}]}
    place.ec2.authorize_security_group_ingress(GroupId=database, IpPermissions=[rule])
    with refused("DependencyViolation"):
        place.ec2.delete_security_group(GroupId=host)
    place.ec2.revoke_security_group_ingress(GroupId=database, IpPermissions=[rule])
    place.ec2.delete_security_group(GroupId=host)


def test_a_group_that_names_itself_can_go(place: Place) -> None:
    own = group(place, "own")
    rule: Any = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": own}]}
    place.ec2.authorize_security_group_ingress(GroupId=own, IpPermissions=[rule])
    place.ec2.delete_security_group(GroupId=own)


def test_a_default_group_stays(place: Place) -> None:
    default: Any = [{"Name": "vpc-id", "Values": [place.vpc]}, {"Name": "group-name", "Values": ["default"]}]
    found = place.ec2.describe_security_groups(Filters=default)["SecurityGroups"]
    with refused("CannotDelete"):
        place.ec2.delete_security_group(GroupId=found[0]["GroupId"])


def test_a_subnet_with_an_instance_stays_until_it_is_terminated(place: Place, world: World) -> None:
    instance = place.launch()
    place.ec2.terminate_instances(InstanceIds=[instance])
    with refused("DependencyViolation"):
        place.ec2.delete_subnet(SubnetId=place.subnet)
    world.clock.sleep(30)
    place.ec2.delete_subnet(SubnetId=place.subnet)


def test_a_subnet_with_an_interface_stays(place: Place) -> None:
    interface = place.ec2.create_network_interface(SubnetId=place.subnet)["NetworkInterface"]["NetworkInterfaceId"]
    with refused("DependencyViolation"):
        place.ec2.delete_subnet(SubnetId=place.subnet)
    place.ec2.delete_network_interface(NetworkInterfaceId=interface)
    place.ec2.delete_subnet(SubnetId=place.subnet)


def test_an_attached_interface_stays(place: Place) -> None:
    interface = place.instance(place.launch())["NetworkInterfaces"][0]["NetworkInterfaceId"]
    with refused("InvalidNetworkInterface.InUse"):
        place.ec2.delete_network_interface(NetworkInterfaceId=interface)


def test_a_route_table_stays_while_it_is_associated_and_the_main_one_for_ever(place: Place) -> None:
    ec2 = place.ec2
    main = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [place.vpc]}])["RouteTables"][0]
    with refused("DependencyViolation"):
        ec2.delete_route_table(RouteTableId=main["RouteTableId"])
    table = ec2.create_route_table(VpcId=place.vpc)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table, SubnetId=place.subnet)
    with refused("DependencyViolation"):
        ec2.delete_route_table(RouteTableId=table)
    ec2.delete_subnet(SubnetId=place.subnet)  # the association goes with the subnet
    ec2.delete_route_table(RouteTableId=table)


def test_an_attached_internet_gateway_stays(place: Place) -> None:
    with refused("DependencyViolation"):
        place.ec2.delete_internet_gateway(InternetGatewayId=place.gateway)


@pytest.mark.parametrize("who", ["instance", "nat gateway"])
def test_an_internet_gateway_stays_while_there_are_public_addresses(place: Place, world: World, who: str) -> None:
    ec2, address = place.ec2, place.address()
    if who == "instance":
        instance = place.launch()
        world.clock.sleep(16)
        ec2.associate_address(AllocationId=address, InstanceId=instance)
    else:
        nat = place.nat_gateway(AllocationId=address)
        ec2.delete_nat_gateway(NatGatewayId=nat)
    with refused("DependencyViolation"):
        ec2.detach_internet_gateway(InternetGatewayId=place.gateway, VpcId=place.vpc)
    if who == "instance":
        association = ec2.describe_addresses(AllocationIds=[address])["Addresses"][0]["AssociationId"]
        ec2.disassociate_address(AssociationId=association)
    world.clock.sleep(60)
    ec2.detach_internet_gateway(InternetGatewayId=place.gateway, VpcId=place.vpc)


def test_a_vpc_has_one_internet_gateway(place: Place) -> None:
    """https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html"""
    second = place.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    with refused("InvalidParameterValue"):
        place.ec2.attach_internet_gateway(InternetGatewayId=second, VpcId=place.vpc)
    with refused("Resource.AlreadyAssociated"):
        place.ec2.attach_internet_gateway(InternetGatewayId=place.gateway, VpcId=place.vpc)


def test_vpc_can_be_deleted_when_it_is_empty(place: Place, ec2: EC2Client, world: World) -> None:
    table = ec2.create_route_table(VpcId=place.vpc)["RouteTable"]["RouteTableId"]
    ours = group(place, "ours")
    endpoint = ec2.create_vpc_endpoint(VpcId=place.vpc, ServiceName="com.amazonaws.ap-northeast-1.s3")
    endpoint_id = endpoint["VpcEndpoint"]["VpcEndpointId"]

    def refuse() -> None:
        with refused("DependencyViolation"):
            ec2.delete_vpc(VpcId=place.vpc)

    refuse()
    ec2.delete_subnet(SubnetId=place.subnet)
    refuse()
    ec2.detach_internet_gateway(InternetGatewayId=place.gateway, VpcId=place.vpc)
    refuse()
    ec2.delete_route_table(RouteTableId=table)
    refuse()
    ec2.delete_security_group(GroupId=ours)
    refuse()
    ec2.delete_vpc_endpoints(VpcEndpointIds=[endpoint_id])
    world.clock.sleep(5)
    ec2.delete_vpc(VpcId=place.vpc)
    assert place.vpc not in [vpc["VpcId"] for vpc in ec2.describe_vpcs()["Vpcs"]]
