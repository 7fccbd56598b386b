"""Birth: the one way to make a thing in AWS: with its ownership tags and, where AWS takes one, a client token.

Both go into the creating request itself, in whatever form that operation takes them (read from botocore's model of
it), so that there is no moment in which a thing of ours exists without saying whose it is.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from botocore.model import OperationModel, Shape, StructureShape

from dify_aws.secrets import Secret

OWNERSHIP_PREFIX: Final = "dify-aws:"
"""What the keys of our own tags begin with."""

TAG_DEPLOYMENT: Final = "dify-aws:deployment"
TAG_ADDRESS: Final = "dify-aws:address"
TAG_KEEP: Final = "dify-aws:keep"

TAGS: Final = "tags"
"""The table of the census with the tags of single things."""

NOT_IDEMPOTENT: Final = frozenset({"CreateVpc", "CreateSubnet", "CreateInternetGateway", "AllocateAddress"})
"""Creations that AWS would do twice if they were sent twice: they have neither a token nor a unique name.

botocore must not send them again by itself when the answer was lost; the engine looks first.
"""

CLIENT_TOKEN: Final = re.compile(r"[0-9a-f]{64}")
"""The form of the client tokens that :func:`create_request` sends: the hexadecimal digest of a SHA-256."""

TOKEN_ALREADY_USED: Final = frozenset({"IdempotentInstanceTerminated", "IdempotentParameterMismatch"})
"""The token was taken by a thing that is gone, or that was asked for in another way."""

TAGGED_TYPES: Final[Mapping[str, tuple[str, ...]]] = {
    "CreateVpc": ("vpc",),
    "CreateSubnet": ("subnet",),
    "CreateInternetGateway": ("internet-gateway",),
    "AllocateAddress": ("elastic-ip",),
    "CreateNatGateway": ("natgateway",),
    "CreateRouteTable": ("route-table",),
    "CreateVpcEndpoint": ("vpc-endpoint",),
    "CreateInstanceConnectEndpoint": ("instance-connect-endpoint",),
    "CreateSecurityGroup": ("security-group",),
    "ImportKeyPair": ("key-pair",),
    "RunInstances": ("instance", "volume", "network-interface"),
    "CreateVolume": ("volume",),
}
"""What a creating call of EC2 makes, in the words of its TagSpecifications."""


def create_request(
    model: OperationModel,
    params: Mapping[str, Any],
    tags: Mapping[str, str],
    *,
    turn: int,
    seed: str = "",
) -> dict[str, Any]:
    """The parameters of a creating call, with the tags and the client token in the places where it wants them.

    The token is the same in every run that asks for the same thing, so that a run that died before it read the answer
    is continued by the next one instead of being doubled. ``turn`` moves on when AWS says that the thing which an
    earlier token made is gone; ``seed`` makes the tokens of one deployment differ from those of the deployment that
    was destroyed before it. Secrets take no part: a random value differs from run to run.
    """
    request = dict(params)
    members = model.input_shape.members if model.input_shape else {}
    if "TagSpecifications" in members:
        request["TagSpecifications"] = [
            {"ResourceType": kind, "Tags": tag_list(tags)} for kind in TAGGED_TYPES[model.name]
        ]
    elif model.name == "CreateBucket":
        request["CreateBucketConfiguration"] = {**request.get("CreateBucketConfiguration", {}), "Tags": tag_list(tags)}
    else:
        name = next(each for each in ("Tags", "TagsList", "tags") if each in members)
        request[name] = tag_list(tags) if members[name].type_name == "list" else dict(tags)
    token = _token_member(members)
    if token and not any(isinstance(value, Secret) for value in params.values()):
        request[token] = _token(model.name, request, turn, seed)
    return {name: value.reveal() if isinstance(value, Secret) else value for name, value in request.items()}


def tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as most services take them."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def tag_map(tags: object) -> dict[str, str]:
    """Tags as most services give them, without those of AWS itself. Never raises.

    A tag may have no value (in Secrets Manager and CloudTrail it is optional); what has no key is no tag.

    >>> tag_map([{"Key": "Name", "Value": "dev"}, {"Key": "aws:createdBy", "Value": "x"}])
    {'Name': 'dev'}
    """
    if isinstance(tags, list):
        tags = {_text(tag.get("Key")): tag.get("Value") for tag in tags if isinstance(tag, Mapping)}
    found = {key: _text(value) for key, value in tags.items() if _text(key)} if isinstance(tags, Mapping) else {}
    return {key: value for key, value in found.items() if not key.startswith("aws:")}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _token_member(members: Mapping[str, Shape]) -> str | None:
    return next((name for name, shape in members.items() if shape.metadata.get("idempotencyToken")), None)


def _token(operation: str, request: Mapping[str, Any], turn: int, seed: str) -> str:
    # Ownership tags are part of the request, so the deployment and the address are part of the token.
    said = json.dumps([operation, request, turn, seed], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()


def new_names(answer: object, shape: Shape | None) -> set[str]:
    """Ids, ARNs and names in the answer of a creating call: what AWS may not know everywhere for some seconds.

    The account's own id is none: with it in there, a bucket that nobody ever made would be waited for.
    """
    found: set[str] = set()
    if isinstance(answer, dict) and isinstance(shape, StructureShape):
        for name, member in shape.members.items():
            value = answer.get(name)
            if isinstance(value, str) and name.endswith(("Id", "Arn", "ARN", "Name")) and name != "OwnerId":
                found.add(value)
            elif isinstance(value, dict | list):
                found |= new_names(value, member)
    elif isinstance(answer, list) and shape is not None and shape.type_name == "list":
        for item in answer:
            found |= new_names(item, shape.member)  # type: ignore[attr-defined]
    return found
