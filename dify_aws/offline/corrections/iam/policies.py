"""Policies: IAM and S3 keep the meaning of a policy, but not its order and format."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects


@corrects(
    "moto.iam.models:IAMBackend",
    "create_role",
    "update_assume_role_policy",
    "put_role_policy",
    says="The arrays of a policy come back in another order, and those of one item as that item.",
    link="https://github.com/aws-controllers-k8s/community/issues/2875",
)
def iam_keeps_the_meaning(cloud: Cloud, original: Callable[..., Any], backend: Any, *args: Any, **given: Any) -> Any:
    # One of them is the document.
    return original(*map(_kept, args), **{name: _kept(value) for name, value in given.items()})


@corrects(
    "moto.s3.models:S3Backend",
    "put_bucket_policy",
    says="The arrays of a policy come back in another order, those of one item as that item, an account as the ARN of"
    " its root user, and true as text.",
    link="https://github.com/hashicorp/terraform-provider-aws/issues/11801",
)
def s3_keeps_the_meaning(
    cloud: Cloud, original: Callable[..., Any], backend: Any, bucket_name: str, policy: bytes
) -> Any:
    kept = _kept(policy.decode())
    kept = re.sub(r'"(\d{12})"', rf'"arn:{backend.partition}:iam::\1:root"', kept)
    return original(bucket_name, re.sub(r": (true|false)", r': "\1"', kept).encode())


def statements_in(policy: str | bytes) -> list[dict[str, Any]]:
    """The statements of a stored policy: a list of one item can be the item itself."""
    return [_all_listed(statement) for statement in listed(json.loads(policy)["Statement"])]


def listed(value: Any) -> list[Any]:
    """The items of a list, which can be a single item itself."""
    return value if isinstance(value, list) else [value]


def _all_listed(statement: dict[str, Any]) -> dict[str, Any]:
    return {**statement, **{name: listed(statement[name]) for name in ("Action", "Resource") if name in statement}}


def _kept(value: Any) -> Any:
    if not isinstance(value, str) or '"Statement"' not in value:
        return value
    try:
        return json.dumps(_reordered(json.loads(value)))
    except ValueError:
        return value


def _reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _reordered(item) for key, item in reversed(value.items())}
    if isinstance(value, list):
        items = [_reordered(item) for item in reversed(value)]
        return items[0] if len(items) == 1 else items
    return value


CORRECTIONS = (iam_keeps_the_meaning, s3_keeps_the_meaning)
