"""Further: work in the walk of a stack that is no resource, such as what is done on a machine once that is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dify_aws.engine.resource import Actual


@dataclass(frozen=True)
class ExternalNode:
    """It begins when the addresses that it ``needs`` are there.

    Args:
        needs: the addresses.
        do: is given what has been found until then.
        stop: ends what it waits for, when the run is being stopped (Ctrl-C).
        check: is given what there is before anything is changed, and raises PlanRefused if it cannot be done.
    """

    needs: frozenset[str]
    do: Callable[[Mapping[str, Actual | None]], None]
    stop: Callable[[], None] = lambda: None
    check: Callable[[Mapping[str, Actual | None]], None] = lambda found: None
