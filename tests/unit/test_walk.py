"""What a walk promises: order, several at a time, and an honest end."""

from __future__ import annotations

import threading
import time

import pytest

from dify_aws.errors import StackError
from dify_aws.run_interrupted import RunInterrupted
from dify_aws.walk import walk


def test_each_node_comes_after_what_it_needs() -> None:
    seen: list[str] = []
    walk({"c": {"b"}, "b": {"a"}, "a": set()}, seen.append)

    assert seen == ["a", "b", "c"]


def test_independent_branches_run_at_the_same_time() -> None:
    """Both wait for each other: one after the other, they would wait for ever."""
    meeting = threading.Barrier(2, timeout=5)
    walked = walk({"a": (), "b": ()}, lambda _: meeting.wait())

    assert set(walked.done) == {"a", "b"}


def test_a_node_starts_when_its_own_needs_are_met_and_not_when_a_level_is_done() -> None:
    behind_a = threading.Event()

    def visit(node: str) -> None:
        if node == "slow":
            assert behind_a.wait(5), "b was held back by something it does not need"
        elif node == "b":
            behind_a.set()

    walked = walk({"slow": (), "a": (), "b": ("a",)}, visit)

    assert not walked.failures


def test_a_failure_lets_what_runs_finish_and_starts_nothing_new() -> None:
    failed = threading.Event()

    def visit(node: str) -> str:
        if node == "bad":
            failed.set()
            raise ValueError("no")
        assert failed.wait(5)
        time.sleep(0.05)
        return node

    walked = walk({"bad": (), "running": (), "after-running": ("running",), "after-bad": ("bad",)}, visit)

    assert walked.done == {"running": "running"}
    assert list(walked.failures) == ["bad"]
    assert walked.not_tried == ("after-running", "after-bad")


def test_a_circle_is_named() -> None:
    with pytest.raises(StackError, match=r"a → b → a|b → a → b"):
        walk({"a": ("b",), "b": ("a",)}, lambda _: None)


def test_ctrl_c_ends_waits_finishes_what_runs_and_says_what_is_done() -> None:
    stop_requested, second_begun = threading.Event(), threading.Event()

    def visit(node: str) -> None:
        if node == "interrupted":
            assert second_begun.wait(5)
            raise KeyboardInterrupt
        second_begun.set()
        assert stop_requested.wait(5), "nobody ended the wait"

    with pytest.raises(KeyboardInterrupt) as caught:
        walk({"interrupted": (), "waiting": (), "later": ("waiting",)}, visit, on_interrupt=stop_requested.set)

    assert isinstance(caught.value, RunInterrupted)
    assert (caught.value.done, caught.value.not_done) == (("waiting",), ("interrupted", "later"))
    assert str(caught.value) == "done: waiting\nnot done: interrupted, later\nTo resume, run again."


def test_what_is_no_exception_goes_through() -> None:
    """A process that dies does not tidy up first."""

    class ProcessKilled(BaseException):
        pass

    def visit(_: str) -> None:
        raise ProcessKilled

    with pytest.raises(ProcessKilled):
        walk({"a": ()}, visit)


def test_what_waits_for_a_worker_is_not_started_after_a_failure() -> None:
    """With one worker, the second of two independent nodes has to wait; the first one fails."""
    seen: list[str] = []

    def visit(node: str) -> None:
        seen.append(node)
        raise ValueError("no")

    walked = walk({"a": (), "b": ()}, visit, workers=1)

    assert seen == ["a"]
    assert walked.not_tried == ("b",)
