"""Vpc: the network that everything else of a deployment lives in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dify_aws.aws import Aws
from dify_aws.aws.adoption_view import Listed
from dify_aws.engine.resource import Actual
from dify_aws.resources.ec2.ec2_resource import Ec2Resource, ours
from dify_aws.resources.observe import observe_owned
from dify_aws.resources.vpc.blockers import actions_to_explain
from dify_aws.resources.vpc.network_deletion import delete_part


@dataclass(frozen=True, kw_only=True, eq=False)
class Vpc(Ec2Resource):
    """A VPC with one IPv4 network.

    Args:
        cidr_block: its network; AWS takes /16 to /28. Fixed.
        enable_dns_support: instances can resolve names.
        enable_dns_hostnames: instances with a public address get a public DNS name.
    """

    cidr_block: str
    enable_dns_support: bool = True
    enable_dns_hostnames: bool = True

    kind = "vpc"
    free = True
    fixed = frozenset({"cidr_block"})
    tables = ("vpcs",)
    listed = Listed("ec2.DescribeVpcs", "Vpcs", "vpc-id", "VpcId")
    permissions = frozenset(
        {
            "ec2:CreateTags",
            "ec2:CreateVpc",
            "ec2:DeleteVpc",
            "ec2:DescribeVpcAttribute",
            "ec2:DescribeVpcs",
            "ec2:ModifyVpcAttribute",
        }
    ) | actions_to_explain("ec2.DeleteVpc")

    @classmethod
    def owned(cls, aws: Aws) -> Iterable[Actual]:
        for vpc in ours(aws, "vpcs", "ec2.DescribeVpcs", "Vpcs"):
            values = {
                "cidr_block": vpc["CidrBlock"],
                "enable_dns_support": _attribute(aws, vpc["VpcId"], "EnableDnsSupport"),
                "enable_dns_hostnames": _attribute(aws, vpc["VpcId"], "EnableDnsHostnames"),
            }
            if seen := observe_owned(cls, aws, vpc["VpcId"], vpc.get("Tags"), values):
                yield seen

    def create(self, aws: Aws) -> Actual | None:
        answer = aws.create("ec2.CreateVpc", self.address, keep=self.keep, CidrBlock=self.cidr_block)
        return self.made(aws, answer["Vpc"]["VpcId"], enable_dns_support=True, enable_dns_hostnames=False)

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        # One attribute a call: AWS refuses two (InvalidParameterCombination).
        if "enable_dns_support" in names:
            aws.call("ec2.ModifyVpcAttribute", VpcId=actual.id, EnableDnsSupport={"Value": self.enable_dns_support})
        if "enable_dns_hostnames" in names:
            aws.call("ec2.ModifyVpcAttribute", VpcId=actual.id, EnableDnsHostnames={"Value": self.enable_dns_hostnames})

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        delete_part(aws, "ec2.DeleteVpc", guardduty_in=actual.id, VpcId=actual.id)


def _attribute(aws: Aws, vpc: str, name: str) -> bool:
    attribute = name[0].lower() + name[1:]
    answer = aws.read_cache.read(
        "vpcs", lambda: aws.call("ec2.DescribeVpcAttribute", VpcId=vpc, Attribute=attribute), vpc, name
    )
    return bool(answer[name]["Value"])
