"""Blockers: what prevents the deletion of a part of a network, by id and kind.

AWS says only that there is a dependency (DependencyViolation). So everything that can be one is listed, and only then.
https://repost.aws/knowledge-center/troubleshoot-dependency-error-delete-vpc
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.aws.actions import action_of
from dify_aws.aws.create_request import tag_map
from dify_aws.errors import AwsError
from dify_aws.resources.vpc.blocker_listing import LISTINGS, Listing

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
