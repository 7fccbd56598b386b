"""Blockers: what prevents the deletion of a part of a network, by id and kind.

AWS says only that there is a dependency (DependencyViolation). So everything that can be one is listed, and only then.
https://repost.aws/knowledge-center/troubleshoot-dependency-error-delete-vpc
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.aws.actions import action_of
from dify_aws.aws.create_request import tag_map
from dify_aws.errors import AwsError

MOST_LISTED: Final = 20

IDENTIFIED_BY: Final[Mapping[str, str]] = {
    "ec2.DeleteVpc": "VpcId",
    "ec2.DeleteSubnet": "SubnetId",
    "ec2.DeleteSecurityGroup": "GroupId",
    "ec2.DeleteRouteTable": "RouteTableId",
    "ec2.DeleteInternetGateway": "InternetGatewayId",
    "ec2.DetachInternetGateway": "VpcId",
}
"""The calls that AWS refuses because of a dependency, and their parameter with the id that others depend on."""

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


def actions_to_explain(*operations: str) -> frozenset[str]:
    """The IAM actions that explaining a refusal of these calls needs."""
    return frozenset(action_of(each.operation) for each in LISTINGS if not each.filters.keys().isdisjoint(operations))


def blockers(aws: Aws, operation: str, params: Mapping[str, Any]) -> list[str]:
    """What prevents a deletion, a line for each; and a line for what could not be listed.

    Args:
        aws: the account and region.
        operation: the call that was refused, as in ``ec2.DeleteVpc``.
        params: those of the call.

    Returns:
        At most ``MOST_LISTED`` lines, and one that says how many more there are.
    """
    id = str(params[IDENTIFIED_BY[operation]])
    with ThreadPoolExecutor(len(LISTINGS)) as pool:
        answers = [pool.submit(_listed, aws, each, operation, id) for each in LISTINGS if operation in each.filters]
    lines = list(dict.fromkeys(line for answer in answers for line in answer.result()))
    more = len(lines) - MOST_LISTED
    return [*lines[:MOST_LISTED], *([f"and {more} more"] if more > 0 else [])]


def _listed(aws: Aws, listing: Listing, operation: str, id: str) -> list[str]:
    filters = [{"Filters": [{"Name": name, "Values": [id]}]} for name in listing.filters[operation]] or [{}]
    try:
        items = [item for each in filters for item in aws.pages(listing.operation, listing.result, **each)]
    except AwsError as error:
        return [f"{listing.kind}s could not be listed: {error.operation}: {error.code}"]
    things = [thing for item in items for thing in (item.get(listing.within, ()) if listing.within else [item])]
    return [f"{listing.kind} {thing[listing.id]}{_description(thing)}" for thing in things if listing.blocks(thing, id)]


def _description(thing: Mapping[str, Any]) -> str:
    """Whose it may be: names, descriptions, who requested it, and what it is attached to."""

    def parts() -> Iterator[object]:
        yield tag_map(thing.get("Tags") or thing.get("TagSet")).get("Name")
        yield from (thing.get(name) for name in ("GroupName", "ServiceName", "Description"))
        if requester := thing.get("RequesterId"):
            yield f"made by {requester}"
        if instance := (thing.get("Attachment") or {}).get("InstanceId"):
            yield f"on {instance}"
        if address := (thing.get("Association") or {}).get("PublicIp"):
            yield address
        if "RouteTableAssociationId" in thing:
            yield "main route table" if thing.get("Main") else thing.get("SubnetId") or thing.get("GatewayId")
        if gateway := thing.get("TransitGatewayId"):
            yield f"to {gateway}"
        yield from (
            f"with {end.get('VpcId')} of account {end.get('OwnerId')}"
            for end in (thing.get("RequesterVpcInfo"), thing.get("AccepterVpcInfo"))
            if end
        )

    texts = ", ".join(dict.fromkeys(str(part) for part in parts() if part))
    return f" ({texts})" if texts else ""
