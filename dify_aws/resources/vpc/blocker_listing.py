"""Listing: how the things of one kind that can prevent the deletion of a part of a network are listed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

ENDED: Final = frozenset({"deleted", "deleting", "detached", "detaching", "expired", "failed", "rejected"})
"""States in which something blocks nothing any more."""


@dataclass(frozen=True)
class Listing:
    """How one kind of blocker is listed.

    Args:
        kind: what it is, in words.
        operation: the call that lists them.
        result: where they are in its answer.
        id: the member with the id of one.
        filters: for each refused call, the filters to list with, one call for each; none: all are listed.
        within: the member of a listed item that has the blockers, where they are not the items themselves.
        blocks: whether one of them is in the way of the thing with this id; AWS deletes some together with the VPC.
    """

    kind: str
    operation: str
    result: str
    id: str
    filters: Mapping[str, tuple[str, ...]]
    within: str = ""
    blocks: Callable[[Mapping[str, Any], str], bool] = lambda thing, id: True


def _state(thing: Mapping[str, Any]) -> str:
    status = thing.get("Status")
    return str(status.get("Code") if isinstance(status, Mapping) else thing.get("State", ""))


def _is_peer(connection: Mapping[str, Any], vpc: str) -> bool:
    ends = [connection.get(f"{end}VpcInfo", {}).get("VpcId") for end in ("Requester", "Accepter")]
    return vpc in ends and _state(connection) not in ENDED


def _is_attached(gateway: Mapping[str, Any], vpc: str) -> bool:
    attachments = gateway.get("Attachments") or gateway.get("VpcAttachments") or ()
    return any(each.get("VpcId") == vpc and _state(each) not in ENDED for each in attachments)


def _is_other_group(group: Mapping[str, Any], id: str) -> bool:
    # AWS deletes the default group with the VPC; but a rule of it blocks the group that the rule names.
    return group["GroupId"] != id if id.startswith("sg-") else group.get("GroupName") != "default"


LISTINGS: Final = (
    Listing(
        "network interface",
        "ec2.DescribeNetworkInterfaces",
        "NetworkInterfaces",
        "NetworkInterfaceId",
        {
            "ec2.DeleteVpc": ("vpc-id",),
            "ec2.DeleteSubnet": ("subnet-id",),
            "ec2.DeleteSecurityGroup": ("group-id",),
        },
    ),
    Listing(
        "network interface with a public address",
        "ec2.DescribeNetworkInterfaces",
        "NetworkInterfaces",
        "NetworkInterfaceId",
        {"ec2.DetachInternetGateway": ("vpc-id",)},
        blocks=lambda interface, _: bool((interface.get("Association") or {}).get("PublicIp")),
    ),
    Listing(
        "VPC endpoint",
        "ec2.DescribeVpcEndpoints",
        "VpcEndpoints",
        "VpcEndpointId",
        {"ec2.DeleteVpc": ("vpc-id",)},
        blocks=lambda endpoint, _: _state(endpoint) not in ENDED,
    ),
    Listing("subnet", "ec2.DescribeSubnets", "Subnets", "SubnetId", {"ec2.DeleteVpc": ("vpc-id",)}),
    Listing(
        "security group",
        "ec2.DescribeSecurityGroups",
        "SecurityGroups",
        "GroupId",
        {
            "ec2.DeleteVpc": ("vpc-id",),
            "ec2.DeleteSecurityGroup": ("ip-permission.group-id", "egress.ip-permission.group-id"),
        },
        blocks=_is_other_group,
    ),
    Listing(
        "internet gateway",
        "ec2.DescribeInternetGateways",
        "InternetGateways",
        "InternetGatewayId",
        {"ec2.DeleteVpc": ("attachment.vpc-id",)},
    ),
    Listing(
        "attachment to VPC",
        "ec2.DescribeInternetGateways",
        "InternetGateways",
        "VpcId",
        {"ec2.DeleteInternetGateway": ("internet-gateway-id",)},
        within="Attachments",
        blocks=lambda attachment, _: _state(attachment) not in ENDED,
    ),
    Listing(
        "NAT gateway",
        "ec2.DescribeNatGateways",
        "NatGateways",
        "NatGatewayId",
        {"ec2.DeleteVpc": ("vpc-id",), "ec2.DeleteSubnet": ("subnet-id",)},
        # One that is being deleted has its interface until the end.
        blocks=lambda gateway, _: _state(gateway) not in ("deleted", "failed"),
    ),
    Listing(
        "route table",
        "ec2.DescribeRouteTables",
        "RouteTables",
        "RouteTableId",
        {"ec2.DeleteVpc": ("vpc-id",)},
        blocks=lambda table, _: not any(each.get("Main") for each in table.get("Associations", ())),
    ),
    Listing(
        "association",
        "ec2.DescribeRouteTables",
        "RouteTables",
        "RouteTableAssociationId",
        {"ec2.DeleteRouteTable": ("route-table-id",)},
        within="Associations",
    ),
    Listing(
        "network ACL",
        "ec2.DescribeNetworkAcls",
        "NetworkAcls",
        "NetworkAclId",
        {"ec2.DeleteVpc": ("vpc-id",)},
        blocks=lambda acl, _: not acl.get("IsDefault"),
    ),
    Listing(
        "VPC peering connection",
        "ec2.DescribeVpcPeeringConnections",
        "VpcPeeringConnections",
        "VpcPeeringConnectionId",
        {"ec2.DeleteVpc": ()},
        blocks=_is_peer,
    ),
    Listing(
        "virtual private gateway",
        "ec2.DescribeVpnGateways",
        "VpnGateways",
        "VpnGatewayId",
        {"ec2.DeleteVpc": ("attachment.vpc-id",)},
        blocks=_is_attached,
    ),
    Listing(
        "egress-only internet gateway",
        "ec2.DescribeEgressOnlyInternetGateways",
        "EgressOnlyInternetGateways",
        "EgressOnlyInternetGatewayId",
        {"ec2.DeleteVpc": ()},
        blocks=_is_attached,
    ),
    Listing(
        "transit gateway attachment",
        "ec2.DescribeTransitGatewayVpcAttachments",
        "TransitGatewayVpcAttachments",
        "TransitGatewayAttachmentId",
        {"ec2.DeleteVpc": ("vpc-id",), "ec2.DeleteSubnet": ()},
        blocks=lambda attachment, id: (
            id in (attachment.get("VpcId"), *attachment.get("SubnetIds", ())) and _state(attachment) not in ENDED
        ),
    ),
)
