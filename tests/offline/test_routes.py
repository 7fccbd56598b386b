"""Routes and gateway endpoints: where they lead, and which tables have them.

https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html
https://docs.aws.amazon.com/vpc/latest/privatelink/gateway-endpoints.html
"""

from __future__ import annotations

from typing import Any

import pytest

from dify_aws.offline.world import World
from tests.offline.place import Place
from tests.offline.refusals import refused

S3 = "com.amazonaws.ap-northeast-1.s3"


def table(place: Place) -> str:
    return place.ec2.create_route_table(VpcId=place.vpc)["RouteTable"]["RouteTableId"]


def routes(place: Place, table_id: str) -> list[Any]:
    """Those that are not the local one."""
    described = place.ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"][0]["Routes"]
    return [route for route in described if route.get("GatewayId") != "local"]


def endpoint(place: Place, *tables: str) -> str:
    answer = place.ec2.create_vpc_endpoint(VpcId=place.vpc, ServiceName=S3, RouteTableIds=list(tables))
    return answer["VpcEndpoint"]["VpcEndpointId"]


def test_a_subnet_has_one_table(place: Place) -> None:
    first, second = table(place), table(place)
    made = place.ec2.associate_route_table(RouteTableId=first, SubnetId=place.subnet)
    again = place.ec2.associate_route_table(RouteTableId=first, SubnetId=place.subnet)
    assert made["AssociationId"] == again["AssociationId"]
    with refused("Resource.AlreadyAssociated"):
        place.ec2.associate_route_table(RouteTableId=second, SubnetId=place.subnet)
    place.ec2.disassociate_route_table(AssociationId=made["AssociationId"])
    place.ec2.associate_route_table(RouteTableId=second, SubnetId=place.subnet)


def test_a_route_needs_a_nat_gateway_that_exists(place: Place, world: World) -> None:
    where = table(place)
    with refused("InvalidNatGatewayID.NotFound"):
        place.ec2.create_route(
            RouteTableId=where, DestinationCidrBlock="0.0.0.0/0", NatGatewayId="nat-0123456789abcdef0"
        )
    assert routes(place, where) == []
    nat = place.nat_gateway()
    world.clock.sleep(115)
    place.ec2.create_route(RouteTableId=where, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat)
    assert [(route["NatGatewayId"], route["State"]) for route in routes(place, where)] == [(nat, "active")]
    place.ec2.delete_nat_gateway(NatGatewayId=nat)
    assert routes(place, where)[0]["State"] == "blackhole"


def test_a_route_to_an_internet_gateway_stays_in_its_vpc(place: Place) -> None:
    where = table(place)
    stranger = place.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    with refused("InvalidParameterValue"):
        place.ec2.create_route(RouteTableId=where, DestinationCidrBlock="0.0.0.0/0", GatewayId=stranger)
    place.ec2.create_route(RouteTableId=where, DestinationCidrBlock="0.0.0.0/0", GatewayId=place.gateway)
    with refused("RouteAlreadyExists"):
        place.ec2.create_route(RouteTableId=where, DestinationCidrBlock="0.0.0.0/0", GatewayId=place.gateway)
    place.ec2.detach_internet_gateway(InternetGatewayId=place.gateway, VpcId=place.vpc)
    assert routes(place, where)[0]["State"] == "blackhole"


def test_default_endpoint_type_is_gateway(place: Place, world: World) -> None:
    made = endpoint(place)
    world.clock.advance(10)
    described = place.ec2.describe_vpc_endpoints(VpcEndpointIds=[made])["VpcEndpoints"][0]
    assert (described["VpcEndpointType"], described["State"], described["ServiceName"]) == ("Gateway", "available", S3)


def test_an_endpoint_that_is_pending_shows_no_tables(place: Place, world: World) -> None:
    table = place.ec2.create_route_table(VpcId=place.vpc)["RouteTable"]["RouteTableId"]
    service = "com.amazonaws.ap-northeast-1.s3"
    place.ec2.create_vpc_endpoint(VpcId=place.vpc, ServiceName=service, RouteTableIds=[table])
    for seconds, state, tables in ((0, "pending", []), (10, "available", [table])):
        world.clock.advance(seconds)
        (seen,) = place.ec2.describe_vpc_endpoints()["VpcEndpoints"]
        assert (seen["State"], seen["RouteTableIds"]) == (state, tables)


def test_an_endpoint_is_a_route_in_its_tables(place: Place) -> None:
    where = table(place)
    made = endpoint(place, where)
    assert [route["GatewayId"] for route in routes(place, where)] == [made]
    assert routes(place, where)[0]["DestinationPrefixListId"].startswith("pl-")


def test_the_tables_of_an_endpoint_can_be_changed(place: Place, world: World) -> None:
    first, second = table(place), table(place)
    made = endpoint(place, first)
    world.clock.advance(10)
    place.ec2.modify_vpc_endpoint(VpcEndpointId=made, AddRouteTableIds=[second], RemoveRouteTableIds=[first])
    assert routes(place, first) == []
    assert [route["GatewayId"] for route in routes(place, second)] == [made]
    described = place.ec2.describe_vpc_endpoints(VpcEndpointIds=[made])["VpcEndpoints"][0]
    assert described["RouteTableIds"] == [second]


def test_deleted_endpoint_loses_its_routes_and_disappears(place: Place, world: World) -> None:
    first, second = table(place), table(place)
    made = endpoint(place, first)
    place.ec2.modify_vpc_endpoint(VpcEndpointId=made, AddRouteTableIds=[second])
    assert place.ec2.delete_vpc_endpoints(VpcEndpointIds=[made])["Unsuccessful"] == []
    assert routes(place, first) + routes(place, second) == []
    assert str(place.ec2.describe_vpc_endpoints()["VpcEndpoints"][0]["State"]) == "deleting"
    world.clock.sleep(5)
    assert place.ec2.describe_vpc_endpoints()["VpcEndpoints"] == []
    with refused("InvalidVpcEndpointId.NotFound"):
        place.ec2.describe_vpc_endpoints(VpcEndpointIds=[made])


def test_a_table_has_one_endpoint_for_a_service(place: Place) -> None:
    where = table(place)
    made = endpoint(place, where)
    with refused("RouteAlreadyExists"):
        endpoint(place, where)
    another = endpoint(place)
    with refused("RouteAlreadyExists"):
        place.ec2.modify_vpc_endpoint(VpcEndpointId=another, AddRouteTableIds=[where])
    assert {each["VpcEndpointId"] for each in place.ec2.describe_vpc_endpoints()["VpcEndpoints"]} == {made, another}


def test_an_unknown_endpoint(place: Place) -> None:
    unknown = "vpce-0123456789abcdef0"
    described = place.ec2.delete_vpc_endpoints(VpcEndpointIds=[unknown])["Unsuccessful"]
    assert [(each["ResourceId"], each["Error"]["Code"]) for each in described] == [
        (unknown, "InvalidVpcEndpointId.NotFound")
    ]
    with refused("InvalidVpcEndpointId.NotFound"):
        place.ec2.modify_vpc_endpoint(VpcEndpointId=unknown, AddRouteTableIds=[table(place)])


@pytest.mark.parametrize("service", ["com.amazonaws.us-east-1.s3", "s3"])
def test_a_service_of_another_region_is_refused(place: Place, service: str) -> None:
    with refused("InvalidServiceName"):
        place.ec2.create_vpc_endpoint(VpcId=place.vpc, ServiceName=service)
