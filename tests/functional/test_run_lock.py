"""Two runs of one deployment: one after the other, whoever dies. Who has nothing to do, asks nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from dify_aws import AlreadyLocked, Applied, Aws, Deployment, LockLost, PlanOutdated, RunFailed, Settings, Stack, Vpc
from dify_aws.deployment import VERBS
from dify_aws.events import Event, quiet
from dify_aws.offline.faults import ProcessKilled
from dify_aws.offline.world import World
from dify_aws.operations.lock.lock import LEASE_SECONDS, Lock
from dify_aws.operations.lock.unlock import lock_owner_of, unlock
from dify_aws.resources.ec2.ssh_key import new_ssh_key
from tests.support.inventory import inventory
from tests.support.plans import aws_plan


def aws(world: World) -> Aws:
    return Aws(world.session, deployment="lab")


def stack(*names: str) -> Stack:
    return Stack("lab", [Vpc(name=name, cidr_block="10.0.0.0/16") for name in names])


def apply(world: World, *names: str, wait: float | None = None, **other: Any) -> Applied:
    run = aws(world)
    turn = Lock(run, "apply", wait=wait, listener=other.get("listener", quiet))
    return stack(*names).apply(run, run_lock=turn, **other)


def destroy(world: World) -> Applied:
    run = aws(world)
    return stack().destroy(run, run_lock=Lock(run, "destroy", wait=0))


def looks(world: World) -> int:
    """How often AWS was looked at as a whole."""
    return sum(str(call) == "ec2.DescribeSubnets" for call in world.calls)


def test_who_has_nothing_to_do_takes_no_lock(world: World) -> None:
    """If it is free. Else the other run may be changing what we see."""
    apply(world, "one")
    assert lock_owner_of(aws(world)) is None
    world.forget_calls()
    assert not apply(world, "one")
    assert world.writes == []
    with Lock(aws(world), "destroy"), pytest.raises(AlreadyLocked):
        apply(world, "one", wait=0)


@pytest.mark.parametrize("run", [lambda world: apply(world, "one", "two", wait=0), destroy], ids=["apply", "destroy"])
def test_who_comes_second_changes_nothing(world: World, run: Callable[[World], Applied]) -> None:
    apply(world, "one")
    with Lock(aws(world), "apply"):
        before = len(world.writes)
        with pytest.raises(AlreadyLocked):
            run(world)
        assert len(world.writes) == before
    run(world)


def test_aws_is_read_once(world: World) -> None:
    """Taking the lock does not cost a second look, if nobody else had it since the first one."""
    apply(world, "one")
    world.forget_calls()
    destroy(world)
    assert looks(world) == 1


def test_what_another_run_did_meanwhile_is_seen(world: World) -> None:
    """Its turn comes between our look and ours: so we look again, and make nothing a second time."""
    other, ours = aws(world), aws(world)

    class Late(Lock):
        """Comes to its turn when another run has had one."""

        def __enter__(self) -> Late:
            stack("one").apply(other, run_lock=Lock(other, "apply"))
            super().__enter__()
            return self

    assert not stack("one").apply(ours, run_lock=Late(ours, "apply"))
    assert len(inventory(world.session, "lab")["vpc"]) == 1
    plan = stack("one", "two").plan(ours)

    class Later(Lock):
        """The same, and the other run undoes what was agreed to be there."""

        def __enter__(self) -> Later:
            stack().destroy(other, run_lock=Lock(other, "destroy"))
            super().__enter__()
            return self

    with pytest.raises(PlanOutdated, match="vpc/one"):
        stack("one", "two").apply(ours, plan, run_lock=Later(ours, "apply"))
    assert inventory(world.session, "lab")["vpc"] == []
    assert lock_owner_of(ours) is None


def test_after_a_crash_the_next_run_goes_on(world: World) -> None:
    """When the lease of the dead run is over; whoever looks at the progress is told who is waited for."""
    world.faults.kill_after("CreateVpc")
    with pytest.raises(ProcessKilled):
        apply(world, "one")
    world.restart()
    world.forget_calls()
    killed, result = world.clock.now(), list[Event]()
    apply(world, "one", listener=result.append)
    assert LEASE_SECONDS - 1 <= world.clock.now() - killed <= LEASE_SECONDS + 30
    assert [event.moment for event in result][:2] == ["waiting", "planned"]
    assert ": apply since " in result[0].detail
    assert looks(world) == 1, "not before the wait, when things could still change"
    assert len(inventory(world.session, "lab")["vpc"]) == 1


def test_a_run_that_loses_its_lock_starts_nothing_more(world: World) -> None:
    run = aws(world)

    def lose(event: object) -> None:
        lock_owner = lock_owner_of(run)
        if lock_owner is not None:
            unlock(run, lock_owner.id)
            world.clock.advance(LEASE_SECONDS / 2)

    with pytest.raises(RunFailed) as failed:
        apply(world, "one", "two", listener=lose)
    assert any(isinstance(error, LockLost) for error in failed.value.failures.values())
    assert inventory(world.session, "lab")["vpc"] == []


def test_a_destroy_that_loses_its_lock_deletes_nothing_more(world: World) -> None:
    apply(world, "one", "two")
    run = aws(world)

    def lose(event: object) -> None:
        lock_owner = lock_owner_of(run)
        if lock_owner is not None:
            unlock(run, lock_owner.id)
            world.clock.advance(LEASE_SECONDS / 2)

    with pytest.raises(RunFailed) as failed:
        stack("one", "two").destroy(run, listener=lose, run_lock=Lock(run, "destroy"))
    assert {type(error) for error in failed.value.failures.values()} == {LockLost}
    assert len(inventory(world.session, "lab")["vpc"]) == 2


ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "adopt": ("vpc/main", "vpc-0123456789abcdef0"),
    "pin_host_key": (new_ssh_key()[1],),
    "reset_admin_password": ("admin@your-company.com",),
}
"""What the verbs that change something need to be called with."""


@pytest.mark.parametrize("verb", [verb.name for verb in VERBS if verb.effect == "changes"])
def test_every_verb_of_a_deployment_waits_for_its_turn(world: World, verb: str) -> None:
    """While another run is at work nothing is changed, in AWS or on the machine; looking is free."""
    Deployment(Settings(environment="dev"), session=world.session).apply()
    late = Deployment(Settings(environment="dev", nat_gateway=False), session=world.session, wait=0)
    with Lock(late.aws, "deploy") as other:
        before = len(world.writes)
        with pytest.raises(AlreadyLocked):
            getattr(late, verb)(*ARGUMENTS.get(verb, ()))
        assert len(late.plan()) > 0
        assert len(world.writes) == before
        freed = late.unlock(other.id)
        assert freed is not None
        assert freed.reason == "deploy"
    late.apply()
    assert not aws_plan(late)
