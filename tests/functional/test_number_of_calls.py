"""The number of calls: bounds that are red as soon as a run asks AWS for more than it does now."""

from __future__ import annotations

import json
from typing import Final
from urllib.request import urlopen

import boto3
import pytest

from dify_aws import Deployment, Settings
from dify_aws.engine.discovery import is_possible
from dify_aws.engine.fact import Fact
from dify_aws.engine.resource import kinds
from dify_aws.offline.server import serve
from dify_aws.offline.world import World
from dify_aws.resources import OidcProvider
from dify_aws.topologies.account import Account
from dify_aws.topologies.kinds import ENVIRONMENT_KINDS
from dify_aws.topologies.single_host.resources import environment

SETTINGS: Final = Settings(environment="dev", alarm_email="a@your-company.com")
MOST_CALLS_OF_A_PLAN: Final = 44
MOST_CALLS_OF_A_FIRST_APPLY: Final = 140
"""Of the first run in an account, which makes the table of locks as well."""


def test_a_plan_of_what_is_there_makes_no_more_calls_than_now(world: World) -> None:
    Deployment(SETTINGS, session=world.session).apply()
    world.clock.advance(300)
    world.forget_calls()
    plan = Deployment(SETTINGS, session=world.session).plan()
    assert [action.address for action in plan] == ["dify"]
    requested = sorted(str(call) for call in world.calls)
    assert len(requested) <= MOST_CALLS_OF_A_PLAN, requested


def test_a_first_apply_makes_no_more_calls_than_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted as the benchmark does: on a server where every state is reached at once, so that no wait is counted."""
    with serve() as served:
        monkeypatch.setenv("AWS_ENDPOINT_URL", served.url)
        Deployment(SETTINGS, session=boto3.Session(region_name=SETTINGS.region)).apply()
        with urlopen(f"{served.url}/dify-aws/calls") as answer:
            requested = sorted(json.load(answer))
    assert len(requested) <= MOST_CALLS_OF_A_FIRST_APPLY, requested


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"ssh": "tunnel", "nat_gateway": False},
        {"vpc_id": "vpc-0123456789abcdef0", "public_subnet_id": "subnet-0123456789abcdef0"},
    ],
)
def test_every_kind_that_an_environment_can_have_is_listed(other: dict[str, object]) -> None:
    """What is not asked about is not found when the settings do without it again."""
    stack = environment(SETTINGS.replace(**other), Account("123456789012", "aws", "ap-northeast-1"))
    desired = {type(resource) for resource in stack.resources.values() if not isinstance(resource, Fact)}
    assert {kind for kind in desired if not kind.shared_listing} <= ENVIRONMENT_KINDS
    assert stack.possible == ENVIRONMENT_KINDS
    assert OidcProvider not in ENVIRONMENT_KINDS, "only a foundation has one"


def test_a_kind_that_costs_no_call_is_always_listed() -> None:
    """What is found through AWS's index of tags, which is read anyway, is in no list that somebody has to keep."""
    free = {name for name, kind in kinds().items() if kind.shared_listing}
    assert {"alarm", "bucket", "log-group", "secret", "table", "topic", "trail"} <= free
    assert all(is_possible(kinds()[name], ()) for name in free)
    assert not any(kind.shared_listing for kind in ENVIRONMENT_KINDS)
