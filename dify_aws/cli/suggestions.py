"""Suggestions: the word that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A question to put after a message; empty if nothing is alike.

    Args:
        word: what was typed.
        known: what can be typed.
    """
    close = get_close_matches(word, list(known), n=2, cutoff=0.7)
    return f" Did you mean {' or '.join(close)}?" if close else ""
