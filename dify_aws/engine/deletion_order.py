"""Removal: in which order things that were found can be deleted, without knowing what was once wished for.

What holds the id of another thing needs it, so it goes first. That is all there is to see when the settings are lost,
and it is enough: AWS tells the ids. The few orders that no id shows are the ``after`` of a kind, turned round.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass

from dify_aws.engine.discovery import Things


def deletion_edges(things: Things) -> dict[str, set[str]]:
    """For each place in ``things``, the places that must be gone before it."""
    place_of = {actual.id: place for place, (_, actual) in things.items()}
    deleted_first: dict[str, set[str]] = {place: set() for place in things}
    for place, (kind, actual) in things.items():
        needed = {place_of[text] for text in _texts([actual.values, actual.facts]) if text in place_of}
        needed |= {other for other, (its_kind, _) in things.items() if its_kind.kind in kind.after}
        # What has to outlive another kind waits for it, even where it holds the other's id.
        needed = {other for other in needed if things[other][0].kind not in kind.goes_after}
        deleted_first[place] |= {other for other, (its_kind, _) in things.items() if its_kind.kind in kind.goes_after}
        for other in needed - {place}:
            deleted_first[other].add(place)
    return deleted_first


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif is_dataclass(value) and not isinstance(value, type):
        for each in fields(value):
            yield from _texts(getattr(value, each.name))
    elif isinstance(value, Iterable):
        for item in value:
            yield from _texts(item)
