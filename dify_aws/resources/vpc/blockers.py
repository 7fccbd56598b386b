"""Blockers: what is in the way when AWS refuses to delete a part of a network, by id and kind.

AWS says only that there is a dependency (DependencyViolation). So all that can be one is asked for, and only then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.aws.create_request import tag_map
from dify_aws.errors import AwsError
from dify_aws.resources.deletion import delete

MOST_LISTED: Final = 20

REFUSED: Final = frozenset({"DependencyViolation", "Client.DependencyViolation"})


@dataclass(frozen=True)
class Listing:
    """How things of one kind are listed that stand in a VPC, a subnet or a security group.

    Args:
        kind: what they are, in words.
        operation: the call that lists them, and ``result`` where in its answer.
        id: the name of their id.
        filters: by what is to be deleted ("VpcId", "SubnetId", "GroupId") the filter of the call.
        counts: whether one of them is in the way; AWS deletes some with the VPC.
    """

    kind: str
    operation: str
    result: str
    id: str
    filters: Mapping[str, str]
    counts: Callable[[Mapping[str, Any]], bool] = lambda thing: True


LISTINGS: Final = (
    Listing(
        "network interface",
        "ec2.DescribeNetworkInterfaces",
        "NetworkInterfaces",
        "NetworkInterfaceId",
        {"VpcId": "vpc-id", "SubnetId": "subnet-id", "GroupId": "group-id"},
    ),
    Listing(
        "VPC endpoint",
        "ec2.DescribeVpcEndpoints",
        "VpcEndpoints",
        "VpcEndpointId",
        {"VpcId": "vpc-id"},
        lambda endpoint: endpoint.get("State") not in ("deleting", "deleted"),
    ),
    Listing("subnet", "ec2.DescribeSubnets", "Subnets", "SubnetId", {"VpcId": "vpc-id"}),
    Listing(
        "security group",
        "ec2.DescribeSecurityGroups",
        "SecurityGroups",
        "GroupId",
        {"VpcId": "vpc-id", "GroupId": "ip-permission.group-id"},
        lambda group: group.get("GroupName") != "default",
    ),
    Listing(
        "internet gateway",
        "ec2.DescribeInternetGateways",
        "InternetGateways",
        "InternetGatewayId",
        {"VpcId": "attachment.vpc-id"},
    ),
    Listing(
        "NAT gateway",
        "ec2.DescribeNatGateways",
        "NatGateways",
        "NatGatewayId",
        {"VpcId": "vpc-id", "SubnetId": "subnet-id"},
        lambda gateway: gateway.get("State") not in ("deleted", "failed"),
    ),
    Listing(
        "route table",
        "ec2.DescribeRouteTables",
        "RouteTables",
        "RouteTableId",
        {"VpcId": "vpc-id"},
        lambda table: not any(each.get("Main") for each in table.get("Associations", ())),
    ),
)


def blockers(aws: Aws, params: Mapping[str, Any]) -> list[str]:
    """What is in the way, a line for each; and a line for what could not be looked at.

    Args:
        aws: the account and region.
        params: those of the call that was refused: the VPC, subnet or security group is in them.
    """
    asked = [
        (listing, {"Name": name, "Values": [str(params[parameter])]})
        for listing in LISTINGS
        for parameter, name in listing.filters.items()
        if parameter in params
    ]
    if not asked:
        return []
    with ThreadPoolExecutor(len(asked)) as pool:
        answers = [pool.submit(_listed, aws, listing, wanted) for listing, wanted in asked]
    lines = [line for answer in answers for line in answer.result()]
    more = len(lines) - MOST_LISTED
    return [*lines[:MOST_LISTED], *([f"and {more} more"] if more > 0 else [])]


def delete_part(aws: Aws, operation: str, **params: Any) -> None:
    """Delete a part of a network; that it is gone already is success.

    Raises:
        AwsError: AWS refuses, and where something stands in the way, the error says what.
    """
    try:
        delete(aws, operation, **params)
    except AwsError as error:
        if error.code not in REFUSED or not (found := blockers(aws, params)):
            raise
        advice = "In the way, and not this deployment's to delete:\n" + "\n".join(f"  - {line}" for line in found)
        raise AwsError(
            error.operation,
            error.code,
            error.message,
            request_id=error.request_id,
            status=error.status,
            advice=f"{advice}\nDelete or detach it where it comes from, then run again to go on from here.",
        ) from error


def _listed(aws: Aws, listing: Listing, wanted: Mapping[str, Any]) -> Iterator[str]:
    try:
        found = aws.pages(listing.operation, listing.result, Filters=[wanted])
    except AwsError as error:
        return iter([f"{listing.kind}s could not be looked at: {error.operation}: {error.code}"])
    return iter([f"{listing.kind} {thing[listing.id]}{_words(thing)}" for thing in found if listing.counts(thing)])


def _words(thing: Mapping[str, Any]) -> str:
    """Whose it may be: names, descriptions, who asked for it, and what it is attached to."""
    tags = tag_map(thing.get("Tags") or thing.get("TagSet"))
    words = [
        tags.get("Name"),
        thing.get("GroupName"),
        thing.get("ServiceName"),
        thing.get("Description"),
        f"made by {thing['RequesterId']}" if thing.get("RequesterId") else None,
        f"on {instance}" if (instance := (thing.get("Attachment") or {}).get("InstanceId")) else None,
    ]
    said = ", ".join(dict.fromkeys(str(word) for word in words if word))
    return f" ({said})" if said else ""
