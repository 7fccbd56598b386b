"""Routes: a subnet has one route table, and the target of a route must exist."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ec2.exceptions import EC2ClientError

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import Correction, corrects

_EC2 = "moto.ec2.responses:EC2Response"
_TABLES = "https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html"
_DELETED = ("deleting", "deleted", "failed")


@corrects(_EC2, "associate_route_table", says="A subnet is associated with only one route table.", link=_TABLES)
def one_table_a_subnet(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    backend, subnet_id = response.ec2_backend, response._get_param("SubnetId")
    wanted = backend.get_route_table(response._get_param("RouteTableId"))
    if subnet_id:
        for table in backend.route_tables.values():
            if table is not wanted and subnet_id in table._associations.values():
                raise EC2ClientError(
                    "Resource.AlreadyAssociated",
                    f"the specified association for route table {wanted.id} conflicts with an existing association",
                )
    return original()


@corrects(
    _EC2,
    "create_route",
    "replace_route",
    says="The target of a route must be an existing NAT gateway, or an internet gateway of its own VPC.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html",
)
def a_route_leads_somewhere(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    backend = response.ec2_backend
    table = backend.get_route_table(response._get_param("RouteTableId"))
    if nat_gateway_id := response._get_param("NatGatewayId"):
        nat_gateway = backend.nat_gateways.get(nat_gateway_id)
        if nat_gateway is None or nat_gateway.state in _DELETED:
            raise EC2ClientError("InvalidNatGatewayID.NotFound", f"The natGateway ID '{nat_gateway_id}' does not exist")
    gateway_id = response._get_param("GatewayId") or ""
    if gateway_id.startswith("igw-"):
        gateway = backend.get_internet_gateway(gateway_id)
        if gateway.vpc is None or gateway.vpc.id != table.vpc_id:
            raise EC2ClientError(
                "InvalidParameterValue",
                f"route table {table.id} and network gateway {gateway_id} belong to different networks",
            )
    return original()


def _blackhole(cloud: Cloud, original: property) -> property:
    def state(route: Any) -> str:
        nat_is_deleted = route.nat_gateway is not None and route.nat_gateway.state in _DELETED
        # Only an internet gateway has a `vpc`; other gateways are not checked.
        gateway_is_deleted = route.gateway is not None and getattr(route.gateway, "vpc", route) is None
        return "blackhole" if nat_is_deleted or gateway_is_deleted else "active"

    return property(state)


route_state = Correction(
    owner="moto.ec2.models.route_tables:Route",
    attributes=("state",),
    says="A route with a deleted target is a blackhole.",
    link=_TABLES,
    replace=_blackhole,
)

CORRECTIONS = (one_table_a_subnet, a_route_leads_somewhere, route_state)
