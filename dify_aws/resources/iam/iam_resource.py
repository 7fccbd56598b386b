"""IamResource: what the kinds of IAM have in common: they are global, so their path says whose and of which region."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass

from dify_aws.aws import Aws
from dify_aws.aws.create_request import TAG_DEPLOYMENT
from dify_aws.aws.retry_rule import RetryRule
from dify_aws.engine.resource import Actual, Resource
from dify_aws.resources.named_resource import NamedResource


@dataclass(frozen=True, kw_only=True, eq=False)
class IamResource(NamedResource):
    """A kind of IAM. Its index is its path, for AWS's index of tags has no roles."""

    retry_rules = (
        RetryRule(
            r"iam\.Delete.*",
            "DeleteConflict",
            "",
            30,
            "What was just taken off a role may still count as attached to it.",
        ),
    )
    in_arn = ":iam:"
    # It is found below our path in IAM, and a path cannot be changed.
    adoptable = False

    @classmethod
    @abstractmethod
    def names_under(cls, aws: Aws) -> Iterable[str]:
        """The names of all of this kind under our path."""

    @classmethod
    def owned(cls, aws: Aws) -> Iterable[Actual]:
        for name in cls.names_under(aws):
            actual = cls.look(aws, name)
            if actual is not None and actual.address and actual.tags.get(TAG_DEPLOYMENT) == aws.deployment:
                yield actual

    @classmethod
    def foreign(cls, aws: Aws, actual: Actual, desired: Resource | None) -> str:
        """The path cannot be changed, and is in the ARN."""
        return "" if path(aws) in actual.id else super().foreign(aws, actual, desired)

    def usual_name(self, aws: Aws) -> str:
        """The name by default. IAM is global, so one deployment in two regions needs two."""
        return aws.physical_name(self.address, aws.region)


def role_arn(aws: Aws, path: str, name: str) -> str:
    """The ARN of a role. Not from an answer: of a new role, IAM tells its id there for a while, as AROA….
    https://github.com/hashicorp/terraform-provider-aws/issues/22018
    """
    return aws.arn("iam", f"role{path}{name}", region="")


def path(aws: Aws) -> str:
    """Where the things of this deployment and region are in IAM."""
    return f"/dify-aws/{aws.deployment}/{aws.region}/"
