"""RouteTable: where packets of some subnets go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.aws.adoption_view import Listed
from dify_aws.aws.create_request import OWNERSHIP_PREFIX
from dify_aws.aws.errors.error_meaning import is_deleted
from dify_aws.aws.retry_rule import RetryRule
from dify_aws.engine.resource import Actual, Input
from dify_aws.errors import AwsError
from dify_aws.resources.deletion import delete
from dify_aws.resources.ec2.ec2_resource import Ec2Resource, ours
from dify_aws.resources.observe import observe_owned
from dify_aws.resources.vpc.blockers import actions_to_explain
from dify_aws.resources.vpc.network_deletion import delete_part

TARGETS: Final = {
    "igw": "GatewayId",
    "vgw": "GatewayId",
    "nat": "NatGatewayId",
    "eni": "NetworkInterfaceId",
    "i": "InstanceId",
    "tgw": "TransitGatewayId",
    "pcx": "VpcPeeringConnectionId",
    "eigw": "EgressOnlyInternetGatewayId",
}
"""The parameter of CreateRoute for a target, by the first part of the target's id."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RouteTable(Ec2Resource):
    """A route table with its routes and the subnets that use it.

    Args:
        vpc: the VPC it is in (``vpc.id``). Fixed.
        routes: the target by destination, as in ``{"0.0.0.0/0": gateway.id}``. The local route, and those that an
            endpoint or a propagation puts in, are not counted; a route added by hand is drift.
        subnets: the subnets that use it (``subnet.id``). A subnet that used another table is moved over.
    """

    vpc: Input[str]
    routes: Mapping[str, Input[str]] = field(default_factory=dict)
    subnets: Iterable[Input[str]] = ()

    kind = "route-table"
    free = True
    fixed = frozenset({"vpc"})
    unordered = frozenset({"subnets"})
    tables = ("route-tables",)
    listed = Listed("ec2.DescribeRouteTables", "RouteTables", "route-table-id", "RouteTableId")
    retry_rules = (
        RetryRule(
            r"ec2\.CreateRoute|ec2\.ReplaceRoute",
            r"InvalidNatGatewayID\.NotFound|InvalidGatewayID\.NotFound|Gateway\.NotAttached",
            "",
            60,
            "Routes learn of a new gateway late.",
            fresh=True,
        ),
    )
    permissions = frozenset(
        {
            "ec2:AssociateRouteTable",
            "ec2:CreateRoute",
            "ec2:CreateRouteTable",
            "ec2:CreateTags",
            "ec2:DeleteRoute",
            "ec2:DeleteRouteTable",
            "ec2:DeleteTags",
            "ec2:DescribeRouteTables",
            "ec2:DisassociateRouteTable",
            "ec2:ReplaceRoute",
            "ec2:ReplaceRouteTableAssociation",
        }
    ) | actions_to_explain("ec2.DeleteRouteTable")

    @classmethod
    def owned(cls, aws: Aws) -> Iterable[Actual]:
        for table in ours(aws, "route-tables", "ec2.DescribeRouteTables", "RouteTables"):
            associations = _associations(table)
            values = {"vpc": table["VpcId"], "routes": _routes(table), "subnets": frozenset(associations)}
            facts = {
                "associations": associations,
                "main": any(each.get("Main") for each in table.get("Associations", ())),
            }
            if seen := observe_owned(cls, aws, table["RouteTableId"], table.get("Tags"), values, **facts):
                yield seen

    def create(self, aws: Aws) -> Actual | None:
        aws.create("ec2.CreateRouteTable", self.address, keep=self.keep, VpcId=self.vpc)
        return None

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        if "routes" in names:
            self._route(aws, actual.id, actual["routes"])
        if "subnets" in names:
            desired = frozenset(self.subnets)
            for subnet in sorted(desired - actual["subnets"], key=str):
                _associate(aws, actual.id, str(subnet))
            for subnet in sorted(actual["subnets"] - desired):
                _disassociate(aws, actual["associations"][subnet])

    def _route(self, aws: Aws, table: str, there: Mapping[str, str]) -> None:
        for destination, target in self.routes.items():
            if destination not in there:
                _create_route(aws, table, destination, str(target))
            elif there[destination] != target:
                aws.call("ec2.ReplaceRoute", **_route(table, destination, str(target)))
        for destination in there.keys() - self.routes.keys():
            delete(aws, "ec2.DeleteRoute", RouteTableId=table, **_destination(destination))

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        if actual["main"]:
            _release_main(aws, actual)
            return
        for association in actual["associations"].values():
            _disassociate(aws, association)
        delete_part(aws, "ec2.DeleteRouteTable", RouteTableId=actual.id)


def _release_main(aws: Aws, actual: Actual) -> None:
    """Give up a main route table that was adopted. AWS deletes it with its VPC, which may stay, and not before.

    Without our tags it is not listed as ours any more, so that the next plan does not delete it again.
    """
    for destination in actual["routes"]:
        delete(aws, "ec2.DeleteRoute", RouteTableId=actual.id, **_destination(destination))
    own = [key for key in actual.tags if key.startswith(OWNERSHIP_PREFIX)]
    delete(aws, "ec2.DeleteTags", Resources=[actual.id], Tags=[{"Key": key} for key in sorted(own)])


def _routes(table: Mapping[str, Any]) -> dict[str, str]:
    routes = {}
    for route in table.get("Routes", ()):
        destination = route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock")
        target = next((route[name] for name in dict.fromkeys(TARGETS.values()) if route.get(name)), "")
        foreign = target == "local" or target.startswith("vpce-") or route.get("Origin") == "EnableVgwRoutePropagation"
        if destination and not foreign:
            routes[destination] = target
    return routes


def _associations(table: Mapping[str, Any]) -> dict[str, str]:
    return {
        each["SubnetId"]: each["RouteTableAssociationId"]
        for each in table.get("Associations", ())
        if each.get("SubnetId") and each.get("AssociationState", {}).get("State", "associated") != "disassociated"
    }


def _destination(destination: str) -> dict[str, str]:
    return {"DestinationIpv6CidrBlock" if ":" in destination else "DestinationCidrBlock": destination}


def _route(table: str, destination: str, target: str) -> dict[str, str]:
    return {"RouteTableId": table, TARGETS[target.partition("-")[0]]: target, **_destination(destination)}


def _create_route(aws: Aws, table: str, destination: str, target: str) -> None:
    try:
        aws.call("ec2.CreateRoute", **_route(table, destination, target))
    except AwsError as error:
        # Ours, from a run whose answer was lost, or a moment ago by somebody: Replace says what we want either way.
        if error.code != "RouteAlreadyExists":
            raise
        aws.call("ec2.ReplaceRoute", **_route(table, destination, target))


def _associate(aws: Aws, table: str, subnet: str) -> None:
    using = {"Name": "association.subnet-id", "Values": [subnet]}
    while True:
        try:
            aws.call("ec2.AssociateRouteTable", RouteTableId=table, SubnetId=subnet)
            return
        except AwsError as error:
            if error.code != "Resource.AlreadyAssociated":
                raise
        for other in aws.pages("ec2.DescribeRouteTables", "RouteTables", Filters=[using]):
            if other["RouteTableId"] == table or _moved(aws, table, _associations(other)[subnet]):
                return
        # Another table has let go of it in between, so it is free now.


def _moved(aws: Aws, table: str, association: str) -> bool:
    try:
        aws.call("ec2.ReplaceRouteTableAssociation", AssociationId=association, RouteTableId=table)
    except AwsError as error:
        if not is_deleted(error):
            raise
        return False
    return True


def _disassociate(aws: Aws, association: str) -> None:
    try:
        aws.call("ec2.DisassociateRouteTable", AssociationId=association)
    except AwsError as error:
        if not is_deleted(error):
            raise
