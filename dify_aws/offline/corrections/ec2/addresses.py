"""Addresses: an Elastic IP address in use cannot be released, and its use needs an internet gateway."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import Correction, corrects

_EC2 = "moto.ec2.responses:EC2Response"
_ASSOCIATE = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html"
_RELEASE = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReleaseAddress.html"

# Documentation addresses (RFC 5737) are not routed, so a mistake reaches no host.
_POOLS = (ipaddress.ip_network("203.0.113.0/24"), ipaddress.ip_network("198.51.100.0/24"))


def has_internet(backend: Any, vpc_id: str) -> bool:
    """Whether an internet gateway is attached to the VPC."""
    return any(gateway.vpc and gateway.vpc.id == vpc_id for gateway in backend.internet_gateways.values())


def _of_nat_gateway(backend: Any, address: Any) -> bool:
    return any(gateway._eni is address.eni for gateway in backend.nat_gateways.values()) and address.eni is not None


def _requested(response: Any) -> Any:
    backend = response.ec2_backend
    if association_id := response._get_param("AssociationId"):
        return backend.address_by_association([association_id])[0]
    if allocation_id := response._get_param("AllocationId"):
        return backend.address_by_allocation([allocation_id])[0]
    return backend.address_by_ip([response._get_param("PublicIp")])[0]


@corrects(
    _EC2,
    "associate_address",
    says="An address needs a running or stopped instance in a VPC with an internet gateway; repeating the call gives"
    " the same association; it leaves its old place by itself, unless AllowReassociation is false.",
    link=_ASSOCIATE,
)
def associated_where_it_works(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    backend, instance_id = response.ec2_backend, response._get_param("InstanceId")
    address = _requested(response)
    if instance_id:
        instance = backend.get_instance(instance_id)
        if instance.state not in ("running", "stopping", "stopped"):
            raise EC2ClientError(
                "InvalidInstanceID",
                f"The {instance.state} instance '{instance.id}' is not in a valid state for this operation.",
            )
        interface = instance.nics[0]
    else:
        interface = backend.get_network_interface(response._get_param("NetworkInterfaceId"))
    if not has_internet(backend, interface.vpc_id):
        raise EC2ClientError(
            "Gateway.NotAttached", f"Network {interface.vpc_id} is not attached to any internet gateway"
        )
    if address.eni is interface:
        return ActionResult({"AssociationId": address.association_id})
    if address.association_id:
        if _of_nat_gateway(backend, address) or response._get_param("AllowReassociation") is False:
            raise EC2ClientError(
                "Resource.AlreadyAssociated",
                f"resource {address.allocation_id} is already associated with associate-id {address.association_id}",
            )
        backend.disassociate_address(address=address.public_ip)
    for other in backend.addresses:
        if other.eni is interface:
            backend.disassociate_address(address=other.public_ip)
    answer = original()
    # moto omits the instance if the interface was given; AWS returns both.
    address.instance = interface.instance
    return answer


@corrects(
    _EC2,
    "disassociate_address",
    says="The address of a NAT gateway cannot be disassociated.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DisassociateAddress.html",
)
def a_nat_gateway_keeps_its_own(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    if _of_nat_gateway(response.ec2_backend, _requested(response)):
        raise EC2ClientError("AuthFailure", "You do not have permission to access the specified resource.")
    return original()


@corrects(_EC2, "release_address", says="An associated address cannot be released.", link=_RELEASE)
def not_released_in_use(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    address = _requested(response)
    if address.association_id:
        raise EC2ClientError("InvalidIPAddress.InUse", f"Address {address.public_ip} is in use.")
    return original()


def _from_the_pools(cloud: Cloud, original: Callable[[], str]) -> Callable[[], str]:
    hosts = (str(host) for pool in _POOLS for host in pool.hosts())
    return lambda: next(hosts, None) or original()


public_addresses = Correction(
    owner="moto.ec2.models.elastic_ip_addresses",
    attributes=("random_ip",),
    says="An Elastic IP address is public.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html",
    replace=_from_the_pools,
)

CORRECTIONS = (associated_where_it_works, a_nat_gateway_keeps_its_own, not_released_in_use, public_addresses)
