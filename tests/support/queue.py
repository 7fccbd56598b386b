"""Queue: a kind of resource that dify_aws does not have, written as whoever adds one writes it.

It shows what a new kind costs: this file, with the case that the contract holds it against, and one line in
tests/functional/cases.py (with the line that counts queues in tests/support/inventory.py). No table of the library
knows it: it is looked for, retried, kept, deleted and recognised as somebody else's by what it says of itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dify_aws import Actual, Aws, AwsError
from dify_aws.aws.errors.error_meaning import is_not_found
from dify_aws.aws.retry_rule import RetryRule
from dify_aws.resources.deletion import delete
from dify_aws.resources.named_resource import NamedResource, tags_of
from dify_aws.resources.observe import observe
from tests.support.case import Case, Hand

SECONDS: Final = "VisibilityTimeout"


@dataclass(frozen=True, kw_only=True, eq=False)
class Queue(NamedResource):
    """A queue of SQS. Its id is its URL.

    Args:
        visibility_seconds: for how long a message that was received is hidden from others.
    """

    visibility_seconds: int = 30

    kind = "queue"
    tables = ("queues",)
    indexed_as = "sqs"
    in_arn = ":sqs:"
    retry_rules = (
        RetryRule(
            r"sqs\.CreateQueue",
            r"(AWS\.SimpleQueueService\.)?QueueDeletedRecently",
            "",
            90,
            "A queue of this name was deleted less than 60 seconds ago. "
            "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CreateQueue.html",
        ),
    )
    permissions = frozenset(
        {
            "sqs:CreateQueue",
            "sqs:DeleteQueue",
            "sqs:GetQueueAttributes",
            "sqs:GetQueueUrl",
            "sqs:ListQueueTags",
            "sqs:SetQueueAttributes",
            "sqs:TagQueue",
            "tag:GetResources",
        }
    )

    def named(self, aws: Aws) -> str:
        return aws.physical_name(self.address)

    @classmethod
    def name_of(cls, actual: Actual) -> str:
        return actual.id.rpartition("/")[2]

    @classmethod
    def look(cls, aws: Aws, name: str) -> Actual | None:
        seen = aws.read_cache.read("queues", lambda: _seen(aws, name), name)
        if seen is None:
            return None
        url, attributes = seen
        tags = tags_of(
            aws, name, attributes["QueueArn"], lambda: aws.call("sqs.ListQueueTags", QueueUrl=url).get("Tags", {})
        )
        return observe(cls, url, tags, {"visibility_seconds": int(attributes[SECONDS])}, arn=attributes["QueueArn"])

    def create(self, aws: Aws) -> Actual | None:
        wanted = {SECONDS: str(self.visibility_seconds)}
        aws.create("sqs.CreateQueue", self.address, keep=self.keep, QueueName=self.named(aws), Attributes=wanted)
        return None

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        if "visibility_seconds" in names:
            wanted = {SECONDS: str(self.visibility_seconds)}
            aws.call("sqs.SetQueueAttributes", QueueUrl=actual.id, Attributes=wanted)

    def retag(self, aws: Aws, actual: Actual, tags: Mapping[str, str]) -> None:
        aws.call("sqs.TagQueue", QueueUrl=actual.id, Tags=dict(tags))

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        delete(aws, "sqs.DeleteQueue", QueueUrl=actual.id)


def _seen(aws: Aws, name: str) -> tuple[str, dict[str, str]] | None:
    try:
        url = aws.call("sqs.GetQueueUrl", QueueName=name)["QueueUrl"]
        return url, aws.call("sqs.GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])["Attributes"]
    except AwsError as error:
        if not is_not_found(error):
            raise
        return None


def _slow_down(hand: Hand, found: Mapping[str, Actual], actual: Actual) -> None:
    hand.client("sqs").set_queue_attributes(QueueUrl=actual.id, Attributes={SECONDS: "120"})


QUEUE: Final = {
    "queue": Case(
        stack=lambda: [Queue(name="jobs", visibility_seconds=60)],
        tag=lambda hand, actual, key, value: hand.client("sqs").tag_queue(QueueUrl=actual.id, Tags={key: value}),
        untag=lambda hand, actual, keys: hand.client("sqs").untag_queue(QueueUrl=actual.id, TagKeys=list(keys)),
        remove=lambda hand, found, actual: hand.client("sqs").delete_queue(QueueUrl=actual.id),
        drift={"visibility_seconds": _slow_down},
    )
}
