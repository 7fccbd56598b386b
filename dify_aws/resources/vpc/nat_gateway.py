"""NatGateway: lets a private subnet reach the internet, for a price by the hour."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from dify_aws.aws import Aws
from dify_aws.aws.adoption_view import Listed
from dify_aws.aws.waiters import Waiter
from dify_aws.engine.resource import PENDING, Actual, Input
from dify_aws.resources.deletion import delete, wait_until_deleted
from dify_aws.resources.ec2.ec2_resource import Ec2Resource, ours
from dify_aws.resources.observe import observe_owned

AVAILABLE: Final = Waiter("ec2", "nat_gateway_available", 600, 5, "about 115 s as a rule")
DELETED: Final = Waiter("ec2", "nat_gateway_deleted", 600, 5, "about 60 s as a rule")


@dataclass(frozen=True, kw_only=True, eq=False)
class NatGateway(Ec2Resource):
    """A public NAT gateway.

    Args:
        subnet: the public subnet it stands in (``subnet.id``). Fixed.
        allocation: the Elastic IP it uses (``elastic_ip.id``). Fixed.
    """

    subnet: Input[str]
    allocation: Input[str]

    kind = "nat-gateway"
    fixed = frozenset({"subnet", "allocation"})
    # Without a gateway on the VPC, AWS makes it and then lets it fail (Gateway.NotAttached).
    after = frozenset({"internet-gateway"})
    tables = ("nat-gateways",)
    listed = Listed("ec2.DescribeNatGateways", "NatGateways", "nat-gateway-id", "NatGatewayId")
    usual_seconds = MappingProxyType({"create": 115, "delete": 60})
    permissions = frozenset(
        {
            "ec2:CreateNatGateway",
            "ec2:CreateTags",
            "ec2:DeleteNatGateway",
            "ec2:DescribeNatGateways",
        }
    )

    @classmethod
    def owned(cls, aws: Aws) -> Iterable[Actual]:
        # Deleted and failed ones stay listed for about an hour; they are nobody's any more.
        for gateway in ours(aws, "nat-gateways", "ec2.DescribeNatGateways", "NatGateways"):
            if gateway["State"] not in ("pending", "available"):
                continue
            allocations = [
                each["AllocationId"] for each in gateway.get("NatGatewayAddresses", ()) if "AllocationId" in each
            ]
            id, state = gateway["NatGatewayId"], gateway["State"]
            # It gets its address while it is pending.
            allocation = allocations[0] if allocations else PENDING if state == "pending" else ""
            values = {"subnet": gateway["SubnetId"], "allocation": allocation}
            if seen := observe_owned(cls, aws, id, gateway.get("Tags"), values, state=state, vpc=gateway["VpcId"]):
                yield seen

    def create(self, aws: Aws) -> Actual | None:
        # One that a run has begun to delete has the address until it is gone; a new one would be made, and then fail.
        for gateway in ours(aws, "nat-gateways", "ec2.DescribeNatGateways", "NatGateways"):
            if gateway["State"] == "deleting":
                wait_until_deleted(aws, DELETED, NatGatewayIds=[gateway["NatGatewayId"]])
        aws.create(
            "ec2.CreateNatGateway", self.address, keep=self.keep, SubnetId=self.subnet, AllocationId=self.allocation
        )
        return None

    def ready(self, aws: Aws, actual: Actual) -> bool:
        if actual["state"] == "available":
            return False
        aws.wait(AVAILABLE, NatGatewayIds=[actual.id])
        return True

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        delete(aws, "ec2.DeleteNatGateway", NatGatewayId=actual.id)
        # Its address and its network interface stay taken until it is really gone.
        wait_until_deleted(aws, DELETED, NatGatewayIds=[actual.id])
