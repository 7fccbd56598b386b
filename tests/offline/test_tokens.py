"""Client tokens: repeating a create call with the same token makes nothing new.

https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from dify_aws.offline.world import World
from tests.offline.place import Place
from tests.offline.refusals import refused

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


def _nat_gateway(place: Place, token: str, **parameters: Any) -> str:
    return place.nat_gateway(ClientToken=token, **parameters)


def _route_table(place: Place, token: str, **parameters: Any) -> str:
    answer = place.ec2.create_route_table(**{"VpcId": place.vpc, "ClientToken": token, **parameters})
    return answer["RouteTable"]["RouteTableId"]


def _endpoint(place: Place, token: str, **parameters: Any) -> str:
    service = "com.amazonaws.ap-northeast-1.s3"
    answer = place.ec2.create_vpc_endpoint(
        **{"VpcId": place.vpc, "ServiceName": service, "ClientToken": token, **parameters}
    )
    return answer["VpcEndpoint"]["VpcEndpointId"]


def _volume(place: Place, token: str, **parameters: Any) -> str:
    return place.volume(ClientToken=token, **parameters)


def _instance(place: Place, token: str, **parameters: Any) -> str:
    return place.launch(ClientToken=token, **parameters)


KINDS = {
    "instance": _instance,
    "natgateway": _nat_gateway,
    "route-table": _route_table,
    "vpc-endpoint": _endpoint,
    "volume": _volume,
}


def _same(place: Place, kind: str) -> dict[str, Any]:
    return {"AllocationId": place.address()} if kind == "natgateway" else {}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_token_gives_the_same_thing(place: Place, kind: str) -> None:
    parameters = _same(place, kind)
    assert KINDS[kind](place, "t", **parameters) == KINDS[kind](place, "t", **parameters)


@pytest.mark.parametrize("kind", KINDS)
def test_another_token_or_none_gives_another_thing(place: Place, kind: str) -> None:
    """Without one, botocore makes up a new token for each call."""
    made = {KINDS[kind](place, "t"), KINDS[kind](place, "u")}
    assert len(made) == 2


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_token_with_other_parameters_is_refused(place: Place, kind: str) -> None:
    parameters = _same(place, kind)
    KINDS[kind](place, "t", **parameters)
    tags = {"TagSpecifications": [{"ResourceType": kind, "Tags": [{"Key": "a", "Value": "b"}]}]}
    with refused("IdempotentParameterMismatch"):
        KINDS[kind](place, "t", **parameters, **tags)


def test_a_token_is_good_for_one_operation_and_region(place: Place, world: World) -> None:
    assert _volume(place, "t").startswith("vol-")
    assert _route_table(place, "t").startswith("rtb-")
    elsewhere = world.in_region("us-east-1").client("ec2")
    assert elsewhere.create_volume(AvailabilityZone="us-east-1a", Size=10, ClientToken="t")


def test_a_token_whose_call_failed_can_be_used(place: Place) -> None:
    with refused("InvalidSubnetID.NotFound"):
        _instance(place, "t", SubnetId="subnet-0123456789abcdef0")
    assert _instance(place, "t")


def test_the_token_of_a_terminated_instance_is_refused(place: Place, world: World) -> None:
    instance_id = _instance(place, "t")
    place.ec2.terminate_instances(InstanceIds=[instance_id])
    assert _instance(place, "t") == instance_id  # it is shutting down, not terminated yet
    world.clock.sleep(30)
    with refused("IdempotentInstanceTerminated"):
        _instance(place, "t")


def test_a_repeated_launch_tells_the_state_of_today(place: Place, world: World) -> None:
    _instance(place, "t")
    world.clock.sleep(16)
    answer = place.ec2.run_instances(
        ImageId=place.image,
        InstanceType="t3.medium",
        SubnetId=place.subnet,
        MinCount=1,
        MaxCount=1,
        ClientToken="t",
    )
    assert answer["Instances"][0]["State"]["Name"] == "running"


def _delete(place: Place, kind: str, thing: str) -> None:
    ec2 = place.ec2
    if kind == "natgateway":
        ec2.delete_nat_gateway(NatGatewayId=thing)
    elif kind == "route-table":
        ec2.delete_route_table(RouteTableId=thing)
    elif kind == "vpc-endpoint":
        ec2.delete_vpc_endpoints(VpcEndpointIds=[thing])
    else:
        ec2.delete_volume(VolumeId=thing)


def test_the_token_of_a_deleted_volume_is_refused(place: Place, world: World) -> None:
    """https://github.com/crossplane-contrib/provider-aws/issues/1858"""
    _delete(place, "volume", _volume(place, "t"))
    world.clock.advance(86_400)
    with refused("IdempotentParameterMismatch"):
        _volume(place, "t")
    assert place.ec2.describe_volumes()["Volumes"] == []


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("instance", "volume")])
def test_the_token_of_a_deleted_thing_gives_the_old_answer_and_makes_nothing(
    place: Place, world: World, kind: str
) -> None:
    parameters = _same(place, kind)
    thing = KINDS[kind](place, "t", **parameters)
    _delete(place, kind, thing)
    world.clock.sleep(300)
    assert KINDS[kind](place, "t", **parameters) == thing
    tables = {table["RouteTableId"] for table in place.ec2.describe_route_tables()["RouteTables"]}
    endpoints = {each["VpcEndpointId"] for each in place.ec2.describe_vpc_endpoints()["VpcEndpoints"]}
    live = [gateway for gateway in place.ec2.describe_nat_gateways()["NatGateways"] if gateway["State"] != "deleted"]
    assert thing not in tables | endpoints
    assert live == []


def test_instances_are_found_by_their_token(place: Place, ec2: EC2Client) -> None:
    instance_id = _instance(place, "mine")
    _instance(place, "another")
    found = ec2.describe_instances(Filters=[{"Name": "client-token", "Values": ["mine"]}])["Reservations"]
    assert [each["InstanceId"] for one in found for each in one["Instances"]] == [instance_id]
    assert found[0]["Instances"][0]["ClientToken"] == "mine"


def test_sixteen_threads_with_one_token_make_one_thing(place: Place) -> None:
    with ThreadPoolExecutor(16) as pool:
        made = set(pool.map(lambda _: _volume(place, "t"), range(16)))
    assert len(made) == 1
    assert len(place.ec2.describe_volumes()["Volumes"]) == 1
