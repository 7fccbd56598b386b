"""Versions: the numbers of a release, to compare it by."""

from __future__ import annotations


def numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version: 1.10 comes after 1.9.

    Args:
        version: three numbers with dots between them.

    Returns:
        Its numbers; none of what is no version.
    """
    parts = version.split(".")
    return tuple(map(int, parts)) if all(each.isascii() and each.isdigit() for each in parts) else ()


def crosses(before: str, at: str, after: str) -> bool:
    """Whether an upgrade reaches or passes a release.

    Args:
        before: the release until now. From what is no version, nothing is crossed.
        at: the release that is reached or passed.
        after: the release from now on.
    """
    return bool(numbers(before)) and numbers(before) < numbers(at) <= numbers(after)
