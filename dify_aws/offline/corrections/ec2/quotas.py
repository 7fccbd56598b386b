"""Quotas: the number of resources per region after which AWS refuses more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.ec2.exceptions import EC2ClientError

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects

_EC2 = "moto.ec2.responses:EC2Response"
_LIMITS = "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"


def _vpcs(response: Any) -> int:
    return len(response.ec2_backend.vpcs)


def _addresses(response: Any) -> int:
    return len(response.ec2_backend.addresses)


def _internet_gateways(response: Any) -> int:
    return len(response.ec2_backend.internet_gateways)


def _nat_gateways(response: Any) -> int:
    backend = response.ec2_backend
    zone = backend.get_subnet(response._get_param("SubnetId")).availability_zone
    return sum(
        gateway.state not in ("deleted", "failed") and gateway._eni.subnet.availability_zone == zone
        for gateway in backend.nat_gateways.values()
    )


_COUNTED: dict[str, tuple[str, Callable[[Any], int], str, str]] = {
    "CreateVpc": ("vpc", _vpcs, "VpcLimitExceeded", "VPCs"),
    "AllocateAddress": ("elastic-ip", _addresses, "AddressLimitExceeded", "addresses"),
    "CreateInternetGateway": (
        "internet-gateway",
        _internet_gateways,
        "InternetGatewayLimitExceeded",
        "internet gateways",
    ),
    "CreateNatGateway": ("nat-gateway", _nat_gateways, "NatGatewayLimitExceeded", "NAT gateways"),
}


@corrects(
    _EC2,
    "create_vpc",
    "allocate_address",
    "create_internet_gateway",
    "create_nat_gateway",
    says="A region allows five VPCs (the default one too), internet gateways and addresses; a zone five NAT gateways.",
    link=_LIMITS,
)
def no_more_than_allowed(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    quota, count, code, what = _COUNTED[response._get_action()]
    if count(response) >= cloud.quotas[quota]:
        raise EC2ClientError(code, f"The maximum number of {what} has been reached.")
    return original()


CORRECTIONS = (no_more_than_allowed,)
