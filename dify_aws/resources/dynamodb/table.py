"""Table: a DynamoDB table with one text as its key, paid by the request: where locks are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.aws.create_request import tag_list
from dify_aws.aws.errors.error_meaning import is_deleted
from dify_aws.aws.retry_rule import RetryRule
from dify_aws.aws.waiters import Waiter
from dify_aws.engine.resource import Actual
from dify_aws.errors import AwsError
from dify_aws.resources.deletion import delete
from dify_aws.resources.named_resource import NamedResource, tags_of
from dify_aws.resources.observe import observe

EXISTS: Final = Waiter("dynamodb", "table_exists", 300, 2, "about 10 s as a rule")
DELETED: Final = Waiter("dynamodb", "table_not_exists", 300, 2, "a few seconds")


@dataclass(frozen=True, kw_only=True, eq=False)
class Table(NamedResource):
    """A DynamoDB table. Its id is its name. It has no capacity to plan and costs nothing while nobody asks.
    It holds data, so it is kept unless the data is given up by name.

    Args:
        table_name: its name in DynamoDB; "deployment--name" by default.
        key: the attribute that identifies an item, a text.
    """

    table_name: str | None = None
    key: str = "id"
    keep: bool = True

    kind = "table"
    # On demand: a lock is three requests, and a million cost about a dollar.
    free = True
    initial = frozenset({"table_name"})
    fixed = frozenset({"key"})
    tables = ("dynamodb-tables",)
    indexed_as = "dynamodb"
    in_arn = ":table/"
    retry_rules = (
        RetryRule(
            r"dynamodb\.CreateTable",
            "ResourceInUseException",
            "(?i)being deleted",
            120,
            "A table of the same name is still being deleted.",
        ),
        RetryRule(
            r"dynamodb\.DeleteTable",
            "ResourceInUseException",
            "",
            120,
            "A table cannot be deleted while it is being made or changed.",
        ),
    )
    usual_seconds = MappingProxyType({"create": 10})
    permissions = frozenset(
        {
            "dynamodb:CreateTable",
            "dynamodb:DeleteTable",
            "dynamodb:DescribeTable",
            "dynamodb:ListTagsOfResource",
            "dynamodb:TagResource",
            "tag:GetResources",
        }
    )

    def named(self, aws: Aws) -> str:
        return self.table_name or aws.physical_name(self.address)

    @classmethod
    def name_in(cls, arn: str) -> str:
        return arn.rpartition("/")[2]

    @classmethod
    def look(cls, aws: Aws, name: str) -> Actual | None:
        described = aws.read_cache.read("dynamodb-tables", lambda: _described(aws, name), name)
        if described is None or described["TableStatus"] == "DELETING":
            return None
        arn = described.get("TableArn") or aws.arn("dynamodb", f"table/{name}")
        tags = tags_of(aws, name, arn, lambda: aws.pages("dynamodb.ListTagsOfResource", "Tags", ResourceArn=arn))
        facts = {"status": described["TableStatus"], "protected": described.get("DeletionProtectionEnabled", False)}
        return observe(cls, name, tags, {"key": _key(described)}, arn=arn, **facts)

    def create(self, aws: Aws) -> Actual | None:
        aws.create(
            "dynamodb.CreateTable",
            self.address,
            keep=self.keep,
            TableName=self.named(aws),
            KeySchema=[{"AttributeName": self.key, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": self.key, "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        return None

    def ready(self, aws: Aws, actual: Actual) -> bool:
        if actual["status"] == "ACTIVE":
            return False
        aws.wait(EXISTS, TableName=actual.id)
        aws.read_cache.forget(*self.tables)
        return True

    def retag(self, aws: Aws, actual: Actual, tags: Mapping[str, str]) -> None:
        aws.call("dynamodb.TagResource", ResourceArn=actual["arn"], Tags=tag_list(tags))

    @classmethod
    def protection(cls, aws: Aws, actual: Actual) -> tuple[str, str] | None:
        off = f"aws dynamodb update-table --table-name {actual.id} --no-deletion-protection-enabled"
        return ("deletion protection", off) if actual["protected"] else None

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        delete(aws, "dynamodb.DeleteTable", TableName=actual.id)
        aws.wait(DELETED, TableName=actual.id)


def _described(aws: Aws, name: str) -> dict[str, Any] | None:
    try:
        table: dict[str, Any] = aws.call("dynamodb.DescribeTable", TableName=name)["Table"]
    except AwsError as error:
        if not is_deleted(error):
            raise
        return None
    return table


def _key(described: Mapping[str, Any]) -> str:
    """The attribute that is the key; of a table with another kind of key, all of it."""
    types = {each["AttributeName"]: each["AttributeType"] for each in described["AttributeDefinitions"]}
    parts = [f"{each['AttributeName']}:{types[each['AttributeName']]}" for each in described["KeySchema"]]
    return parts[0].removesuffix(":S") if len(parts) == 1 else "+".join(parts)
