"""What somebody else has put into our network: a destroy says what is in the way, and takes away only GuardDuty's."""

from __future__ import annotations

from typing import Any

import pytest

from dify_aws import Deployment, Outputs, RunFailed, Settings
from dify_aws.aws.create_request import TAG_DEPLOYMENT
from dify_aws.offline.world import World
from tests.support.inventory import GONE, counted, inventory

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
        told = str(caught.value.failures[address])
        assert f"network interface {interface} (" in told
        assert "Lambda of the finance team" in told
        assert "DependencyViolation" in told
    assert ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"]
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    deployment(world).destroy(delete_data=True)
    assert counted(inventory(world.session)) == GONE


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


def test_what_guardduty_has_left_goes_with_the_vpc(world: World, outputs: Outputs) -> None:
    """AWS made it by itself, and takes it away with nothing; no call of an apply or a plan asks for it."""
    ec2 = world.session.client("ec2")
    add_guardduty(ec2, outputs)
    assert not deployment(world).plan()
    deployment(world).destroy(delete_data=True)
    assert counted(inventory(world.session)) == GONE


@pytest.mark.parametrize("managed", ["false", "yes"])
def test_what_only_looks_like_guardduty_stays(world: World, outputs: Outputs, managed: str) -> None:
    """Its names without its tag: it is named, and left alone."""
    ec2 = world.session.client("ec2")
    _, endpoint = add_guardduty(ec2, outputs, managed=managed)
    with pytest.raises(RunFailed, match=f"VPC endpoint {endpoint}|network interface"):
        deployment(world).destroy(delete_data=True)
    assert ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint])["VpcEndpoints"]


def test_in_the_network_of_somebody_else_guardduty_stays(world: World, outputs: Outputs) -> None:
    """Our tag on the VPC says that it is ours to take away."""
    ec2 = world.session.client("ec2")
    add_guardduty(ec2, outputs)
    ec2.delete_tags(Resources=[outputs.vpc_id], Tags=[{"Key": TAG_DEPLOYMENT}])
    with pytest.raises(RunFailed):
        deployment(world).destroy(delete_data=True)
    services = [each["ServiceName"] for each in ec2.describe_vpc_endpoints()["VpcEndpoints"]]
    assert f"com.amazonaws.{outputs.region}.guardduty-data" in services
