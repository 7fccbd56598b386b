"""Process kills: processes are killed at calls, one after the other, until one of them completes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TypeVar

from dify_aws.offline.faults import ProcessKilled
from dify_aws.offline.world import World

T = TypeVar("T")


def killed_at_each(world: World, calls: Mapping[str, int], run: Callable[[], T]) -> T:
    """Run a function in one process after the other, each killed at another call, until one completes.

    For each needed call, one process is killed before it is sent, and a later one after AWS has executed it and before
    the response is read. Threads race, so a process is killed at whichever call it reaches first. It can send each
    operation at most once, and only if it is killed by it, so no process completes before all kills.

    Args:
        world: the world.
        calls: how often each operation is needed.
        run: the function.

    Returns:
        The result of the process that completes.
    """
    kills: Counter[str] = Counter()
    while True:
        for operation, count in calls.items():
            before, after = kills[f"killed before {operation}"], kills[f"killed after {operation}"]
            if after < count and after < before:
                world.faults.kill_after(operation)
                world.faults.kill_before(operation, 2)
            elif after < count:
                world.faults.kill_before(operation)
        try:
            ended = run()
        except ProcessKilled:
            kills.update(world.faults.kills)
            world.restart()
            continue
        for operation, count in calls.items():
            assert kills[f"killed after {operation}"] == count
            assert kills[f"killed before {operation}"] >= count
        return ended
