"""Client tokens: one deployment after the other in one account, and runs that look before AWS shows what was made."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from dify_aws import Ambiguous, Deployment, PlanRefused, RunFailed, Settings, Volume
from dify_aws.offline.faults import ProcessKilled
from dify_aws.offline.world import World
from tests.functional.cases import CASES
from tests.support.inventory import AFTER_DESTROY, WHOLE, counted, inventory
from tests.support.lab import Lab

SETTINGS: Final = Settings(environment="dev", alarm_email="a@your-company.com")
TIMES: Final = (3, pytest.param(10, marks=pytest.mark.exhaustive))
HOUR: Final = 3600
WITH_TOKEN: Final = (
    "instance",
    "instance-connect-endpoint",
    "nat-gateway",
    "route-table",
    "volume",
    "vpc-endpoint",
)
VOLUME: Final = Volume(name="data", availability_zone="ap-northeast-1a", size_gib=10)


def deployment(world: World) -> Deployment:
    """As a new process has it."""
    return Deployment(SETTINGS, session=world.session)


@pytest.mark.parametrize("times", TIMES)
def test_deployments_one_after_the_other_in_an_hour(world: World, times: int) -> None:
    """Each is made and destroyed with its data, and none of them is asked for with a token of another one."""
    began = world.clock.now()
    for _ in range(times):
        world.forget_calls()
        deployment(world).apply()
        assert [str(call) for call in world.calls].count("ec2.CreateVolume") == 1
        deployment(world).destroy(delete_data=True)
    assert counted(inventory(world.session)) == AFTER_DESTROY
    assert world.clock.now() - began < HOUR


@pytest.mark.parametrize("times", TIMES)
@pytest.mark.parametrize("kind", WITH_TOKEN)
def test_deleted_by_hand_and_made_again(world: World, kind: str, times: int) -> None:
    """The wish stays the same to the letter, so each run begins with the token of the first one."""
    lab = Lab(world, CASES[kind])
    lab.apply()
    whole = counted(inventory(world.session))
    for _ in range(times):
        lab.remove()
        # Not a day: EC2 has forgotten nothing.
        world.clock.advance(HOUR / 6)
        lab.apply()
        assert counted(inventory(world.session)) == whole


@pytest.mark.parametrize("times", TIMES)
def test_a_used_token_costs_one_call(world: World, times: int) -> None:
    """Not one wait for each volume that was deleted before."""
    for used in range(times):
        world.forget_calls()
        applied = Lab(world, replace(CASES["volume"], stack=lambda: [VOLUME]))
        applied.apply()
        assert [str(call) for call in world.writes] == ["ec2.CreateVolume"] * (used + 1)
        applied.destroy()


def test_a_seed_does_not_change_within_a_deployment(world: World) -> None:
    """A run dies after it made the data volume; the next one does not see it, and gets the same one all the same."""
    world.lags["volume"] = 20
    world.faults.kill_after("CreateVolume")
    with pytest.raises(ProcessKilled):
        deployment(world).apply()
    world.restart()
    run = deployment(world)
    run.wait = 300
    run.apply()
    assert counted(inventory(world.session)) == WHOLE


def test_what_has_no_token_is_never_taken_at_random(world: World) -> None:
    """A VPC has neither a token nor a name. If a run looks before AWS shows the one that a dead run made, there are
    two: as soon as that is seen, nothing more is changed, and both ids are told. (docs/how-it-works.md)"""
    lab = Lab(world, CASES["vpc"])
    world.lags["vpc"] = 5
    world.faults.kill_after("CreateVpc")
    with pytest.raises(ProcessKilled):
        lab.apply()
    world.restart()
    with pytest.raises(RunFailed) as failed:
        lab.apply()
    assert isinstance(failed.value.failures["vpc/main"], Ambiguous)
    vpcs = sorted(inventory(world.session)["vpc"])
    assert len(vpcs) == 2
    lab.calls.clear()
    for verb in (lab.plan, lab.apply):
        with pytest.raises(PlanRefused) as refused:
            verb()
        ((address, error),) = refused.value.errors
        assert address == "vpc/main"
        assert isinstance(error, Ambiguous)
        assert sorted(error.ids) == vpcs
        assert all(id in str(refused.value) for id in vpcs)
    assert lab.writes() == []
    lab.destroy()
    assert counted(inventory(world.session)) == {}
