"""NAT gateways: their creation takes minutes and can fail, and tags filter them."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.utils import add_tag_specification, generic_filter

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects

SECONDS_PENDING = 115
SECONDS_WITHOUT_ADDRESS = 20
SECONDS_UNTIL_FAILED = 5
SECONDS_DELETING = 60
SECONDS_DELETED_IS_LISTED = 3600

_EC2 = "moto.ec2.responses:EC2Response"
_TROUBLE = "https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html"


def find(backend: Any, nat_gateway_id: str) -> Any:
    """The NAT gateway with this id, also a deleted one while it is listed; else AWS's error."""
    gateway = backend.nat_gateways.get(nat_gateway_id)
    if gateway is None:
        raise EC2ClientError("NatGatewayNotFound", f"NatGateway {nat_gateway_id} was not found")
    return gateway


@corrects(
    _EC2,
    "create_nat_gateway",
    says="A NAT gateway is pending for about two minutes; without an internet gateway, or with an address that is in"
    " use, it is made all the same and then fails.",
    link=_TROUBLE,
)
def made_is_not_available(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    backend = response.ec2_backend
    subnet = backend.get_subnet(response._get_param("SubnetId"))
    allocation_id = response._get_param("AllocationId")
    public = response._get_param("ConnectivityType") != "private"
    if public and not allocation_id:
        raise EC2ClientError("MissingParameter", "The request must contain the parameter AllocationId")
    address = backend.address_by_allocation([allocation_id])[0] if public else None
    failure = ("", "")
    if public and not any(gateway.vpc and gateway.vpc.id == subnet.vpc_id for gateway in _internet_gateways(backend)):
        failure = "Gateway.NotAttached", f"Network {subnet.vpc_id} has no Internet gateway attached"
    elif address is not None and address.association_id:
        failure = "Resource.AlreadyAssociated", f"Elastic IP address [{allocation_id}] is already associated"
    gateway = backend.create_nat_gateway(
        subnet_id=subnet.id,
        allocation_id="" if failure[0] else allocation_id,
        tags=add_tag_specification(response._get_param("TagSpecifications", [])),
        connectivity_type="public" if public else "private",
    )
    gateway.state = "pending"
    gateway.has_its_address_at = cloud.clock.now() + SECONDS_WITHOUT_ADDRESS
    gateway._eni.interface_type = "nat_gateway"
    gateway._eni.requester_managed = True
    gateway._eni.status = "in-use"
    gateway._eni.description = f"Interface for NAT Gateway {gateway.id}"
    if failure[0]:
        gateway.address_set[0]["allocationId"] = allocation_id
        cloud.later(SECONDS_UNTIL_FAILED, functools.partial(_fails, cloud, gateway, *failure))
    else:
        cloud.later(SECONDS_PENDING, functools.partial(_is_available, gateway))
    return ActionResult({"NatGateway": gateway})


def _as_far_as_it_is(cloud: Cloud, gateway: Any) -> Any:
    """A new gateway has no address yet."""
    if gateway.state != "pending" or cloud.clock.now() >= gateway.has_its_address_at:
        return gateway
    early = copy.copy(gateway)
    early.address_set = []
    return early


def _internet_gateways(backend: Any) -> list[Any]:
    return list(backend.internet_gateways.values())


def _is_available(gateway: Any) -> None:
    if gateway.state == "pending":
        gateway.state = "available"


def _fails(cloud: Cloud, gateway: Any, code: str, message: str) -> None:
    if gateway.state == "pending":
        gateway.state, gateway.failure_code, gateway.failure_message = "failed", code, message
        _leaves(gateway)
        cloud.later(SECONDS_DELETED_IS_LISTED, functools.partial(_is_forgotten, gateway))


@corrects(
    _EC2,
    "delete_nat_gateway",
    says="A NAT gateway is deleting for about a minute, in which it keeps its address and interface; then it stays"
    " listed as deleted for about an hour.",
    link="https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-working-with.html",
)
def deleting_takes_a_while(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    gateway = find(response.ec2_backend, response._get_param("NatGatewayId"))
    if gateway.state not in ("deleting", "deleted"):
        gateway.state = "deleting"
        cloud.later(SECONDS_DELETING, functools.partial(_is_deleted, cloud, gateway))
    return ActionResult({"NatGatewayId": gateway.id})


def _is_deleted(cloud: Cloud, gateway: Any) -> None:
    gateway.state, gateway.delete_time = "deleted", utcnow()
    _leaves(gateway)
    cloud.later(SECONDS_DELETED_IS_LISTED, functools.partial(_is_forgotten, gateway))


def _leaves(gateway: Any) -> None:
    backend = gateway.ec2_backend
    for address in backend.addresses:
        if address.eni is gateway._eni:
            backend.disassociate_address(address=address.public_ip)
    backend.enis.pop(gateway._eni.id, None)


def _is_forgotten(gateway: Any) -> None:
    gateway.ec2_backend.nat_gateways.pop(gateway.id, None)
    gateway.ec2_backend.tags.pop(gateway.id, None)


@corrects(
    _EC2,
    "describe_nat_gateways",
    says="DescribeNatGateways filters by tags too, an id that does not exist is NatGatewayNotFound, and one that is"
    " pending may have no address yet.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNatGateways.html",
)
def found_by_tags(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    backend = response.ec2_backend
    for nat_gateway_id in response._get_param("NatGatewayIds", []):
        find(backend, nat_gateway_id)
    answer = original()
    answer.result["NatGateways"] = [_as_far_as_it_is(cloud, gateway) for gateway in answer.result["NatGateways"]]
    by_tags = {name: values for name, values in response._filters_from_querystring().items() if name.startswith("tag")}
    return ActionResult({"NatGateways": generic_filter(by_tags, answer.result["NatGateways"])})


CORRECTIONS = (made_is_not_available, deleting_takes_a_while, found_by_tags)
