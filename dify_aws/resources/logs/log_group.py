"""LogGroup: where logs go in CloudWatch, and how long they stay."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dify_aws.aws import Aws
from dify_aws.engine.resource import Actual
from dify_aws.resources.deletion import delete
from dify_aws.resources.named_resource import NamedResource, tags_of
from dify_aws.resources.observe import observe


@dataclass(frozen=True, kw_only=True, eq=False)
class LogGroup(NamedResource):
    """A log group.

    Args:
        log_group_name: its name in CloudWatch; "/deployment/name" by default.
        retention_days: how many days events stay; one of the numbers that CloudWatch knows.
    """

    log_group_name: str | None = None
    retention_days: int = 30

    kind = "log-group"
    initial = frozenset({"log_group_name"})
    tables = ("log-groups",)
    indexed_as = "logs"
    in_arn = ":log-group:"
    permissions = frozenset(
        {
            "logs:CreateLogGroup",
            "logs:DeleteLogGroup",
            "logs:DescribeLogGroups",
            "logs:ListTagsForResource",
            "logs:PutRetentionPolicy",
            "logs:TagResource",
            "tag:GetResources",
        }
    )

    def named(self, aws: Aws) -> str:
        return self.log_group_name or f"/{aws.deployment}/{self.name}"

    @classmethod
    def look(cls, aws: Aws, name: str) -> Actual | None:
        # Those of a deployment begin alike, so one call tells all of them.
        shared = f"/{aws.deployment}/"
        prefix = shared if name.startswith(shared) else name
        groups = aws.read_cache.read(
            "log-groups",
            lambda: aws.pages("logs.DescribeLogGroups", "logGroups", logGroupNamePrefix=prefix),
            prefix,
        )
        group = next((each for each in groups if each["logGroupName"] == name), None)
        if group is None:
            return None
        arn = aws.arn("logs", f"log-group:{name}")
        tags = tags_of(aws, name, arn, lambda: aws.call("logs.ListTagsForResource", resourceArn=arn)["tags"])
        values = {"retention_days": group.get("retentionInDays")}
        return observe(cls, name, tags, values, arn=arn, protected=group.get("deletionProtectionEnabled", False))

    def create(self, aws: Aws) -> Actual | None:
        aws.create("logs.CreateLogGroup", self.address, keep=self.keep, logGroupName=self.named(aws))
        name = self.named(aws)
        facts = {"arn": aws.arn("logs", f"log-group:{name}"), "protected": False}
        return self.made(aws, name, facts, retention_days=None)

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        if "retention_days" in names:
            aws.call("logs.PutRetentionPolicy", logGroupName=actual.id, retentionInDays=self.retention_days)

    def retag(self, aws: Aws, actual: Actual, tags: Mapping[str, str]) -> None:
        aws.call("logs.TagResource", resourceArn=actual["arn"], tags=dict(tags))

    @classmethod
    def protection(cls, aws: Aws, actual: Actual) -> tuple[str, str] | None:
        # https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogGroupDeletionProtection.html
        off = "aws logs put-log-group-deletion-protection --no-deletion-protection-enabled --log-group-identifier"
        return ("deletion protection", f"{off} {actual.id}") if actual["protected"] else None

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        delete(aws, "logs.DeleteLogGroup", logGroupName=actual.id)
