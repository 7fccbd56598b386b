"""The step engine: check, apply, check again, in the order of what needs what, and never more than that."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from dify_aws.change import Change
from dify_aws.events import Event
from dify_aws.host.converge import converge_host
from dify_aws.host.errors import ConnectionLost, HostClosed, InstallFailed, StepNotConverged, StepRefused
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Host
from dify_aws.host.host_run import HostRun
from dify_aws.host.step import Step, StepsWrong
from tests.support.hosts import MemoryHost


@dataclass(frozen=True)
class Value(Fact[str]):
    """What stands under a key."""

    key: str

    @property
    def name(self) -> str:
        return f"value {self.key}"

    @property
    def script(self) -> str:
        return f"get {self.key}"

    def read(self, answer: Answer) -> str:
        return answer.text


@dataclass(frozen=True)
class Setting:
    """This value shall stand under this key. ``unless``: there it is seen that the machine is not fit."""

    key: str
    value: str = "on"
    needs: Sequence[str] | None = None
    unless: str = ""

    @property
    def name(self) -> str:
        return self.key

    def facts(self) -> Sequence[Fact[Any]]:
        return (Value(self.key), *([Value(self.unless)] if self.unless else []))

    def check(self, facts: Facts) -> Sequence[Change]:
        if self.unless and facts[Value(self.unless)]:
            raise StepRefused(facts.where, f"{self.unless} is in the way")
        found = facts[Value(self.key)]
        return () if found == self.value else (Change(self.key, found, self.value),)

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        host.must(f"set {self.key} {self.value}")


def names(count: int) -> list[str]:
    return [f"s{i}" for i in range(count)]


def test_a_bare_machine_reaches_the_desired_state_and_stays_so() -> None:
    """The first run does everything, the second asks once, does nothing, and says so."""
    host, steps = MemoryHost(), [Setting(name) for name in names(5)]
    report = converge_host(host, steps)
    assert report
    assert report.named("done") == ("s0", "s1", "s2", "s3", "s4")
    assert host.state == dict.fromkeys(names(5), "on")

    host.requested.clear()
    host.orders.clear()
    again = converge_host(host, steps)
    assert not again
    assert again.named("already so") == report.named("done")
    assert (len(host.requested), host.orders) == (1, [])
    assert again.round_trips == 1


def test_only_what_is_not_in_its_desired_state_is_changed() -> None:
    """One step of three."""
    host = MemoryHost(s0="on", s1="off", s2="on")
    report = converge_host(host, [Setting(name) for name in names(3)])
    assert host.orders == ["set s1 on"]
    assert (report["s1"].state, report["s0"].state) == ("done", "already so")
    assert [str(change) for change in report["s1"].changes] == ["s1: off → on"]


def test_a_first_run_asks_no_more_than_once_for_each_change() -> None:
    """What a change is checked by tells at once what the next step has to know."""
    host, steps = MemoryHost(), [Setting(name) for name in names(6)]
    converge_host(host, steps)
    assert len(host.requested) == 1 + 6


def test_a_dry_run_changes_nothing_and_tells_all() -> None:
    """Also of the steps behind the first that would change something."""
    host = MemoryHost(s1="on")
    report = converge_host(host, [Setting(name) for name in names(3)], dry_run=True)
    assert report
    assert report.dry_run
    assert (report.named("would change"), report.named("already so")) == (("s0", "s2"), ("s1",))
    assert (host.orders, len(host.requested)) == ([], 1)
    assert not converge_host(MemoryHost(s0="on"), [Setting("s0")], dry_run=True)


def test_what_a_step_sees_is_true_after_what_it_needs() -> None:
    """The machine as it was before the first step is not what the last one is about."""

    class Copies(Setting):
        """Wants what stands elsewhere."""

        def facts(self) -> Sequence[Fact[Any]]:
            return (Value("source"), Value(self.key))

        def check(self, facts: Facts) -> Sequence[Change]:
            desired = facts[Value("source")]
            return () if facts[Value(self.key)] == desired else (Change(self.key, None, desired),)

        def apply(self, host: Host, changes: Sequence[Change]) -> None:
            host.must(f"set {self.key} {changes[0].after}")

    host = MemoryHost(source="old", copy="old")
    report = converge_host(host, [Setting("source", "new"), Setting("between"), Copies("copy")])
    assert host.state["copy"] == "new"
    assert report.named("done") == ("source", "between", "copy")


def test_a_step_that_changes_nothing_makes_nothing_stale() -> None:
    """Only a change is a reason to ask again."""
    host = MemoryHost(s0="on", s1="on", s3="on", s4="on")
    converge_host(host, [Setting(name) for name in names(5)])
    # All at first; then s2, changed, together with s3, which waits for it; then s4, which needs s2 as well.
    assert host.requested == [names(5), ["s2", "s3"], ["s4"]]


def test_what_waits_for_several_is_queried_with_the_last_of_them() -> None:
    """Asked before, the answer would be stale, and a look at containers takes the host a third of a second."""
    host = MemoryHost()
    converge_host(host, [Setting("a", needs=()), Setting("b", needs=()), Setting("c", needs=("a", "b"))], workers=1)
    assert host.requested == [["a", "b", "c"], ["a"], ["b", "c"], ["c"]]


def test_independent_steps_run_at_the_same_time_and_needs_are_kept() -> None:
    """Two that need only the first meet in the middle; the last comes after both."""
    host, met = MemoryHost(), threading.Barrier(2, timeout=10)

    def meet(order: str) -> None:
        if order.split()[1] in ("left", "right"):
            met.wait()

    host.before = meet
    steps = [Setting("first"), Setting("left", needs=("first",)), Setting("right", needs=("first",)), Setting("last")]
    converge_host(host, steps)
    assert host.orders[0] == "set first on"
    assert host.orders[-1] == "set last on"


def test_a_step_behind_in_the_list_may_come_first() -> None:
    """``needs`` says it, the list does not have to."""
    host = MemoryHost()
    report = converge_host(host, [Setting("roof", needs=("house",)), Setting("house", needs=())])
    assert host.orders == ["set house on", "set roof on"]
    assert [outcome.step for outcome in report] == ["roof", "house"]


@pytest.mark.parametrize(
    ("steps", "wrong"),
    [
        ([Setting("a"), Setting("a")], "two steps are called 'a'"),
        ([Setting("a", needs=("b", "c")), Setting("b")], "'a' needs 'c', and there is no such step"),
        ([Setting("a", needs=("b",)), Setting("b", needs=("a",))], "in a circle: "),
        ([Setting("a", needs=("b",)), Setting("b")], "in a circle: "),
    ],
)
def test_a_list_that_cannot_be_is_refused_before_any_query(steps: list[Step], wrong: str) -> None:
    """It is a mistake in a program, and a ValueError."""
    host = MemoryHost()
    with pytest.raises(StepsWrong, match=wrong) as failed:
        converge_host(host, steps)
    assert isinstance(failed.value, ValueError)
    assert host.requested == []


def test_a_failure_tells_what_is_done_what_failed_and_what_was_not_tried() -> None:
    """And the next run, when the cause is mended, goes on from there."""
    host, steps = MemoryHost(s0="on"), [Setting(name) for name in names(5)]

    def fail(order: str) -> None:
        if order == "set s2 on":
            raise StepRefused(host.where, "the disk is full. Make room.")

    host.before = fail
    with pytest.raises(InstallFailed) as failed:
        converge_host(host, steps)
    report = failed.value.report
    assert [outcome.state for outcome in report] == ["already so", "done", "failed", "not tried", "not tried"]
    assert isinstance(failed.value.failures["s2"], StepRefused)
    assert failed.value.__cause__ is failed.value.failures["s2"]
    text = str(failed.value)
    assert "1 failed:\n  s2: memory: the disk is full. Make room.\n" in text
    assert "done: 2 of 5 steps\nnot tried: s3, s4\n" in text

    host.before = lambda order: None
    host.orders.clear()
    assert converge_host(host, steps).named("done") == ("s2", "s3", "s4")
    assert host.orders == ["set s2 on", "set s3 on", "set s4 on"]


def test_after_a_failure_nothing_new_is_begun() -> None:
    """Not even what does not need it, and was ready long ago."""
    host = MemoryHost()

    def fail(order: str) -> None:
        raise StepRefused(host.where, "no")

    host.before = fail
    with pytest.raises(InstallFailed) as failed:
        converge_host(host, [Setting(name, needs=()) for name in names(6)], workers=2)
    report = failed.value.report
    assert len(host.orders) <= 2
    assert len(report.named("not tried")) >= 4


def test_after_a_failure_what_runs_is_finished() -> None:
    """Half done is worse than done; only new things are not begun."""
    host, failed_already = MemoryHost(), threading.Event()

    def before(order: str) -> None:
        if order == "set bad on":
            failed_already.set()
            raise StepRefused(host.where, "no")
        if order == "set slow on":
            failed_already.wait(10)
            time.sleep(0.05)

    host.before = before
    steps = [Setting("slow", needs=()), Setting("bad", needs=()), Setting("later")]
    with pytest.raises(InstallFailed) as failed:
        converge_host(host, steps)
    assert [outcome.state for outcome in failed.value.report] == ["done", "failed", "not tried"]
    assert host.state == {"slow": "on"}


def test_a_machine_that_is_not_fit_is_refused_with_the_reason() -> None:
    """By the check, so a dry run tells it as well; and nothing is done."""
    for dry_run in (True, False):
        host = MemoryHost(data="precious")
        with pytest.raises(InstallFailed, match="data is in the way"):
            converge_host(host, [Setting("disk", unless="data")], dry_run=dry_run)
        assert host.orders == []


def test_a_dry_run_tells_every_problem() -> None:
    """Not only the first: a person mends them all at once."""
    steps = [Setting("a", unless="x"), Setting("b", unless="x"), Setting("c")]
    with pytest.raises(InstallFailed) as failed:
        converge_host(MemoryHost(x="1"), steps, dry_run=True, workers=1)
    assert [outcome.state for outcome in failed.value.report] == ["failed", "failed", "would change"]


def test_what_does_not_stay_is_reported() -> None:
    """Somebody changes it back at once: no error from the command, and still not so."""
    host = MemoryHost()
    host.after = lambda order: host.state.update(s0="off")
    with pytest.raises(InstallFailed) as failed:
        converge_host(host, [Setting("s0")])
    error = failed.value.failures["s0"]
    assert isinstance(error, StepNotConverged)
    assert "s0: off → on" in str(error)
    assert host.orders == ["set s0 on"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_connection_that_is_lost_in_the_middle_is_resumed(when: str) -> None:
    """Whether it was done by then is seen; if it was, it is not done again."""
    host = MemoryHost()
    lost: list[str] = []

    def lose(order: str) -> None:
        if order == "set s1 on" and not lost:
            lost.append(order)
            raise ConnectionLost(host.where, order)

    setattr(host, when, lose)
    report = converge_host(host, [Setting(name) for name in names(3)])
    assert report.named("done") == ("s0", "s1", "s2")
    assert host.orders.count("set s1 on") == (2 if when == "before" else 1)


def test_a_connection_that_is_lost_each_time_is_reported() -> None:
    """A step that takes the machine down would do so for ever."""
    host = MemoryHost()

    def lose(order: str) -> None:
        raise ConnectionLost(host.where, order)

    host.before = lose
    with pytest.raises(InstallFailed) as failed:
        converge_host(host, [Setting("s0")])
    assert isinstance(failed.value.failures["s0"], ConnectionLost)
    assert len(host.orders) == 4


class ProcessKilled(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("place", range(4))
def test_a_run_that_was_killed_anywhere_is_finished_by_the_next(when: str, place: int) -> None:
    """Right before each order, and right after it: the next run ends as if nothing had been."""
    host, steps = MemoryHost(), [Setting(name) for name in names(4)]

    def kill(order: str) -> None:
        if order == f"set s{place} on":
            raise ProcessKilled

    setattr(host, when, kill)
    with pytest.raises(ProcessKilled):
        converge_host(host, steps)
    setattr(host, when, lambda order: None)
    converge_host(host, steps)
    assert host.state == dict.fromkeys(names(4), "on")
    assert not converge_host(host, steps)


def test_ctrl_c_tells_how_to_go_on_and_ends_what_is_waited_for() -> None:
    """The host is let go of before the threads are waited for."""
    host, closed = MemoryHost(), threading.Event()

    def interrupted(event: Event) -> None:
        if event.moment == "planned":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        converge_host(host, [Setting("s0")], listener=interrupted)

    def wait_for_close(order: str) -> None:
        # As a person's Ctrl-C does.
        os.kill(os.getpid(), signal.SIGINT)
        assert closed.wait(10)
        raise HostClosed(host.where)

    host.before = wait_for_close
    with pytest.raises(KeyboardInterrupt) as stopped:
        converge_host(host, [Setting("s0"), Setting("s1")], on_interrupt=closed.set)
    assert closed.is_set()
    assert "not done: s0, s1\nTo resume, run again." in str(stopped.value)
    assert "s1" not in host.state


def test_events_tell_the_run_as_it_goes() -> None:
    """One planned, one finished; started, and done or failed, of what is changed and of nothing else."""
    host = MemoryHost(s0="on")
    events: list[Event] = []
    converge_host(host, [Setting("s0"), Setting("s1")], listener=events.append)
    assert [(event.moment, event.address) for event in events] == [
        ("planned", ""),
        ("started", "s1"),
        ("done", "s1"),
        ("finished", ""),
    ]
    assert events[0].total == 2


def test_no_steps_are_no_work() -> None:
    """And no question."""
    host = MemoryHost()
    report = converge_host(host, [])
    assert not report
    assert len(report) == 0


def test_several_lists_of_steps_are_one_run() -> None:
    """All is asked in one round trip, and a list that is so already asks nothing more. Events tell the stage."""
    host, events = MemoryHost(a="on", b="on"), list[Event]()
    run = HostRun(host, listener=events.append)
    first, second = [Setting("a", needs=())], [Setting("b", needs=("a",)), Setting("c", needs=("b",))]
    run.expect([*first, *second])
    run.converge(first, stage="dify/first")
    assert host.round_trips == 1
    run.converge(second, stage="dify/second")
    report = run.finished()
    assert [(each.step, each.state, each.stage) for each in report] == [
        ("a", "already so", "dify/first"),
        ("b", "already so", "dify/second"),
        ("c", "done", "dify/second"),
    ]
    assert {(event.address, event.stage) for event in events if event.moment == "done"} == {("c", "dify/second")}


def test_a_step_that_needs_one_that_was_not_done_is_refused() -> None:
    """A stage that does not wait for another one would meet its step half done, now and then."""
    run = HostRun(MemoryHost())
    first, second = [Setting("a", needs=())], [Setting("b", needs=("a",))]
    run.expect([*first, *second])
    with pytest.raises(StepsWrong, match="'b' needs 'a', which was not done before"):
        run.converge(second)


def test_a_list_of_steps_can_be_repeated_after_a_failure() -> None:
    """What failed then and is done now is reported as done."""
    host = MemoryHost()

    def fail(order: str) -> None:
        raise StepRefused(host.where, "the disk is full. Make room.")

    host.before = fail
    run, steps = HostRun(host), [Setting("a", needs=())]
    with pytest.raises(InstallFailed):
        run.converge(steps)
    host.before = lambda order: None
    run.converge(steps)
    assert run.failures == {}
    assert run.report()["a"].state == "done"
