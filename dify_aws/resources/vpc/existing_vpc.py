"""ExistingVpc: a VPC that somebody else made and keeps. It is used, and never changed or deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.aws.create_request import TAG_ADDRESS, TAG_DEPLOYMENT, tag_map
from dify_aws.aws.errors.error_meaning import is_deleted
from dify_aws.engine.fact import Fact
from dify_aws.engine.resource import Actual
from dify_aws.errors import AwsError, ChangeRefused

TABLE: Final = "existing"
"""The table of the census with what is not ours."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ExistingVpc(Fact):
    """A VPC by its id. In the stack it stands where our own would stand: "vpc/main".

    Args:
        vpc_id: AWS's id of it.
        cidr_block: what its range is taken to be: networks on the machine are chosen beside it.
        docker_cidr: the range of the networks on the machine, which no range of the VPC may overlap; None: any may.
    """

    vpc_id: str
    cidr_block: str
    docker_cidr: str | None = None

    kind = "existing-vpc"
    free = True
    tables = (TABLE,)
    permissions = frozenset({"ec2:DescribeVpcAttribute", "ec2:DescribeVpcs"})

    @property
    def address(self) -> str:
        return f"vpc/{self.name}"

    def find(self, aws: Aws) -> Actual | None:
        """The VPC.

        Raises:
            ChangeRefused: it is not there, or not fit; with all that is wrong.
        """
        vpc = described(self.address, aws, "ec2.DescribeVpcs", "Vpcs", "VpcIds", self.vpc_id)
        if wrong := list(self._wrong(aws, vpc)):
            raise ChangeRefused(self.address, f"{self.vpc_id} cannot be used: " + " ".join(wrong))
        return Actual(address=self.address, id=self.vpc_id, facts={"cidr_block": vpc["CidrBlock"]})

    def _wrong(self, aws: Aws, vpc: dict[str, Any]) -> Iterator[str]:
        yield from ours(aws, vpc, "vpc_id")
        if vpc["CidrBlock"] != self.cidr_block:
            yield f"its range is {vpc['CidrBlock']}: set vpc_cidr to that."
        # A VPC may have up to fifty ranges. Whoever is in one that the machine has itself is never answered.
        for association in vpc.get("CidrBlockAssociationSet", ()):
            state, cidr = association.get("CidrBlockState", {}).get("State"), association["CidrBlock"]
            if self.docker_cidr is None or state not in ("associating", "associated"):
                continue
            if IPv4Network(cidr).overlaps(containers := IPv4Network(self.docker_cidr)):
                yield f"its range {cidr} overlaps with {containers}, the containers' own: set docker_cidr beside it."
        answer = aws.read_cache.read(
            TABLE,
            lambda: aws.call("ec2.DescribeVpcAttribute", VpcId=self.vpc_id, Attribute="enableDnsSupport"),
            self.vpc_id,
            "dns",
        )
        if not answer["EnableDnsSupport"]["Value"]:
            yield "it resolves no names, so nothing can be downloaded: switch its DNS resolution on."


def described(address: str, aws: Aws, operation: str, result: str, ids: str, id: str) -> dict[str, Any]:
    """One thing by its id, whoever owns it.

    Raises:
        ChangeRefused: there is none.
    """
    try:
        found = aws.read_cache.read(TABLE, lambda: aws.call(operation, **{ids: [id]})[result], id)
    except AwsError as error:
        if not is_deleted(error):
            raise
        found = []
    if not found:
        raise ChangeRefused(address, f"there is no {id} in {aws.region}, in this account ({aws.account}).")
    thing: dict[str, Any] = found[0]
    return thing


def ours(aws: Aws, thing: dict[str, Any], setting: str) -> Iterator[str]:
    """That it is no thing of this very deployment: it would be taken for retired, and deleted."""
    tags = tag_map(thing.get("Tags"))
    if tags.get(TAG_DEPLOYMENT) == aws.deployment:
        yield f"it is this deployment's own {tags.get(TAG_ADDRESS, 'thing')}: leave {setting} out."
