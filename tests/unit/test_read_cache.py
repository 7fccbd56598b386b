"""What the census promises: one call for many questions, and never an answer from before a change."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from dify_aws.aws.read_cache import ReadCache


class Source:
    """Something to ask: counts how often, and can hold an answer back."""

    def __init__(self) -> None:
        self.requested = 0
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self) -> int:
        self.requested += 1
        answer = self.requested
        self.begun.set()
        assert self.go_on.wait(5)
        return answer


def test_a_table_is_read_once() -> None:
    read_cache, source = ReadCache(), Source()

    assert [read_cache.read("vpcs", source) for _ in range(3)] == [1, 1, 1]


def test_after_a_change_it_is_read_anew() -> None:
    read_cache, source = ReadCache(), Source()
    read_cache.read("vpcs", source)
    read_cache.forget("subnets")
    assert read_cache.read("vpcs", source) == 1

    read_cache.forget("vpcs")
    assert read_cache.read("vpcs", source) == 2


def test_keys_of_a_table_are_read_apart_and_forgotten_together() -> None:
    read_cache, source = ReadCache(), Source()
    assert [read_cache.read("roles", source, "a"), read_cache.read("roles", source, "b")] == [1, 2]

    read_cache.forget("roles")
    assert [read_cache.read("roles", source, "a"), read_cache.read("roles", source, "b")] == [3, 4]


def test_a_read_that_began_before_a_change_is_not_used_after_it() -> None:
    read_cache, source = ReadCache(), Source()
    source.go_on.clear()
    with ThreadPoolExecutor() as pool:
        before = pool.submit(read_cache.read, "vpcs", source)
        assert source.begun.wait(5)
        read_cache.forget("vpcs")
        after = pool.submit(read_cache.read, "vpcs", source)
        source.go_on.set()

        assert (before.result(5), after.result(5)) == (1, 2)


def test_those_who_come_during_a_stale_read_share_the_next_one() -> None:
    read_cache, source = ReadCache(), Source()
    source.go_on.clear()
    with ThreadPoolExecutor() as pool:
        pool.submit(read_cache.read, "log-groups", source)
        assert source.begun.wait(5)
        later = []
        for _ in range(4):
            read_cache.forget("log-groups")
            later.append(pool.submit(read_cache.read, "log-groups", source))
        source.go_on.set()

        assert {each.result(5) for each in later} == {2}


def test_a_failed_read_is_raised_for_all_who_waited_and_tried_again_later() -> None:
    read_cache = ReadCache()

    def refused() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        read_cache.read("vpcs", refused)
    assert read_cache.read("vpcs", lambda: 1) == 1


def test_what_is_known_is_not_requested() -> None:
    read_cache, source = ReadCache(), Source()
    read_cache.know("tags", 4711, "web")
    assert read_cache.read("tags", source, "web") == 4711

    read_cache.forget("tags")
    assert read_cache.read("tags", source, "web") == 1
