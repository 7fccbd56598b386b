"""Rules: what the value of one setting must be, in words for the person who wrote it otherwise.

A rule takes a value as it was written, of whatever type, and gives it back in its one exact form (a list of networks as
a tuple, a bare address as a network). A value that cannot be used raises ``Broken`` with all that is wrong with it.
"""

import re
from collections.abc import Callable, Collection
from difflib import get_close_matches
from typing import Final

from dify_aws.pickling import Picklable

_LABEL: Final = re.compile(r"[a-z](-?[a-z0-9])*")


class Broken(Picklable, ValueError):
    """A value that breaks its rule. ``faults`` has, for each thing, what is wrong and what would be right."""

    def __init__(self, *faults: tuple[str, str]) -> None:
        super().__init__(*faults)
        self.faults = faults


def optional(rule: Callable[[object], object]) -> Callable[[object], object]:
    """The same rule for a setting that may also be left out (None)."""
    return lambda value: None if value is None else rule(value)


def did_you_mean(word: str, known: Collection[str]) -> str:
    """What the nearest of the known words is, if any is near; otherwise all of them."""
    near = get_close_matches(word[:64].lower(), known, n=1)
    return f'Did you mean "{near[0]}"?' if near else f"Choose one of {', '.join(sorted(known))}"


def text(value: object) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise Broken((f"is not a text but {type(value).__name__}", "Write a string"))
    return value


def flag(value: object) -> bool:
    """Yes or no; a 1 or a "no" is neither."""
    if not isinstance(value, bool):
        raise Broken(("is neither true nor false", "Write true or false"))
    return value


def whole_number(least: int, most: int, why: str) -> Callable[[object], int]:
    """A whole number between two limits, both allowed. ``why`` ends the sentence that tells them."""

    def rule(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Broken(("is not a whole number", f"Write one from {least} to {most}"))
        if not least <= value <= most:
            raise Broken((f"is not between {least} and {most}", f"At least {least}, at most {most}: {why}"))
        return value

    return rule


def choice(*words: str) -> Callable[[object], str]:
    """One of these words."""

    def rule(value: object) -> str:
        if (written := text(value)) not in words:
            raise Broken(("is no choice here", did_you_mean(written, words)))
        return written

    return rule


def label(value: object) -> str:
    """A part of names in AWS: short enough that the longest, a bucket's, stays within S3's 63 characters.

    It has no two hyphens in a row: those separate the parts.
    """
    if not _LABEL.fullmatch(written := text(value)) or len(written) > 16:
        raise Broken(
            (
                "cannot be part of the names in AWS",
                'Use 1 to 16 of a-z, 0-9 and single hyphens, from a letter to a letter or digit, like "dev"',
            )
        )
    return written
