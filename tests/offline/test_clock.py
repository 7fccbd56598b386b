"""Clocks: virtual time moves only by waiting, and real time can be made to run."""

from __future__ import annotations

import threading
import time

import pytest

from dify_aws.offline.clock import RealClock, VirtualClock
from dify_aws.offline.cloud import Cloud


def test_waiting_moves_virtual_time_and_costs_hardly_any_real_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real sleeps are added up: how long they last on a busy machine says nothing of the clock."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    clock = VirtualClock()
    clock.sleep(3600)
    clock.advance(60)
    assert clock.now() == 3660
    assert 0 < sum(slept) < 1


def test_threads_that_wait_at_the_same_time_share_the_wait() -> None:
    clock = VirtualClock()
    together = threading.Barrier(8)

    def wait() -> None:
        together.wait()
        clock.sleep(2)

    threads = [threading.Thread(target=wait) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 2 <= clock.now() < 16


def test_real_clock_runs_at_the_given_speed() -> None:
    clock = RealClock(speed=1000)
    before = clock.now()
    clock.sleep(5)
    assert 5 <= clock.now() - before < 1000


def test_at_infinite_speed_everything_is_due() -> None:
    clock = RealClock(speed=float("inf"))
    clock.sleep(1_000_000)
    cloud, arrived = Cloud(clock), list[str]()
    cloud.later(115, lambda: arrived.append("NAT gateway"))
    cloud.settle()
    assert arrived == ["NAT gateway"]


def test_what_is_due_happens_in_the_order_of_time() -> None:
    clock = VirtualClock()
    cloud, happened = Cloud(clock), list[str]()
    cloud.later(3, lambda: happened.append("late"))
    cloud.later(1, lambda: happened.append("early"))
    cloud.settle()
    assert happened == []
    clock.advance(1)
    cloud.settle()
    assert happened == ["early"]
    clock.advance(10)
    cloud.settle()
    assert happened == ["early", "late"]


def test_time_does_not_stand_still_or_run_backwards() -> None:
    with pytest.raises(ValueError, match="more than 0"):
        RealClock(speed=0)
