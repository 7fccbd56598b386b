"""Topic: where alarms are told, and who hears of them by e-mail."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from dify_aws.aws import Aws
from dify_aws.aws.create_request import tag_list
from dify_aws.aws.errors.error_meaning import is_deleted
from dify_aws.engine.resource import Actual
from dify_aws.errors import AwsError
from dify_aws.resources.deletion import delete
from dify_aws.resources.named_resource import NamedResource, tags_of
from dify_aws.resources.observe import observe

ENDED: Final = "Deleted"
"""Stands where the ARN of a subscription was, after somebody has followed the link at the foot of a mail.
https://docs.aws.amazon.com/sns/latest/dg/sns-delete-subscription-topic.html"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Topic(NamedResource):
    """An SNS topic with its e-mail subscriptions. Its id is its ARN.

    AWS sends each new address a mail with a link, and tells it nothing until that link has been followed:
    ``ref("pending")`` are the addresses that have not done so yet.

    Args:
        topic_name: its name in SNS; "deployment--name" by default.
        emails: the addresses that are told. Subscriptions of other protocols are left alone.
    """

    topic_name: str | None = None
    emails: Iterable[str] = ()

    kind = "topic"
    # The first thousand e-mails a month are free.
    free = True
    initial = frozenset({"topic_name"})
    unordered = frozenset({"emails"})
    tables = ("topics",)
    indexed_as = "sns"
    in_arn = ":sns:"
    permissions = frozenset(
        {
            "sns:CreateTopic",
            "sns:DeleteTopic",
            "sns:ListSubscriptionsByTopic",
            "sns:ListTagsForResource",
            "sns:Subscribe",
            "sns:TagResource",
            "sns:Unsubscribe",
            "tag:GetResources",
        }
    )

    def named(self, aws: Aws) -> str:
        return self.topic_name or aws.physical_name(self.address)

    def find(self, aws: Aws) -> Actual | None:
        actual = super().find(aws)
        if actual is None:
            return None
        # A subscription that was never confirmed cannot be taken back: AWS drops it after some days.
        unwished = frozenset(actual["pending"]) - frozenset(self.emails)
        return replace(actual, values={"emails": actual["emails"] - unwished})

    @classmethod
    def name_of(cls, actual: Actual) -> str:
        return cls.name_in(actual.id)

    @classmethod
    def look(cls, aws: Aws, name: str) -> Actual | None:
        arn = aws.arn("sns", name)

        def ask() -> list[dict[str, str]] | None:
            try:
                return aws.pages("sns.ListSubscriptionsByTopic", "Subscriptions", TopicArn=arn)
            except AwsError as error:
                if not is_deleted(error):
                    raise
                return None

        subscriptions = aws.read_cache.read("topics", ask, name)
        if subscriptions is None:
            return None
        by_mail = {
            each["Endpoint"]: each["SubscriptionArn"]
            for each in subscriptions
            # A subscription that was ended is listed for a while; nothing is sent to it.
            if each["Protocol"] == "email" and each["SubscriptionArn"] != ENDED
        }
        confirmed = {address: its_arn for address, its_arn in by_mail.items() if its_arn.startswith("arn:")}
        tags = tags_of(aws, name, arn, lambda: aws.call("sns.ListTagsForResource", ResourceArn=arn)["Tags"])
        return observe(
            cls,
            arn,
            tags,
            {"emails": frozenset(by_mail)},
            confirmed=confirmed,
            pending=tuple(sorted(by_mail.keys() - confirmed.keys())),
        )

    def create(self, aws: Aws) -> Actual | None:
        answer = aws.create("sns.CreateTopic", self.address, keep=self.keep, Name=self.named(aws))
        return self.made(
            aws,
            answer.get("TopicArn") or aws.arn("sns", self.named(aws)),
            {"confirmed": {}, "pending": ()},
            emails=frozenset(),
        )

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        if "emails" in names:
            for address in sorted(frozenset(self.emails) - actual["emails"]):
                aws.call("sns.Subscribe", TopicArn=actual.id, Protocol="email", Endpoint=address)
            for address in sorted(actual["confirmed"].keys() - frozenset(self.emails)):
                delete(aws, "sns.Unsubscribe", SubscriptionArn=actual["confirmed"][address])

    def retag(self, aws: Aws, actual: Actual, tags: Mapping[str, str]) -> None:
        aws.call("sns.TagResource", ResourceArn=actual.id, Tags=tag_list(tags))

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        # Its subscriptions go with it.
        delete(aws, "sns.DeleteTopic", TopicArn=actual.id)
