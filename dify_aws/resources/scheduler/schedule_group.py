"""ScheduleGroup: where the schedules of a deployment are in EventBridge Scheduler."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from dify_aws.aws import Aws
from dify_aws.aws.create_request import TAG_DEPLOYMENT, TAGS, tag_list
from dify_aws.aws.physical_name import physical_name
from dify_aws.aws.retry_rule import RetryRule
from dify_aws.aws.waiters import Waiter, own_model
from dify_aws.engine.resource import Actual
from dify_aws.resources.deletion import delete
from dify_aws.resources.named_resource import NamedResource
from dify_aws.resources.observe import observe

DELETED: Final = Waiter(
    "scheduler",
    "schedule_group_gone",
    300,
    3,
    "its schedules are deleted first",
    own_model("GetScheduleGroup", {"matcher": "error", "expected": "ResourceNotFoundException", "state": "success"}),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class ScheduleGroup(NamedResource):
    """A schedule group, with whatever schedules are put into it. Its id is its name, "deployment--name".

    Only groups carry tags in EventBridge Scheduler, not schedules; deleting the group deletes what is in it.
    https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-group.html
    """

    kind = "schedule-group"
    # One-time schedules: the first fourteen million invocations a month are free.
    free = True
    tables = ("schedule-groups",)
    in_arn = ":scheduler:"
    retry_rules = (
        RetryRule(
            r"scheduler\.(Create|Update)Schedule",
            "ValidationException",
            "(?i)assume the role",
            60,
            "IAM is eventually consistent, and EventBridge Scheduler tries the role before it takes the order.",
        ),
        RetryRule(
            r"scheduler\.CreateScheduleGroup",
            "ConflictException",
            "",
            120,
            "A group of the same name is still being deleted, with its schedules.",
        ),
    )
    permissions = frozenset(
        {
            "scheduler:CreateScheduleGroup",
            "scheduler:DeleteScheduleGroup",
            "scheduler:GetScheduleGroup",
            "scheduler:ListScheduleGroups",
            "scheduler:ListTagsForResource",
            "scheduler:TagResource",
        }
    )

    def named(self, aws: Aws) -> str:
        return _prefix(aws) + self.name

    @classmethod
    def owned(cls, aws: Aws) -> Iterable[Actual]:
        for name in _arns(aws):
            actual = cls.look(aws, name)
            if actual is not None and actual.address and actual.tags.get(TAG_DEPLOYMENT) == aws.deployment:
                yield actual

    @classmethod
    def look(cls, aws: Aws, name: str) -> Actual | None:
        arn = _arns(aws).get(name)
        if arn is None:
            return None
        tags = aws.read_cache.read(
            TAGS, lambda: aws.call("scheduler.ListTagsForResource", ResourceArn=arn)["Tags"], arn
        )
        return observe(cls, name, tags, arn=arn)

    def create(self, aws: Aws) -> Actual | None:
        answer = aws.create("scheduler.CreateScheduleGroup", self.address, keep=self.keep, Name=self.named(aws))
        # AWS took the tags in the same request: there is no need to ask for them.
        aws.read_cache.know(TAGS, tag_list(aws.ownership(self.address, keep=self.keep)), answer["ScheduleGroupArn"])
        return None

    def retag(self, aws: Aws, actual: Actual, tags: Mapping[str, str]) -> None:
        aws.call("scheduler.TagResource", ResourceArn=actual["arn"], Tags=tag_list(tags))

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        delete(aws, "scheduler.DeleteScheduleGroup", Name=actual.id)
        aws.wait(DELETED, Name=actual.id)


def _prefix(aws: Aws) -> str:
    # The names of a deployment begin alike, so one call lists them all.
    return physical_name(aws.deployment, "")


def _arns(aws: Aws) -> dict[str, str]:
    """The ARNs of the groups whose names begin as ours do, by name; one that is being deleted is none any more."""

    def ask() -> dict[str, str]:
        groups = aws.pages("scheduler.ListScheduleGroups", "ScheduleGroups", NamePrefix=_prefix(aws))
        return {
            group["Name"]: group.get("Arn") or aws.arn("scheduler", f"schedule-group/{group['Name']}")
            for group in groups
            if group["State"] == "ACTIVE"
        }

    return aws.read_cache.read("schedule-groups", ask)
