"""Deaths: processes that die at calls, one after the other, until one of them comes to its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TypeVar

from dify_aws.offline.faults import ProcessKilled
from dify_aws.offline.world import World

T = TypeVar("T")


def dies_at_each(world: World, calls: Mapping[str, int], run: Callable[[], T]) -> T:
    """What ``run`` gives in the process that comes to its end, after others have died at every call of ``calls``.

    ``calls`` is how often each operation is needed. For each time, one process dies right before it is sent, and a
    later one right after it was: AWS has done it, and nobody has read so. Which call comes first is not known, as
    threads race; so a process dies at whichever it reaches first. Of each operation it can send one at most, and that
    only if it dies of it: so none gets through without a death.
    """
    deaths: Counter[str] = Counter()
    while True:
        for operation, count in calls.items():
            before, after = deaths[f"died before {operation}"], deaths[f"died after {operation}"]
            if after < count and after < before:
                world.faults.kill_after(operation)
                world.faults.kill_before(operation, 2)
            elif after < count:
                world.faults.kill_before(operation)
        try:
            ended = run()
        except ProcessKilled:
            deaths.update(world.faults.deaths)
            world.restart()
            continue
        for operation, count in calls.items():
            assert deaths[f"died after {operation}"] == count
            assert deaths[f"died before {operation}"] >= count
        return ended
