"""Tables: DynamoDB makes one in some seconds, and of two that write on one condition, one is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from dify_aws.offline.world import World
from tests.offline.refusals import refused

KEY: Any = {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST"}
TYPES: Any = [{"AttributeName": "id", "AttributeType": "S"}]
ITEM: Any = {"id": {"S": "one"}}


@pytest.fixture
def table(world: World) -> Any:
    """A client, of a world in which the table "locks" is being made."""
    client: Any = world.session.client("dynamodb")
    make(client)
    return client


def make(client: Any) -> None:
    client.create_table(TableName="locks", AttributeDefinitions=TYPES, **KEY)


def state(client: Any) -> str:
    return str(client.describe_table(TableName="locks")["Table"]["TableStatus"])


def test_a_new_one_cannot_be_used_at_once(world: World, table: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CreateTable.html"""
    assert state(table) == "CREATING"
    with refused("ResourceNotFoundException"):
        table.put_item(TableName="locks", Item=ITEM)
    with refused("ResourceNotFoundException"):
        table.scan(TableName="locks")
    with refused("ResourceInUseException"):
        table.delete_table(TableName="locks")
    world.clock.advance(10)
    assert state(table) == "ACTIVE"
    table.put_item(TableName="locks", Item=ITEM)
    assert table.get_item(TableName="locks", Key=ITEM)["Item"] == ITEM


def test_table_name_is_in_use_until_the_table_is_deleted(world: World, table: Any) -> None:
    with refused("ResourceInUseException"):
        make(table)
    world.clock.advance(10)
    table.delete_table(TableName="locks")
    table.delete_table(TableName="locks")
    assert state(table) == "DELETING"
    with refused("ResourceInUseException"):
        make(table)
    with refused("ResourceNotFoundException"):
        table.get_item(TableName="locks", Key=ITEM)
    world.clock.advance(10)
    with refused("ResourceNotFoundException"):
        state(table)
    with refused("ResourceNotFoundException"):
        table.delete_table(TableName="locks")
    make(table)


def test_of_many_that_write_on_one_condition_one_does(world: World, table: Any) -> None:
    world.clock.advance(10)

    def put(number: int) -> bool:
        try:
            table.put_item(
                TableName="locks",
                Item={**ITEM, "who": {"N": str(number)}},
                ConditionExpression="attribute_not_exists(id)",
            )
        except table.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(put, range(16))) == 1


def test_every_response_has_the_time_of_the_world(world: World, table: Any) -> None:
    def now() -> Any:
        return parsedate_to_datetime(table.list_tables()["ResponseMetadata"]["HTTPHeaders"]["date"])

    before = now()
    world.clock.advance(3600)
    assert timedelta(seconds=3599) <= now() - before <= timedelta(seconds=3660)


def test_a_tag_replaces_the_one_of_the_same_key(table: Any) -> None:
    arn = table.describe_table(TableName="locks")["Table"]["TableArn"]
    for value in ("a", "b"):
        table.tag_resource(ResourceArn=arn, Tags=[{"Key": "who", "Value": value}])
    assert table.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "who", "Value": "b"}]
