"""Ec2Resource: what the kinds of EC2 have in common: they are found by their tags, and tagged in one way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dify_aws.aws import Aws
from dify_aws.aws.create_request import TAG_DEPLOYMENT, tag_list
from dify_aws.aws.retry_rule import RetryRule
from dify_aws.engine.resource import Actual, Resource


@dataclass(frozen=True, kw_only=True, eq=False)
class Ec2Resource(Resource):
    """A kind of EC2. Its identity is its tags: most have no name that AWS keeps unique."""

    retry_rules = (
        RetryRule(
            r"ec2\.(Delete|Detach|Disassociate|Release).*",
            r"DependencyViolation|InvalidIPAddress\.InUse|AuthFailure|VolumeInUse|Client\.DependencyViolation",
            "",
            180,
            "Network interfaces and addresses of an instance or a NAT gateway go some seconds after it.",
        ),
    )
    eventually_consistent = True

    def retag(self, aws: Aws, actual: Actual, tags: Mapping[str, str]) -> None:
        aws.call("ec2.CreateTags", Resources=[actual.id], Tags=tag_list(tags))


def ours(aws: Aws, table: str, operation: str, result: str, **params: Any) -> list[dict[str, Any]]:
    """The items of a Describe call that carry our deployment's tag; one call a run, shared through the census."""
    tagged = {"Name": f"tag:{TAG_DEPLOYMENT}", "Values": [aws.deployment]}
    return aws.read_cache.read(table, lambda: aws.pages(operation, result, Filters=[tagged], **params))
