"""Fitting: what to ask less of, where a machine is too small for what its settings ask."""

from __future__ import annotations

from bisect import bisect_left
from typing import Any

from dify_aws.limits.limits import OURS
from dify_aws.limits.of_settings import limits_of, with_settings


def ask_less(settings: Any, memory_mib: int) -> str:
    """What would make a machine large enough, as a part of a sentence.

    Args:
        settings: a ``Settings``, or anything that has the same attributes.
        memory_mib: MiB of the machine's memory that Linux shows.
    """
    people = 0 if settings.concurrency is None else most_people(settings, memory_mib)
    return f"set concurrency to {people} or less" if people else "ask for less (profile, limits)"


def most_people(settings: Any, memory_mib: int) -> int:
    """The largest ``concurrency`` that a machine carries with these settings; 0 if even one person is too many.

    Args:
        settings: a ``Settings``, or anything that has the same attributes.
        memory_mib: MiB of the machine's memory that Linux shows.
    """
    others = {name: getattr(settings, name) for name in OURS - {"concurrency"}}

    def fits(people: int) -> bool:
        return with_settings(settings, **others, concurrency=people).machine_mib(settings.vector_store) <= memory_mib

    most = limits_of(settings).concurrency
    return bisect_left(range(1, most + 1), True, key=lambda people: not fits(people))
