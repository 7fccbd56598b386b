"""Script: bash that is more than plain commands, kept apart from its arguments."""

from __future__ import annotations

import shlex


def script(text: str, *arguments: str) -> str:
    """``body`` with ``arguments`` as its $1, $2, ….

    Most of what steps do is one plain command a line. Where bash has to decide for itself, because the next round trip
    would be too late, the body is a constant: whoever stands in for a host knows it by its text.
    """
    return f"set -- {shlex.join(arguments)}\n{text}"
