"""Foreign JSON: a text that others may have written, read within bounds of size and depth.

Python's own reader takes as many levels as its stack has, and what then walks through the value ends in a
RecursionError somewhere else. So what is deeper than anything of ours or AWS's is refused here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

MOST_CHARACTERS: Final = 4 * 1024 * 1024
"""Longer than everything that is read: an event of CloudTrail has 256 KiB, a record 1 MiB."""

MOST_LEVELS: Final = 32
"""Deeper than everything that is read: a document of the Price List has 8 levels, a policy 5."""


def parse_json(
    text: str,
    *,
    most_levels: int = MOST_LEVELS,
    parse_float: Callable[[str], Any] | None = None,
    object_pairs_hook: Callable[[list[tuple[str, Any]]], Any] | None = None,
) -> Any:
    """The value of a text in JSON, in linear time.

    Args:
        text: the text.
        most_levels: how deep its lists and objects may be.
        parse_float: as for ``json.loads``.
        object_pairs_hook: as for ``json.loads``.

    Raises:
        ValueError: it is no JSON, too long or too deep. The message does not quote it.

    >>> parse_json('{"a": [1]}')
    {'a': [1]}
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"it has more than {MOST_CHARACTERS:,} characters")
    try:
        value = json.loads(text, parse_float=parse_float, object_pairs_hook=object_pairs_hook)
    except RecursionError:
        raise ValueError(f"it is more than {most_levels} levels deep") from None
    if is_deeper(value, most_levels):
        raise ValueError(f"it is more than {most_levels} levels deep")
    return value


def is_deeper(value: object, levels: int) -> bool:
    """Whether lists and dicts stand more than ``levels`` deep in each other. Takes no stack, and linear time."""
    inside = [value]
    for _ in range(levels + 1):
        inside = [
            item
            for each in inside
            if isinstance(each, dict | list)
            for item in (each.values() if isinstance(each, dict) else each)
        ]
        if not inside:
            return False
    return True
