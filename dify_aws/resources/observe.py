"""Observing: a thing of AWS with our tags on it, as the engine needs to know it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dify_aws.aws import Aws
from dify_aws.aws.create_request import TAG_ADDRESS, TAG_DEPLOYMENT, TAG_KEEP, tag_map
from dify_aws.engine.resource import Actual, Resource


def observe_owned(
    kind: type[Resource],
    aws: Aws,
    id: str,
    tags: object,
    values: Mapping[str, Any] | None = None,
    **facts: Any,
) -> Actual | None:
    """The thing, if its tags say that it is of this kind and deployment; else None.

    The kind counts because one call can make things of two kinds: the root volume of an instance carries the address
    of the instance.
    """
    seen = observe(kind, id, tags, values, **facts)
    return seen if seen.address and seen.tags.get(TAG_DEPLOYMENT) == aws.deployment else None


def observe(
    kind: type[Resource], id: str, tags: object, values: Mapping[str, Any] | None = None, **facts: Any
) -> Actual:
    """The thing, whoever owns it; its address is empty unless its tags name one of this kind.

    Raises:
        TypeError: AWS's answer has something else than a text as its id.
    """
    if not isinstance(id, str):
        raise TypeError(f"the id is a {type(id).__name__}")
    found = tag_map(tags)
    address = found.get(TAG_ADDRESS, "")
    return Actual(
        address=address if address.partition("/")[0] == kind.kind else "",
        id=id,
        values=values or {},
        facts=facts,
        tags=found,
        # A value that cannot be read gives nothing up.
        keep=kind.keep or found.get(TAG_KEEP, "false") != "false",
    )
