"""What holds for every EC2 action: DryRun does nothing; tags of AWS's own are reserved; filters find what is tagged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dify_aws.offline.world import World
from tests.offline.place import Place
from tests.offline.refusals import refused

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


def state(ec2: EC2Client) -> Any:
    """All that a dry run could have changed, without what differs between two answers to one question."""
    answers: list[Any] = [
        ec2.describe_vpcs(),
        ec2.describe_subnets(),
        ec2.describe_route_tables(),
        ec2.describe_vpc_endpoints(),
        ec2.describe_nat_gateways(),
        ec2.describe_addresses(),
        ec2.describe_volumes(),
        ec2.describe_instances(),
        ec2.describe_tags(),
    ]
    return [{key: value for key, value in answer.items() if key != "ResponseMetadata"} for answer in answers]


def test_a_dry_run_answers_dry_run_operation_and_changes_nothing(place: Place) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html"""
    ec2, vpc = place.ec2, place.vpc
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    address, instance = place.address(), place.launch()
    attempts: list[tuple[Any, dict[str, Any]]] = [
        (ec2.create_vpc, {"CidrBlock": "10.9.0.0/16"}),
        (ec2.create_subnet, {"VpcId": vpc, "CidrBlock": "10.0.9.0/24"}),
        (ec2.delete_subnet, {"SubnetId": place.subnet}),
        (ec2.create_route_table, {"VpcId": vpc}),
        (ec2.delete_route_table, {"RouteTableId": table}),
        (ec2.associate_route_table, {"RouteTableId": table, "SubnetId": place.subnet}),
        (
            ec2.create_route,
            {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": place.gateway},
        ),
        (ec2.create_nat_gateway, {"SubnetId": place.subnet, "AllocationId": address}),
        (ec2.create_vpc_endpoint, {"VpcId": vpc, "ServiceName": "com.amazonaws.ap-northeast-1.s3"}),
        (ec2.modify_instance_metadata_options, {"InstanceId": instance, "HttpTokens": "required"}),
        (ec2.create_tags, {"Resources": [vpc], "Tags": [{"Key": "a", "Value": "b"}]}),
        (ec2.release_address, {"AllocationId": address}),
        (ec2.terminate_instances, {"InstanceIds": [instance]}),
        (ec2.describe_vpcs, {}),
    ]
    before = state(ec2)
    for attempt, parameters in attempts:
        with refused("DryRunOperation", status=412):
            attempt(**parameters, DryRun=True)
    assert state(ec2) == before


def test_a_dry_run_does_not_spend_the_token(place: Place) -> None:
    with refused("DryRunOperation", status=412):
        place.volume(ClientToken="t", DryRun=True)
    assert place.volume(ClientToken="t")


def test_vpc_attributes_change_one_at_a_time(place: Place) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyVpcAttribute.html"""
    both: Any = {"EnableDnsSupport": {"Value": False}, "EnableDnsHostnames": {"Value": True}}
    with refused("InvalidParameterCombination"):
        place.ec2.modify_vpc_attribute(VpcId=place.vpc, **both)
    place.ec2.modify_vpc_attribute(VpcId=place.vpc, EnableDnsHostnames={"Value": True})
    answers = place.ec2.describe_vpc_attribute(VpcId=place.vpc, Attribute="enableDnsHostnames")
    assert answers["EnableDnsHostnames"] == {"Value": True}


def test_tags_of_aws_are_reserved(place: Place) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html#tag-restrictions"""
    tags: Any = [{"Key": "aws:mine", "Value": "x"}]
    with refused("InvalidParameterValue"):
        place.ec2.create_tags(Resources=[place.vpc], Tags=tags)
    with refused("InvalidParameterValue"):
        place.ec2.create_vpc(CidrBlock="10.1.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": tags}])
    assert len(place.ec2.describe_vpcs()["Vpcs"]) == 2


@pytest.mark.parametrize("value", ["dify/dev", "with space", "50%"])
def test_things_and_rules_are_found_by_their_tags(place: Place, value: str) -> None:
    """moto does this by itself; the census of what we own leans on it."""
    ec2 = place.ec2
    own_filter: Any = [{"Name": "tag:owner", "Values": [value]}]

    def tagged(kind: str) -> Any:
        return [{"ResourceType": kind, "Tags": [{"Key": "owner", "Value": value}]}]

    group = ec2.create_security_group(
        GroupName="g", Description="g", VpcId=place.vpc, TagSpecifications=tagged("security-group")
    )["GroupId"]
    rule: Any = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(
        GroupId=group, IpPermissions=[rule], TagSpecifications=tagged("security-group-rule")
    )
    ec2.create_tags(Resources=[place.vpc, place.subnet], Tags=[{"Key": "owner", "Value": value}])
    ec2.allocate_address(Domain="vpc", TagSpecifications=tagged("elastic-ip"))
    volume = place.volume(TagSpecifications=tagged("volume"))

    assert [each["GroupId"] for each in ec2.describe_security_groups(Filters=own_filter)["SecurityGroups"]] == [group]
    assert [
        each["FromPort"] for each in ec2.describe_security_group_rules(Filters=own_filter)["SecurityGroupRules"]
    ] == [443]
    assert [each["VpcId"] for each in ec2.describe_vpcs(Filters=own_filter)["Vpcs"]] == [place.vpc]
    assert [each["SubnetId"] for each in ec2.describe_subnets(Filters=own_filter)["Subnets"]] == [place.subnet]
    assert [each["VolumeId"] for each in ec2.describe_volumes(Filters=own_filter)["Volumes"]] == [volume]
    assert len(ec2.describe_addresses(Filters=own_filter)["Addresses"]) == 1


def test_every_answer_has_a_request_id_of_its_own(world: World) -> None:
    ec2 = world.session.client("ec2")
    answers = [ec2.describe_vpcs()["ResponseMetadata"]["RequestId"] for _ in range(3)]
    assert len(set(answers)) == 3
