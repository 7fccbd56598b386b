"""Renames: which new name stands for which old one, as far as names tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

CLOSEST: Final = 0.5
"""How many of the words of two names have to be the same, of those that are in either."""


def renamed(new: Iterable[str], old: Iterable[str]) -> Mapping[str, str]:
    """The names that were probably renamed.

    Args:
        new: names that only the newer release has.
        old: names that only the older one has.

    Returns:
        The old name by the new one. A name that is as close to two others is left out: that is for a person.
    """
    pairs = [(_likeness(after, before), after, before) for after in new for before in old]
    found: dict[str, str] = {}
    for score, after, before in sorted(pairs, reverse=True):
        if score < CLOSEST or after in found or before in found.values():
            continue
        rivals = [
            pair
            for pair in pairs
            if pair[0] == score
            and pair[1:] != (after, before)
            and ((pair[1] == after and pair[2] not in found.values()) or (pair[2] == before and pair[1] not in found))
        ]
        if not rivals:
            found[after] = before
    return found


def _likeness(after: str, before: str) -> float:
    words, others = set(after.split("_")), set(before.split("_"))
    return len(words & others) / len(words | others)
