"""The lock: one run at a time, whoever dies, whatever answer is lost, whoever's clock is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from dify_aws import AlreadyLocked, Aws, Foundation, LockLost, PermissionDenied
from dify_aws.aws.retry_rules import RetryRules
from dify_aws.clock import SystemClock
from dify_aws.events import Event
from dify_aws.offline.faults import ProcessKilled
from dify_aws.offline.server import serve
from dify_aws.offline.world import World
from dify_aws.operations.lock.lock import LEASE_SECONDS, MARGIN_SECONDS, SETTLE_SECONDS, Lock
from dify_aws.operations.lock.lock_owner import LockOwner
from dify_aws.operations.lock.lock_table import LockTable
from dify_aws.operations.lock.process_identity import ProcessIdentity
from dify_aws.operations.lock.unlock import lock_owner_of, unlock
from tests.support.fast_clock import FastClock

OWNER_SCRIPT: Final = Path(__file__).with_name("lock_holder.py")


def run(world: World, deployment: str = "dify/dev") -> Aws:
    """A run of its own: a process, or a machine."""
    return Aws(world.session, deployment=deployment)


def current_owner(world: World) -> LockOwner:
    lock_owner = lock_owner_of(run(world))
    assert lock_owner is not None
    return lock_owner


def sent(world: World, since: int) -> list[str]:
    return [call.operation for call in world.calls[since:]]


def test_a_second_run_learns_who_is_at_work(world: World) -> None:
    """Since when, until when, doing what, and how to force it. It changes nothing; later it is its turn."""
    with Lock(run(world), "apply") as first:
        before = len(world.writes)
        with pytest.raises(AlreadyLocked) as raised, Lock(run(world), "destroy"):
            pass
        assert len(world.writes) == before
        assert (raised.value.lock_id, raised.value.reason) == (first.id, "apply")
        assert raised.value.until - raised.value.since == timedelta(seconds=LEASE_SECONDS)
        assert f"(process {os.getpid()}) has been at apply since" in str(raised.value)
        assert f"is free at {raised.value.until:%Y-%m-%d %H:%M:%S} UTC" in str(raised.value)
        assert f'unlock("{first.id}")' in str(raised.value)
    with Lock(run(world), "destroy"):
        assert current_owner(world).reason == "destroy"
    assert lock_owner_of(run(world)) is None


def test_deployments_do_not_hinder_each_other(world: World) -> None:
    with Lock(run(world), "apply"), Lock(run(world, "dify/prod"), "apply"):
        assert current_owner(world).deployment == "dify/dev"


def test_a_lock_is_three_calls(world: World) -> None:
    """Once there is a table: a look, the writing of it, and its end."""
    with Lock(run(world), "apply"):
        pass
    before = len(world.calls)
    with Lock(run(world), "apply") as lock:
        lock.check()
        lock.check()
    assert sent(world, before) == ["GetItem", "PutItem", "UpdateItem"]


def test_a_look_ahead_is_one_of_the_three(world: World) -> None:
    """Who looked at the lock before the work was known asks no second time."""
    with Lock(run(world), "apply"):
        pass
    before = len(world.calls)
    lock = Lock(run(world), "apply")
    lock.look()
    with lock:
        assert lock.unchanged_since_look
    assert sent(world, before) == ["GetItem", "PutItem", "UpdateItem"]


def test_who_had_a_turn_since_the_look_is_noticed(world: World) -> None:
    """However short it was, whether it is over, and whether it was given back, ran out, or was taken away."""
    locked_once, was_locked, ran_out, forced = (Lock(run(world), "apply") for _ in range(4))
    locked_once.look()
    with Lock(run(world), "destroy"):
        was_locked.look()
    for lock in (locked_once, was_locked):
        with lock:
            assert not lock.unchanged_since_look
    killed = Lock(run(world), "destroy").__enter__()
    ran_out.look()
    world.clock.advance(LEASE_SECONDS + 2)
    with ran_out:
        assert not ran_out.unchanged_since_look
    forced.look()
    with Lock(run(world), "destroy") as other:
        unlock(run(world), other.id)
        with forced:
            assert not forced.unchanged_since_look
    assert lock_owner_of(run(world)) is None
    killed.__exit__(None, None, None)


def test_who_only_looks_makes_no_table(world: World) -> None:
    assert lock_owner_of(run(world)) is None
    assert unlock(run(world), "any") is None
    assert world.writes == []


def test_the_table_is_one_of_the_foundation(world: World) -> None:
    """Made by the first run that needs it, and found by the foundation that is made later."""
    with Lock(run(world), "apply"):
        pass
    planned = {action.address for action in Foundation(session=world.session).plan()}
    assert "bucket/state" in planned
    assert "table/locks" not in planned


def test_a_second_run_waits_for_the_end_of_the_first(world: World) -> None:
    first = Lock(run(world), "apply")
    first.__enter__()
    waiting, clock = run(world), FastClock()
    waiting.clock, waiting.retries = clock, RetryRules(clock)
    clock.on_sleep = lambda count: first.__exit__(None, None, None) if count == 3 else None
    with Lock(waiting, "destroy", wait=600):
        assert current_owner(world).reason == "destroy"
    assert len(clock.slept) == 3


def test_a_killed_run_is_outlasted(world: World) -> None:
    """After a crash the next run goes on by itself when the lease is over; it asks a few times only."""
    with Lock(run(world), "apply"):
        pass
    world.faults.kill_after("PutItem")
    with pytest.raises(ProcessKilled), Lock(run(world), "apply"):
        pass
    world.restart()
    killed, before = world.clock.now(), len(world.calls)
    with Lock(run(world), "apply", wait=None) as lock:
        lock.check()
        assert LEASE_SECONDS - 1 <= world.clock.now() - killed <= LEASE_SECONDS + 5
        assert len(world.calls) - before < 24


def test_a_run_that_lives_is_not_outlasted(world: World) -> None:
    """It has renewed its lock meanwhile: so who comes second is told at once, and does not wait for its end."""
    with Lock(run(world), "apply") as first:
        waiting, clock = run(world), FastClock()
        waiting.clock = clock

        def live(count: int) -> None:
            world.clock.advance(clock.slept[-1])
            first.check()

        clock.on_sleep = live
        with pytest.raises(AlreadyLocked), Lock(waiting, "apply", wait=None):
            pass
        assert sum(clock.slept) < LEASE_SECONDS / 2


def test_the_end_of_a_run_is_soon_seen(world: World) -> None:
    first = Lock(run(world), "apply").__enter__()
    waiting, clock = run(world), FastClock()
    waiting.clock = clock
    clock.on_sleep = lambda count: first.__exit__(None, None, None) if count == 2 else None
    with Lock(waiting, "apply", wait=None):
        assert sum(clock.slept) < 5


def test_a_wait_in_vain_is_reported(world: World) -> None:
    with Lock(run(world), "apply"), pytest.raises(AlreadyLocked), Lock(run(world), "destroy", wait=20):
        pass
    assert 20 <= world.clock.now() < 60


def test_the_lock_of_a_killed_run_is_free_when_its_lease_has_run_out(world: World) -> None:
    """Not before: who waits for it waits that long. The process dies when its lock is there, and before it reads so."""
    with Lock(run(world), "apply"):
        pass
    world.faults.kill_after("PutItem")
    with pytest.raises(ProcessKilled), Lock(run(world), "apply"):
        pass
    world.restart()
    killed = world.clock.now()
    with pytest.raises(AlreadyLocked), Lock(run(world), "apply"):
        pass
    with Lock(run(world), "destroy", wait=600):
        assert LEASE_SECONDS - 1 <= world.clock.now() - killed <= LEASE_SECONDS + 10
        assert current_owner(world).reason == "destroy"


@pytest.mark.parametrize("fault", ["lose_answer", "server_error"])
def test_after_a_lost_answer_the_lock_has_one_owner(world: World, fault: str) -> None:
    """The lock was written, and nobody heard: botocore writes again, and is refused because of our own lock.

    The same where it takes the place of a dead run's, where it is renewed, and where it is given back.
    """
    with Lock(run(world), "apply"):
        pass
    getattr(world.faults, fault)("PutItem")
    with Lock(run(world), "apply") as lock:
        assert current_owner(world).id == lock.id
        world.clock.advance(LEASE_SECONDS + 2)
        getattr(world.faults, fault)("PutItem")
        with Lock(run(world), "destroy") as second:
            assert current_owner(world).id == second.id
            world.clock.advance(LEASE_SECONDS / 2)
            getattr(world.faults, fault)("UpdateItem")
            second.check()
            assert current_owner(world).id == second.id
            getattr(world.faults, fault)("UpdateItem")
        assert lock_owner_of(run(world)) is None


def test_what_is_refused_leaves_no_lock(world: World) -> None:
    with Lock(run(world), "apply"):
        pass
    world.faults.refuse("PutItem", "AccessDeniedException")
    with pytest.raises(PermissionDenied, match="dynamodb:PutItem"), Lock(run(world), "apply"):
        pass
    world.faults.lose_answer("PutItem")
    world.faults.refuse("PutItem", "AccessDeniedException", nth=2)
    with pytest.raises(PermissionDenied), Lock(run(world), "apply"):
        pass
    assert lock_owner_of(run(world)) is None


def test_it_is_renewed_when_it_is_time_to(world: World) -> None:
    """By the run, at its next step; nothing is asked before."""
    with Lock(run(world), "apply") as lock:
        before, until = len(world.calls), current_owner(world).expires
        world.clock.advance(LEASE_SECONDS / 4 - 1)
        lock.check()
        assert sent(world, before + 1) == []
        world.clock.advance(2)
        lock.check()
        lock.check()
        assert sent(world, before + 1) == ["UpdateItem"]
        assert current_owner(world).expires - until >= timedelta(seconds=LEASE_SECONDS / 4)


def test_it_is_renewed_while_the_run_is_busy(world: World) -> None:
    """A step that takes long calls nothing: the lock is renewed by itself, until its end and no longer."""
    with Lock(run(world), "apply", beat_seconds=0.001):
        for _ in range(3):
            renewed = current_owner(world).expires + timedelta(seconds=LEASE_SECONDS / 2 - 1)
            world.clock.advance(LEASE_SECONDS / 2)
            assert soon(lambda: current_owner(world).expires >= renewed)  # noqa: B023 - called at once
    before = len(world.calls)
    world.clock.advance(LEASE_SECONDS)
    time.sleep(0.02)
    assert sent(world, before) == []


def soon(happens: Callable[[], bool]) -> bool:
    """Whether it happens within some seconds."""
    end = time.monotonic() + 10
    while not happens():
        if time.monotonic() > end:
            return False
        time.sleep(0.002)
    return True


def test_a_run_that_slept_goes_on_if_nobody_came(world: World) -> None:
    """A laptop was shut over lunch: the lease ran out, and the lock is still there."""
    with Lock(run(world), "apply") as lock:
        world.clock.advance(3600)
        assert lock_owner_of(run(world)) is None
        lock.check()
        assert current_owner(world).id == lock.id


def test_a_run_that_lost_its_lock_stops(world: World) -> None:
    """Its lease ran out and another run took the lock. It says so at the next step, and leaves the other's alone."""
    with Lock(run(world), "apply") as lock:
        world.clock.advance(LEASE_SECONDS + 2)
        with Lock(run(world), "destroy") as other:
            for _ in range(2):
                with pytest.raises(LockLost, match=r"dify/dev.*another run"):
                    lock.check()
            lock.__exit__(None, None, None)
            assert current_owner(world).id == other.id


def test_a_run_that_cannot_renew_stops_before_its_lease_has_run_out(world: World) -> None:
    """While there is time, a renewal that fails is no trouble."""
    with Lock(run(world), "apply") as lock:
        world.faults.refuse("UpdateItem", "AccessDeniedException", times=99)
        world.clock.advance(LEASE_SECONDS - MARGIN_SECONDS - 2)
        lock.check()
        world.clock.advance(3)
        assert lock_owner_of(run(world)) is not None
        with pytest.raises(LockLost, match=r"could not be renewed in time .*AccessDenied"):
            lock.check()


def test_unlocked_by_the_right_id_only(world: World) -> None:
    with Lock(run(world), "apply") as lock:
        with pytest.raises(AlreadyLocked) as raised:
            unlock(run(world), "0" * 32)
        assert raised.value.lock_id == lock.id
        lock.check()
        freed = unlock(run(world), lock.id)
        assert freed is not None
        assert freed.id == lock.id
        world.clock.advance(LEASE_SECONDS / 2)
        with pytest.raises(LockLost):
            lock.check()
    assert unlock(run(world), lock.id) is None


def test_an_end_that_aws_refuses_is_no_failure(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The work is done. The lock ends by itself."""
    with Lock(run(world), "apply"):
        world.faults.refuse("UpdateItem", "AccessDeniedException")
    assert "the lock of dify/dev is free only in 0:02:00" in caplog.text
    world.clock.advance(LEASE_SECONDS + 2)
    assert lock_owner_of(run(world)) is None


def test_two_processes_never_both_hold_it(tmp_path: Path) -> None:
    """They begin at the same time, before there is a table, and want it again and again."""
    with serve() as served:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "AWS_ENDPOINT_URL": served.url,
        }
        command = [sys.executable, str(OWNER_SCRIPT), str(tmp_path / "room"), "12"]
        runs = [subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        result = [each.communicate(timeout=60)[1] for each in runs]
    assert [each.returncode for each in runs] == [0, 0], "".join(result)


def test_a_slow_answer_steals_no_lock(world: World) -> None:
    """The other run renews its lock while we wait for the answer, however long that takes."""
    with Lock(run(world), "apply") as first:
        world.faults.disarm()
        late = run(world)
        ask = late.call

        def slow(operation: str, **params: object) -> object:
            for _ in range(4):
                world.clock.advance(LEASE_SECONDS / 4 + 1)
                first.check()
            return ask(operation, **params)

        late.call = slow  # type: ignore[method-assign,assignment]
        with pytest.raises(AlreadyLocked), Lock(late, "destroy"):
            pass
        assert current_owner(world).id == first.id


def test_without_the_table_there_is_no_lock(world: World) -> None:
    """Somebody deletes the foundation with all its data. The next run makes the table anew, so this one must stop."""
    with Lock(run(world), "apply") as lock:
        world.session.client("dynamodb").delete_table(TableName="dify-aws-locks")
        world.clock.advance(60)
        with pytest.raises(LockLost):
            lock.check()


def test_a_lock_that_was_given_back_is_lost(world: World) -> None:
    """What of a stopped run is still on its way starts nothing more."""
    with Lock(run(world), "apply") as lock:
        pass
    with pytest.raises(LockLost, match="given back"):
        lock.check()


def test_after_ctrl_c_the_next_run_waits_again(world: World) -> None:
    """In a notebook it is in the same process, whose waiting was ended."""
    stopped = run(world)
    stopped.clock = clock = SystemClock()
    stopped.stop_waiting()
    for look_ahead in (False, True):
        lock = Lock(stopped, "apply")
        if look_ahead:
            lock.look()
        with lock:
            clock.sleep(0)
        stopped.stop_waiting()


def test_a_lock_is_given_back_by_its_owner_only(world: World) -> None:
    """DynamoDB itself refuses another id, whatever the run that asks believes."""
    aws = Aws(world.session, deployment="dify/dev")
    with Lock(aws, "apply") as lock:
        assert not LockTable(aws).remove("another")
        lock_owner = lock_owner_of(aws)
        assert lock_owner is not None
        assert lock_owner.id == lock.id


PRINTS_ITSELF: Final = """
import sys
from dify_aws.operations.lock.process_identity import ProcessIdentity
print(ProcessIdentity.of_this_process(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other_process() -> Iterator[tuple[subprocess.Popen[str], ProcessIdentity]]:
    """A process of this machine, and who it is."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", PRINTS_ITSELF]
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        identity = ProcessIdentity.read(process.stdout.readline().strip())
        assert identity is not None
        try:
            yield process, identity
        finally:
            process.kill()


def locked_by(world: World, process: ProcessIdentity | None) -> None:
    """As a run of that process leaves the table when it dies a moment after it has taken the lock."""
    with Lock(run(world), "apply"):
        owner = current_owner(world)
    table = LockTable(run(world))
    state = table.look()
    assert state is not None
    assert table.put(replace(owner, process=process), over=state)


def test_a_killed_process_of_the_same_machine_is_seen_at_once(
    world: World, other_process: tuple[subprocess.Popen[str], ProcessIdentity]
) -> None:
    """While it lives, its lock is respected; killed, it costs seconds and not the whole lease, and that is reported."""
    process, identity = other_process
    locked_by(world, identity)
    with pytest.raises(AlreadyLocked), Lock(run(world), "deploy"):
        pass
    process.kill()
    process.wait()
    result: list[Event] = []
    before = world.clock.now()
    with Lock(run(world), "deploy", listener=result.append) as lock:
        assert SETTLE_SECONDS - 0.1 <= world.clock.now() - before < SETTLE_SECONDS + 2
        assert current_owner(world).id == lock.id
        assert current_owner(world).process == ProcessIdentity.of_this_process()
    assert [event.detail.partition(" s for the last requests of ")[0] for event in result] == ["10"]


@pytest.mark.parametrize("part", ["host", "boot", "namespace"])
def test_a_process_that_may_be_of_another_machine_is_not_judged(
    world: World, other_process: tuple[subprocess.Popen[str], ProcessIdentity], part: str
) -> None:
    """Another computer, another boot or another container may have a process of the same number."""
    process, identity = other_process
    process.kill()
    process.wait()
    elsewhere: dict[str, Any] = {part: "another"}
    locked_by(world, replace(identity, **elsewhere))
    with pytest.raises(AlreadyLocked), Lock(run(world), "deploy"):
        pass


def test_a_process_id_that_was_reused_is_no_living_run(world: World) -> None:
    """The same number, and another start: the run is dead. The same start: it lives."""
    me = ProcessIdentity.of_this_process()
    assert me is not None
    assert not me.has_ended()
    assert replace(me, started="1").has_ended()
    locked_by(world, replace(me, started="1"))
    with Lock(run(world), "deploy"):
        pass


@pytest.mark.parametrize("text", ["", "a b c 0 1", "a b c -1 1", "a b c d e", "a b c 99999999999 1", "a  c 1 1"])
def test_what_is_no_process_has_never_ended(text: str) -> None:
    """Somebody may have edited the item."""
    process = ProcessIdentity.read(text)
    assert process is None or not process.has_ended()


def test_a_wait_says_for_whom_and_how_long(world: World) -> None:
    """With the time that was asked for, or with the end of the lease: nobody renews it here, so it ends."""
    result: list[str] = []
    with Lock(run(world), "apply"):
        with (
            pytest.raises(AlreadyLocked),
            Lock(run(world), "x", wait=20, listener=lambda event: result.append(event.detail)),
        ):
            pass
        with Lock(run(world), "x", wait=None, listener=lambda event: result.append(event.detail)):
            pass
    assert [f"(process {os.getpid()}): apply since" in each for each in result] == [True, True]
    assert result[0].endswith("at the most 20 s")
    assert re.search(r"at the most \d+ s, or until it renews its lock and so is alive$", result[1])
