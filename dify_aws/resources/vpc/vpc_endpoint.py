"""VpcEndpoint: a way from a VPC to a service of AWS that does not go through the internet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from dify_aws.aws import Aws
from dify_aws.aws.adoption_view import Listed
from dify_aws.aws.waiters import Waiter, own_model
from dify_aws.engine.resource import PENDING, Actual, Input
from dify_aws.errors import AwsError
from dify_aws.resources.deletion import wait_until_deleted
from dify_aws.resources.ec2.ec2_resource import Ec2Resource, ours
from dify_aws.resources.observe import observe_owned

STATES: Final = "VpcEndpoints[].State"

AVAILABLE: Final = Waiter(
    "ec2",
    "vpc_endpoint_available",
    300,
    3,
    "a few seconds for a gateway endpoint",
    own_model(
        "DescribeVpcEndpoints",
        {"matcher": "pathAll", "expected": "available", "argument": STATES, "state": "success"},
        *(
            {"matcher": "pathAny", "expected": state, "argument": STATES, "state": "failure"}
            for state in ("failed", "rejected", "deleting", "deleted")
        ),
    ),
)
DELETED: Final = Waiter(
    "ec2",
    "vpc_endpoint_gone",
    300,
    3,
    "its routes are taken out of the tables first",
    own_model(
        "DescribeVpcEndpoints",
        {"matcher": "error", "expected": "InvalidVpcEndpointId.NotFound", "state": "success"},
        {"matcher": "path", "expected": True, "argument": "length(VpcEndpoints[]) == `0`", "state": "success"},
        {"matcher": "pathAll", "expected": "deleted", "argument": STATES, "state": "success"},
        {"matcher": "pathAny", "expected": "failed", "argument": STATES, "state": "failure"},
    ),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class VpcEndpoint(Ec2Resource):
    """A gateway endpoint: free, and there are two of them, ``s3`` and ``dynamodb``.

    Args:
        vpc: the VPC it is in (``vpc.id``). Fixed.
        service: "s3" or "dynamodb". Fixed.
        route_tables: the tables that get the route to it (``table.id``).
    """

    vpc: Input[str]
    service: str
    route_tables: Iterable[Input[str]] = ()

    kind = "vpc-endpoint"
    # Gateway endpoints are; the other sort costs by the hour, and there is none here.
    free = True
    fixed = frozenset({"vpc", "service"})
    unordered = frozenset({"route_tables"})
    tables = ("vpc-endpoints",)
    listed = Listed("ec2.DescribeVpcEndpoints", "VpcEndpoints", "vpc-endpoint-id", "VpcEndpointId")
    permissions = frozenset(
        {
            "ec2:CreateTags",
            "ec2:CreateVpcEndpoint",
            "ec2:DeleteVpcEndpoints",
            "ec2:DescribeVpcEndpoints",
            "ec2:ModifyVpcEndpoint",
        }
    )

    @classmethod
    def owned(cls, aws: Aws) -> Iterable[Actual]:
        for endpoint in ours(aws, "vpc-endpoints", "ec2.DescribeVpcEndpoints", "VpcEndpoints"):
            if endpoint["State"].lower() in ("deleting", "deleted", "failed", "rejected"):
                continue
            tables, state = frozenset(endpoint.get("RouteTableIds", ())), endpoint["State"].lower()
            values = {
                "vpc": endpoint["VpcId"],
                "service": endpoint["ServiceName"].rpartition(".")[2],
                # A table that is added twice is refused (RouteAlreadyExists), so an early look is no reason to add one.
                "route_tables": tables or (PENDING if state == "pending" else tables),
            }
            if seen := observe_owned(cls, aws, endpoint["VpcEndpointId"], endpoint.get("Tags"), values, state=state):
                yield seen

    def create(self, aws: Aws) -> Actual | None:
        aws.create(
            "ec2.CreateVpcEndpoint",
            self.address,
            keep=self.keep,
            VpcEndpointType="Gateway",
            VpcId=self.vpc,
            ServiceName=f"com.amazonaws.{aws.region}.{self.service}",
            RouteTableIds=sorted(str(table) for table in self.route_tables),
        )
        return None

    def ready(self, aws: Aws, actual: Actual) -> bool:
        if actual["state"] != "pending":
            return False
        aws.wait(AVAILABLE, VpcEndpointIds=[actual.id])
        return True

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        if "route_tables" in names:
            desired = frozenset(self.route_tables)
            changed = {
                "AddRouteTableIds": sorted(str(table) for table in desired - actual["route_tables"]),
                "RemoveRouteTableIds": sorted(actual["route_tables"] - desired),
            }
            parameters = {name: tables for name, tables in changed.items() if tables}
            aws.call("ec2.ModifyVpcEndpoint", VpcEndpointId=actual.id, **parameters)

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        answer = aws.call("ec2.DeleteVpcEndpoints", VpcEndpointIds=[actual.id])
        for failed in answer.get("Unsuccessful", ()):
            error = failed["Error"]
            if not error["Code"].endswith("NotFound"):
                raise AwsError("ec2.DeleteVpcEndpoints", error["Code"], error.get("Message", ""))
        # The route tables cannot go while its routes are in them.
        wait_until_deleted(aws, DELETED, VpcEndpointIds=[actual.id])
