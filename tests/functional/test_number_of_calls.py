"""The number of calls: a bound that is red as soon as a plan asks AWS for more than it does now."""

from __future__ import annotations

from typing import Final

from dify_aws import Deployment, Settings
from dify_aws.offline.world import World

SETTINGS: Final = Settings(environment="dev", alarm_email="a@your-company.com")
MOST_CALLS_OF_A_PLAN: Final = 47


def test_a_plan_of_what_is_there_makes_no_more_calls_than_now(world: World) -> None:
    Deployment(SETTINGS, session=world.session).apply()
    world.clock.advance(300)
    world.forget_calls()
    assert not Deployment(SETTINGS, session=world.session).plan()
    asked = sorted(call.operation for call in world.calls)
    assert len(asked) <= MOST_CALLS_OF_A_PLAN, asked
