"""What the census promises: one call for many questions, and never an answer from before a change."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dify_aws.aws.census import Census


class Source:
    """Something to ask: counts how often, and can hold an answer back."""

    def __init__(self) -> None:
        self.asked = 0
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self) -> int:
        self.asked += 1
        answer = self.asked
        self.begun.set()
        assert self.go_on.wait(5)
        return answer


def test_a_table_is_read_once() -> None:
    census, source = Census(), Source()

    assert [census.read("vpcs", source) for _ in range(3)] == [1, 1, 1]


def test_after_a_change_it_is_read_anew() -> None:
    census, source = Census(), Source()
    census.read("vpcs", source)
    census.forget("subnets")
    assert census.read("vpcs", source) == 1

    census.forget("vpcs")
    assert census.read("vpcs", source) == 2


def test_keys_of_a_table_are_read_apart_and_forgotten_together() -> None:
    census, source = Census(), Source()
    assert [census.read("roles", source, "a"), census.read("roles", source, "b")] == [1, 2]

    census.forget("roles")
    assert [census.read("roles", source, "a"), census.read("roles", source, "b")] == [3, 4]


def test_a_read_that_began_before_a_change_is_not_used_after_it() -> None:
    census, source = Census(), Source()
    source.go_on.clear()
    with ThreadPoolExecutor() as pool:
        before = pool.submit(census.read, "vpcs", source)
        assert source.begun.wait(5)
        census.forget("vpcs")
        after = pool.submit(census.read, "vpcs", source)
        source.go_on.set()

        assert (before.result(5), after.result(5)) == (1, 2)


def test_those_who_come_during_a_stale_read_share_the_next_one() -> None:
    census, source = Census(), Source()
    source.go_on.clear()
    with ThreadPoolExecutor() as pool:
        pool.submit(census.read, "log-groups", source)
        assert source.begun.wait(5)
        later = []
        for _ in range(4):
            census.forget("log-groups")
            later.append(pool.submit(census.read, "log-groups", source))
        source.go_on.set()

        assert {each.result(5) for each in later} == {2}


def test_a_failed_read_is_told_to_all_who_waited_and_tried_again_later() -> None:
    census = Census()

    def refused() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        census.read("vpcs", refused)
    assert census.read("vpcs", lambda: 1) == 1


def test_what_is_known_is_not_asked() -> None:
    census, source = Census(), Source()
    census.know("tags", 4711, "web")
    assert census.read("tags", source, "web") == 4711

    census.forget("tags")
    assert census.read("tags", source, "web") == 1
