"""Expressions: the variables that a text of a Compose file refers to, as in ``${DB_HOST:-db}``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_BEGINNING: Final = re.compile(r"\$\{([A-Za-z_]\w*)(:?[-?+])?")
_BARE: Final = re.compile(r"\$([A-Za-z_]\w*)")


@dataclass(frozen=True)
class Reference:
    """A variable that is referred to.

    Attributes:
        name: its name.
        default: what Compose takes if it is empty or not set; empty if there is nothing.
        fallback: the variable that the default begins with; empty if there is none.
    """

    name: str
    default: str = ""
    fallback: str = ""


def references(text: str) -> Iterator[Reference]:
    """Every variable that a text refers to, those in a default as well.

    Args:
        text: a value of a Compose file. ``$$`` is a dollar sign.

    Yields:
        The references, in the order of the text.
    """
    text = text.replace("$$", "  ")
    position = 0
    while (position := text.find("$", position)) >= 0:
        if bare := _BARE.match(text, position):
            yield Reference(bare[1])
            position = bare.end()
        elif begin := _BEGINNING.match(text, position):
            end = _end(text, begin.end())
            rest = text[begin.end() : end]
            default = rest if (begin[2] or "").endswith("-") else ""
            inner = tuple(references(rest))
            yield Reference(begin[1], default, inner[0].name if inner and default.startswith("$") else "")
            yield from inner
            position = end + 1
        else:
            position += 1


def _end(text: str, start: int) -> int:
    """Where the brace that is open at the start is closed."""
    depth = 1
    for index in range(start, len(text)):
        if text.startswith("${", index):
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if not depth:
                return index
    return len(text)
