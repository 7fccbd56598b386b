"""Dependencies: resources in use cannot be deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from moto.ec2.exceptions import DependencyViolationError, EC2ClientError

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects

_EC2 = "moto.ec2.responses:EC2Response"
_REFERENCE = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference"


_ENDED = ("deleted", "deleting", "expired", "failed", "rejected")


def _transit_attachments(backend: Any) -> Iterator[Any]:
    for attachment in list(backend.transit_gateway_attachments.values()):
        if getattr(attachment, "subnet_ids", None) and attachment.state not in _ENDED:
            yield attachment


def _groups(backend: Any) -> Iterator[Any]:
    for groups in list(backend.groups.values()):
        yield from list(groups.values())


@corrects(
    _EC2,
    "delete_security_group",
    says="A security group cannot be deleted while an interface or another group's rule uses it, or as the default.",
    link=f"{_REFERENCE}/API_DeleteSecurityGroup.html",
)
def a_used_group_stays(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    backend = response.ec2_backend
    group = backend.get_security_group_by_name_or_id(response._get_param("GroupId") or response._get_param("GroupName"))
    if group is not None:
        if group.is_default:
            raise EC2ClientError(
                "CannotDelete",
                f'the specified group: "{group.id}" name: "{group.name}" cannot be deleted by a user',
            )
        in_it = any(group in interface.group_set for interface in backend.enis.values())
        named = any(
            rule.source_group.get("GroupId") == group.id
            for other in _groups(backend)
            if other is not group
            for rule in (*other.ingress_rules, *other.egress_rules)
        )
        if in_it or named:
            raise DependencyViolationError(f"resource {group.id} has a dependent object")
    return original()


@corrects(
    _EC2,
    "delete_subnet",
    says="A subnet stays while there is an interface in it, of an instance, a NAT gateway or anything else; its route"
    " table association goes with it.",
    link=f"{_REFERENCE}/API_DeleteSubnet.html",
)
def a_used_subnet_stays(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    backend = response.ec2_backend
    subnet = backend.get_subnet(response._get_param("SubnetId"))
    in_it = any(interface.subnet.id == subnet.id for interface in backend.enis.values())
    # Each has an interface in each of its subnets, which moto does not make.
    if in_it or any(subnet.id in attachment.subnet_ids for attachment in _transit_attachments(backend)):
        raise DependencyViolationError(f"The subnet '{subnet.id}' has dependencies and cannot be deleted.")
    answer = original()
    for table in backend.route_tables.values():
        for association_id in [key for key, target in table._associations.items() if target == subnet.id]:
            del table._associations[association_id]
    return answer


@corrects(
    _EC2,
    "delete_vpc",
    says="A VPC cannot be deleted while it contains, or is attached to, anything that AWS did not create with it.",
    link="https://repost.aws/knowledge-center/troubleshoot-dependency-error-delete-vpc",
)
def a_used_vpc_stays(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    backend = response.ec2_backend
    vpc = backend.get_vpc(response._get_param("VpcId"))
    in_it = (
        *(gateway for gateway in backend.internet_gateways.values() if gateway.vpc is vpc),
        *(group for group in _groups(backend) if group.vpc_id == vpc.id and not group.is_default),
        *(endpoint for endpoint in backend.vpc_end_points.values() if endpoint.vpc_id == vpc.id),
        *(interface for interface in backend.enis.values() if interface.vpc_id == vpc.id),
        *(acl for acl in backend.network_acls.values() if acl.vpc_id == vpc.id and not acl.default),
        *(each for each in backend.egress_only_internet_gateways.values() if each.vpc_id == vpc.id),
        *(each for each in _transit_attachments(backend) if each.vpc_id == vpc.id),
        *(
            each
            for each in backend.vpc_pcxs.values()
            if vpc.id in (each.vpc.id, each.peer_vpc.id) and each._status.code not in _ENDED
        ),
    )
    if in_it:
        raise DependencyViolationError(f"The vpc '{vpc.id}' has dependencies and cannot be deleted.")
    return original()


@corrects(
    _EC2,
    "delete_route_table",
    says="A main or associated route table cannot be deleted.",
    link=f"{_REFERENCE}/API_DeleteRouteTable.html",
)
def the_main_table_stays(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    table = response.ec2_backend.get_route_table(response._get_param("RouteTableId"))
    if table.main_association_id is not None:
        raise DependencyViolationError(f"The routeTable '{table.id}' has dependencies and cannot be deleted.")
    return original()


@corrects(
    _EC2,
    "detach_internet_gateway",
    says="An internet gateway cannot be detached while something in the VPC has a public address.",
    link=f"{_REFERENCE}/API_DetachInternetGateway.html",
)
def a_needed_gateway_stays(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    backend, vpc_id = response.ec2_backend, response._get_param("VpcId")
    if any(interface.public_ip for interface in backend.enis.values() if interface.vpc_id == vpc_id):
        raise DependencyViolationError(
            f"Network {vpc_id} has some mapped public address(es)."
            " Please unmap those public address(es) before detaching the gateway."
        )
    return original()


@corrects(
    _EC2,
    "attach_internet_gateway",
    says="A VPC has one internet gateway.",
    link="https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html",
)
def one_gateway_a_vpc(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    backend = response.ec2_backend
    vpc_id, gateway_id = response._get_param("VpcId"), response._get_param("InternetGatewayId")
    for gateway in backend.internet_gateways.values():
        if gateway.vpc and gateway.vpc.id == vpc_id and gateway.id != gateway_id:
            raise EC2ClientError("InvalidParameterValue", f"Network {vpc_id} already has an internet gateway attached")
    return original()


@corrects(
    _EC2,
    "delete_network_interface",
    says="An attached interface cannot be deleted.",
    link=f"{_REFERENCE}/API_DeleteNetworkInterface.html",
)
def an_attached_interface_stays(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    interface = response.ec2_backend.get_network_interface(response._get_param("NetworkInterfaceId"))
    if interface.status == "in-use":
        raise EC2ClientError(
            "InvalidNetworkInterface.InUse", f"Network interface '{interface.id}' is currently in use."
        )
    return original()


CORRECTIONS = (
    a_used_group_stays,
    a_used_subnet_stays,
    a_used_vpc_stays,
    the_main_table_stays,
    a_needed_gateway_stays,
    one_gateway_a_vpc,
    an_attached_interface_stays,
)
