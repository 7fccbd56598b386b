"""Tables: DynamoDB creates and deletes a table within seconds, and a write to it is atomic."""

from __future__ import annotations

import functools
from collections.abc import Callable
from email.utils import format_datetime
from typing import Any

from moto.dynamodb.exceptions import ResourceInUseException, ResourceNotFoundException

from dify_aws.offline.clock import VirtualClock
from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects
from dify_aws.offline.corrections.schedules import utc

SECONDS_CREATING = 8
SECONDS_DELETING = 5

_RESPONSES = "moto.dynamodb.responses:DynamoHandler"
_BACKEND = "moto.dynamodb.models:DynamoDBBackend"
_IN_USE = "Attempt to change a resource which is still in use"
_API = "https://docs.aws.amazon.com/amazondynamodb/latest/APIReference"


@corrects(
    _RESPONSES,
    "call_action",
    says="A conditional write is atomic: only one of two equal writes succeeds. Every response contains the time.",
    link="https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithItems.html",
)
def one_step(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    with cloud.lock:
        cloud.settle()
        status, headers, body = original()
        if isinstance(cloud.clock, VirtualClock):
            headers = {**headers, "date": format_datetime(utc(cloud), usegmt=True)}
        return status, headers, body


@corrects(
    _BACKEND,
    "create_table",
    says="A new table is CREATING for some seconds; its name is in use until the old table is deleted.",
    link=f"{_API}/API_CreateTable.html",
)
def creating_takes_a_moment(cloud: Cloud, original: Callable[..., Any], backend: Any, name: str, **given: Any) -> Any:
    if (there := backend.tables.get(name)) is not None:
        what = "being deleted" if _state(there) == "DELETING" else "already exists"
        raise ResourceInUseException(f"{_IN_USE}: Table {what}: {name}")
    table = original(name, **given)
    table.state = "CREATING"
    cloud.later(SECONDS_CREATING, functools.partial(setattr, table, "state", "ACTIVE"))
    return table


@corrects(
    _BACKEND,
    "delete_table",
    says="A table is DELETING for some seconds; a table that is CREATING cannot be deleted.",
    link=f"{_API}/API_DeleteTable.html",
)
def deleting_takes_a_moment(cloud: Cloud, original: Callable[..., Any], backend: Any, name: str) -> Any:
    table = backend.tables.get(name)
    if table is None:
        raise ResourceNotFoundException(f"Requested resource not found: Table: {name} not found")
    if _state(table) == "CREATING":
        raise ResourceInUseException(f"{_IN_USE}: Table is being created: {name}")
    if _state(table) != "DELETING":
        table.state = "DELETING"
        cloud.later(SECONDS_DELETING, functools.partial(backend.tables.pop, name, None))
    return table


@corrects(
    "moto.dynamodb.models.table:Table",
    "describe",
    says="The state of a table is reported: CREATING, ACTIVE or DELETING.",
    link=f"{_API}/API_TableDescription.html",
)
def status_is_reported(
    cloud: Cloud, original: Callable[..., Any], table: Any, base_key: str = "TableDescription"
) -> Any:
    description = original(base_key)
    description[base_key]["TableStatus"] = _state(table)
    return description


@corrects(
    _RESPONSES,
    "get_item",
    "put_item",
    "update_item",
    "delete_item",
    "query",
    "scan",
    says="A table cannot be read or written before it is ACTIVE.",
    link=f"{_API}/API_PutItem.html",
)
def only_an_active_one_is_used(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    table = response.dynamodb_backend.tables.get(response.body["TableName"])
    if table is not None and _state(table) != "ACTIVE":
        raise ResourceNotFoundException()
    return original()


@corrects(
    _BACKEND,
    "tag_resource",
    says="A tag replaces the tag with the same key.",
    link=f"{_API}/API_TagResource.html",
)
def one_tag_a_key(cloud: Cloud, original: Callable[..., Any], backend: Any, arn: str, tags: dict[str, str]) -> None:
    backend.untag_resource(arn, list(tags))
    original(arn, tags)


def _state(table: Any) -> str:
    return getattr(table, "state", "ACTIVE")


CORRECTIONS = (
    creating_takes_a_moment,
    deleting_takes_a_moment,
    status_is_reported,
    only_an_active_one_is_used,
    one_tag_a_key,
    one_step,
)
