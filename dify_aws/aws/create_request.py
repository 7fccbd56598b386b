"""CreateRequest: a creating call of AWS, with its ownership tags and, where AWS takes one, a client token.

Both go into the request itself, in whatever form that operation takes them (read from botocore's model of it), so that
nothing of ours ever exists without saying whose it is.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from botocore.model import OperationModel, Shape, StructureShape

from dify_aws.secrets import Secret

OWNERSHIP_PREFIX: Final = "dify-aws:"
"""What the keys of our own tags begin with."""

TAG_DEPLOYMENT: Final = "dify-aws:deployment"
TAG_ADDRESS: Final = "dify-aws:address"
TAG_KEEP: Final = "dify-aws:keep"

TAGS: Final = "tags"
"""The table of the read cache with the tags of single things."""

CLIENT_TOKEN: Final = re.compile(r"[0-9a-f]{64}")
"""The form of the client tokens that :func:`create_request` sends: the hexadecimal digest of a SHA-256."""

TOKEN_ALREADY_USED: Final = frozenset({"IdempotentInstanceTerminated", "IdempotentParameterMismatch"})
"""The token was taken by a thing that is gone, or that was asked for in another way."""

TOKEN_MEMBERS: Final = frozenset({"CallerReference", "IdempotencyToken", "clientToken"})
"""Members that are client tokens although botocore's model does not mark them as such."""

TOKEN_LENGTH: Final = 64
TOKEN_LENGTHS: Final[Mapping[str, int]] = {"ecs": 36}
"""Services whose tokens are shorter, and whose model does not say so."""

TAG_MEMBERS: Final = ("Tags", "TagsList", "tags", "ResourceTags")
"""Where the tags go in a creating request. TagSpecifications come last: RDS has them as well, for automated backups."""

VERBS: Final = re.compile("^(Create|Allocate|Import|Put|Register|Request|Restore|Run)")
UNIQUE: Final = re.compile("(Name|Identifier|Bucket|Url)$", re.IGNORECASE)
"""How required members end that hold a name which AWS keeps unique."""


class NotTaggable(TypeError):
    """The operation takes no tags. Call it with ``tagged=False``; the name or the parent shows whose it is."""


def create_request(
    model: OperationModel,
    params: Mapping[str, Any],
    tags: Mapping[str, str] | None,
    *,
    generation: int,
    seed: str = "",
    tagged_types: Sequence[str] = (),
) -> dict[str, Any]:
    """The parameters of a creating call, with the tags and the client token in the places where it takes them.

    Both are put in by the shape of botocore's model. The token is the same in every run that requests the same thing,
    so that a run that was killed before it read the answer is continued by the next one instead of being doubled.

    Args:
        model: the operation.
        params: of the call.
        tags: None where they are put on after the call, or cannot be.
        generation: moves on when AWS says that the thing which an earlier token made is deleted.
        seed: makes the tokens of one deployment differ from those of the deployment that was destroyed before it.
        tagged_types: what a call of EC2 makes, in the words of its TagSpecifications; by default as the operation says.

    Raises:
        NotTaggable: there are ``tags``, and the operation takes none.
    """
    request = dict(params)
    members = model.input_shape.members if model.input_shape else {}
    if tags is not None:
        _put_tags(model, members, request, tags, tagged_types)
    token = token_member(model)
    # A random value differs from run to run, so no secret takes part in a token.
    if token and token not in params and not any(isinstance(value, Secret) for value in params.values()):
        service = model.service_model.service_name
        longest = min(int(members[token].metadata.get("max", TOKEN_LENGTH)), TOKEN_LENGTHS.get(service, TOKEN_LENGTH))
        request[token] = _token(model.name, request, generation, seed)[:longest]
    return {name: value.reveal() if isinstance(value, Secret) else value for name, value in request.items()}


def token_member(model: OperationModel) -> str | None:
    """The member that takes a client token; None if the operation takes none."""
    members = model.input_shape.members if model.input_shape else {}
    marked = [name for name, shape in members.items() if shape.metadata.get("idempotencyToken")]
    return next(iter([*marked, *(name for name in members if name in TOKEN_MEMBERS)]), None)


def is_repeatable(model: OperationModel) -> bool:
    """Whether a creation that is sent twice makes one thing: by its token, or by a name that AWS keeps unique."""
    required = model.input_shape.required_members if model.input_shape else ()
    own_id = f"{VERBS.sub('', model.name)}Id"
    return token_member(model) is not None or any(UNIQUE.search(name) or name == own_id for name in required)


def _put_tags(
    model: OperationModel,
    members: Mapping[str, Shape],
    request: dict[str, Any],
    tags: Mapping[str, str],
    tagged_types: Sequence[str],
) -> None:
    if name := next((each for each in TAG_MEMBERS if each in members), None):
        request[name] = _tags_as(members[name], tags, model, request)
        return
    if "TagSpecifications" in members:
        types = tagged_types or (_tagged_type(model, members["TagSpecifications"]),)
        request["TagSpecifications"] = [{"ResourceType": each, "Tags": tag_list(tags)} for each in types]
        return
    for name, shape in members.items():
        if isinstance(shape, StructureShape) and (inner := shape.members.get("Tags")) is not None:
            request[name] = {**request.get(name, {}), "Tags": _tags_as(inner, tags, model, request)}
            return
    raise NotTaggable(f"{model.service_model.service_name}.{model.name} takes no tags: call it with tagged=False")


def _tags_as(shape: Any, tags: Mapping[str, str], model: OperationModel, request: Mapping[str, Any]) -> Any:
    """The tags in the form of a member: a map, a list, or a list inside of a structure."""
    if shape.type_name == "map":
        return dict(tags)
    if shape.type_name == "structure":
        ((name, items),) = shape.members.items()
        return {name: _tags_as(items, tags, model, request)}
    members = shape.member.members
    key, value = (next(name for name in members if name.lower() == each) for each in ("key", "value"))
    # Auto Scaling wants to know in each tag what it belongs to, and whether the instances inherit it.
    more: dict[str, Any] = {}
    if "PropagateAtLaunch" in members:
        group = request.get("AutoScalingGroupName", "")
        more = {"ResourceId": group, "ResourceType": "auto-scaling-group", "PropagateAtLaunch": False}
    return [{key: name, value: text, **more} for name, text in sorted(tags.items())]


def _tagged_type(model: OperationModel, specifications: Any) -> str:
    """The type that EC2 calls a new thing by: as in the name of the operation, singular, with hyphens or without."""
    known = specifications.member.members["ResourceType"].enum
    noun = re.sub(r"(?<!^)(?=[A-Z])", "-", VERBS.sub("", model.name)).lower()
    for each in (noun, noun.removesuffix("s"), noun.replace("-", "")):
        if each in known:
            return each
    raise NotTaggable(f"{model.name}: EC2 has no type {noun}: say tagged_types")


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


def _token(operation: str, request: Mapping[str, Any], generation: int, seed: str) -> str:
    # Ownership tags are part of the request, so the deployment and the address are part of the token.
    text = json.dumps([operation, request, generation, seed], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


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
