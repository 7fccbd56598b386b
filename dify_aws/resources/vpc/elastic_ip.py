"""ElasticIp: a public IPv4 address that stays ours, whatever it points to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dify_aws.aws import Aws
from dify_aws.aws.adoption_view import Listed
from dify_aws.aws.errors.error_meaning import is_deleted
from dify_aws.aws.retry_rule import RetryRule
from dify_aws.engine.resource import Actual, Input
from dify_aws.errors import AwsError
from dify_aws.resources.deletion import delete
from dify_aws.resources.ec2.ec2_resource import Ec2Resource, ours
from dify_aws.resources.observe import observe_owned


@dataclass(frozen=True, kw_only=True, eq=False)
class ElasticIp(Ec2Resource):
    """An Elastic IP address. ``ref("public_ip")`` is the address itself.

    Args:
        instance: the instance it points to (``instance.id``); None leaves that to others (a NAT gateway takes its own).
    """

    instance: Input[str] | None = None

    kind = "elastic-ip"
    # AWS maps an address only in a VPC that has a gateway, and lets go of the gateway only when no address is mapped.
    after = frozenset({"internet-gateway"})
    # The address of a machine that could not be deleted still leads to it. It lets go of it by itself.
    goes_after = frozenset({"instance"})
    tables = ("addresses",)
    listed = Listed("ec2.DescribeAddresses", "Addresses", "allocation-id", "AllocationId")
    retry_rules = (
        RetryRule(
            r"ec2\.AssociateAddress",
            r"Gateway\.NotAttached|InvalidInstanceID|IncorrectInstanceState",
            "(?i)gateway|pending|state",
            60,
            "The internet gateway was attached, or the instance was started, a moment ago.",
        ),
    )
    permissions = frozenset(
        {
            "ec2:AllocateAddress",
            "ec2:AssociateAddress",
            "ec2:CreateTags",
            "ec2:DescribeAddresses",
            "ec2:DisassociateAddress",
            "ec2:ReleaseAddress",
        }
    )

    @classmethod
    def owned(cls, aws: Aws) -> Iterable[Actual]:
        for address in ours(aws, "addresses", "ec2.DescribeAddresses", "Addresses"):
            seen = observe_owned(
                cls,
                aws,
                address["AllocationId"],
                address.get("Tags"),
                {"instance": address.get("InstanceId") or ""},
                public_ip=address["PublicIp"],
                association_id=address.get("AssociationId") or "",
            )
            if seen:
                yield seen

    def create(self, aws: Aws) -> Actual | None:
        answer = aws.create(
            "ec2.AllocateAddress", self.address, keep=self.keep, tagged_types=("elastic-ip",), Domain="vpc"
        )
        facts = {"public_ip": answer["PublicIp"], "association_id": ""}
        return self.made(aws, answer["AllocationId"], facts, instance="")

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        if "instance" in names:
            aws.call("ec2.AssociateAddress", AllocationId=actual.id, InstanceId=self.instance, AllowReassociation=True)

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        # Our machine has gone first, and has let go of it. Another one does not.
        if actual["instance"] and (association := _association(aws, actual.id)):
            delete(aws, "ec2.DisassociateAddress", AssociationId=association)
        delete(aws, "ec2.ReleaseAddress", AllocationId=actual.id)


def _association(aws: Aws, allocation: str) -> str:
    """The association of an address with an instance at this moment; empty if there is none."""
    try:
        (address,) = aws.call("ec2.DescribeAddresses", AllocationIds=[allocation])["Addresses"]
    except AwsError as error:
        if not is_deleted(error):
            raise
        return ""
    return str(address.get("AssociationId", "")) if address.get("InstanceId") else ""
