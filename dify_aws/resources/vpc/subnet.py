"""Subnet: a part of a VPC's network, in one Availability Zone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dify_aws.aws import Aws
from dify_aws.aws.adoption_view import Listed
from dify_aws.engine.resource import Actual, Input
from dify_aws.resources.ec2.ec2_resource import Ec2Resource, ours
from dify_aws.resources.observe import observe_owned
from dify_aws.resources.vpc.blockers import actions_to_explain
from dify_aws.resources.vpc.network_deletion import delete_part


@dataclass(frozen=True, kw_only=True, eq=False)
class Subnet(Ec2Resource):
    """A subnet.

    Args:
        vpc: the VPC it is in (``vpc.id``). Fixed.
        cidr_block: its network, inside the VPC's. Fixed.
        availability_zone: such as "ap-northeast-1a"; None lets AWS choose. Fixed.
        map_public_ip_on_launch: whether instances get a public address of their own. Off: we give an Elastic IP.
    """

    vpc: Input[str]
    cidr_block: str
    availability_zone: Input[str] | None = None
    map_public_ip_on_launch: bool = False

    kind = "subnet"
    free = True
    fixed = frozenset({"vpc", "cidr_block", "availability_zone"})
    already_exists = frozenset({"InvalidSubnet.Conflict"})
    tables = ("subnets",)
    listed = Listed("ec2.DescribeSubnets", "Subnets", "subnet-id", "SubnetId")
    permissions = frozenset(
        {
            "ec2:CreateSubnet",
            "ec2:CreateTags",
            "ec2:DeleteSubnet",
            "ec2:DescribeSubnets",
            "ec2:ModifySubnetAttribute",
        }
    ) | actions_to_explain("ec2.DeleteSubnet")

    @classmethod
    def owned(cls, aws: Aws) -> Iterable[Actual]:
        for subnet in ours(aws, "subnets", "ec2.DescribeSubnets", "Subnets"):
            values = {
                "vpc": subnet["VpcId"],
                "cidr_block": subnet["CidrBlock"],
                "availability_zone": subnet["AvailabilityZone"],
                "map_public_ip_on_launch": subnet["MapPublicIpOnLaunch"],
            }
            if seen := observe_owned(cls, aws, subnet["SubnetId"], subnet.get("Tags"), values):
                yield seen

    def create(self, aws: Aws) -> Actual | None:
        zone: dict[str, Any] = {"AvailabilityZone": self.availability_zone} if self.availability_zone else {}
        answer = aws.create(
            "ec2.CreateSubnet", self.address, keep=self.keep, VpcId=self.vpc, CidrBlock=self.cidr_block, **zone
        )
        return self.made(aws, answer["Subnet"]["SubnetId"], map_public_ip_on_launch=False)

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        if "map_public_ip_on_launch" in names:
            desired = {"Value": self.map_public_ip_on_launch}
            aws.call("ec2.ModifySubnetAttribute", SubnetId=actual.id, MapPublicIpOnLaunch=desired)

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        delete_part(aws, "ec2.DeleteSubnet", guardduty_in=actual["vpc"], SubnetId=actual.id)
