"""Visibility: EC2 is eventually consistent, so calls may not show a new resource yet."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects

_EC2: Final = "moto.ec2.responses:EC2Response"
_EVENTUAL: Final = "https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html"

CREATED_BY: Final = {
    "CreateVpc": ("vpc",),
    "CreateSubnet": ("subnet",),
    "CreateInternetGateway": ("internet-gateway",),
    "AllocateAddress": ("elastic-ip",),
    "CreateNatGateway": ("nat-gateway",),
    "CreateRouteTable": ("route-table",),
    "CreateVpcEndpoint": ("vpc-endpoint",),
    "CreateInstanceConnectEndpoint": ("instance-connect-endpoint",),
    "CreateSecurityGroup": ("security-group",),
    "ImportKeyPair": ("key-pair",),
    "RunInstances": ("instance", "volume"),
    "CreateVolume": ("volume",),
}
"""The kinds of resources that each create operation creates."""

KINDS: Final = {
    "vpc": ("vpc", "InvalidVpcID.NotFound"),
    "subnet": ("subnet", "InvalidSubnetID.NotFound"),
    "internet-gateway": ("igw", "InvalidInternetGatewayID.NotFound"),
    "elastic-ip": ("eipalloc", "InvalidAllocationID.NotFound"),
    "nat-gateway": ("nat", "NatGatewayNotFound"),
    "route-table": ("rtb", "InvalidRouteTableID.NotFound"),
    "vpc-endpoint": ("vpce", "InvalidVpcEndpointId.NotFound"),
    "instance-connect-endpoint": ("eice", "InvalidInstanceConnectEndpointId.NotFound"),
    "security-group": ("sg", "InvalidGroup.NotFound"),
    "key-pair": ("key", "InvalidKeyPair.NotFound"),
    "instance": ("i", "InvalidInstanceID.NotFound"),
    "volume": ("vol", "InvalidVolume.NotFound"),
}
"""The prefix of the ids of each kind, and the error code of EC2 for an unknown id."""

_ID_ATTRIBUTES: Final = ("id", "allocation_id", "InstanceConnectEndpointId")


@corrects(
    _EC2,
    "call_action",
    says="A call with the id of a new resource may fail with NotFound.",
    link=_EVENTUAL,
)
def not_found_yet(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    action = response._get_action()
    with cloud.lock:
        hidden = {kind: _hidden(cloud, kind) for kind in KINDS} if any(cloud.lags.values()) else {}
        mentioned = set(_texts(response._get_params())) if hidden else set()
        for kind, ids in hidden.items():
            if unseen := mentioned & ids:
                error = EC2ClientError(KINDS[kind][1], f"The {kind} ID '{min(unseen)}' does not exist")
                _, headers, body = response.serialized(ActionResult(error))
                return 400, {**headers, "status": "400"}, body
        answer = original()
        for kind in CREATED_BY.get(action, ()):
            _note_new(cloud, kind, str(answer[2]))
        return answer


@corrects(
    _EC2,
    "serialized",
    says="Describe calls do not contain a new resource yet.",
    link=_EVENTUAL,
)
def not_listed_yet(cloud: Cloud, original: Callable[[Any], Any], response: Any, action_result: Any) -> Any:
    result = action_result.result
    if isinstance(result, dict) and response._get_action().startswith("Describe"):
        hidden = {id for kind in KINDS for id in _hidden(cloud, kind)}
        if hidden:
            shown = {name: _without(value, hidden) for name, value in result.items()}
            return original(ActionResult(shown))
    return original(action_result)


def _note_new(cloud: Cloud, kind: str, body: str) -> None:
    visible_at = cloud.remember("visible at")
    for id in re.findall(rf"\b{KINDS[kind][0]}-[0-9a-f]{{17}}\b", body):
        # A reused token returns a resource that is visible already.
        visible_at.setdefault((kind, id), cloud.clock.now() + cloud.lags.get(kind, 0.0))


def _hidden(cloud: Cloud, kind: str) -> set[str]:
    """The ids of the resources of this kind that are not visible yet."""
    now = cloud.clock.now()
    return {id for (of_kind, id), moment in cloud.remember("visible at").items() if of_kind == kind and now < moment}


def _without(value: Any, hidden: set[str]) -> Any:
    """A list of the response without the resources that are not visible yet; instances are inside of reservations."""
    if not isinstance(value, list):
        return value
    shown = []
    for item in value:
        if isinstance(instances := getattr(item, "instances", None), list):
            item = copy.copy(item)
            item.instances = [each for each in instances if each.id not in hidden]
            if not item.instances:
                continue
        elif hidden & set(_ids(item)):
            continue
        shown.append(item)
    return shown


def _ids(item: Any) -> Iterator[str]:
    for name in _ID_ATTRIBUTES:
        id = item.get(name) if isinstance(item, dict) else getattr(item, name, None)
        if isinstance(id, str):
            yield id


def _texts(value: Any) -> Iterator[str]:
    """All texts in the parameters of a request, except filters: unknown ids in filters are not an error."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            if name != "Filters":
                yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


CORRECTIONS = (not_found_yet, not_listed_yet)
