"""Shown: a value as an error may show it: short, and nothing of it that may be secret."""

import re
from collections.abc import Collection, Mapping
from typing import Final

from dify_aws.secrets import MASK, Secret

VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]*")
"""How variables of Dify are called; what stands under such a name may be a password that lost its way."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_PATH: Final = re.compile(r"[\w-]+(/[\w-]+){2,}")
_ASSIGNMENT: Final = re.compile(r"\s*\{|\s*\W?[A-Z][A-Z0-9_]*\W?\s*(=|:\s)")
# "user:password@host", but not the tag and the digest of an image ("name:tag@sha256:…").
_LOGIN: Final = re.compile(r"(?<=:)[^@/\s]+(?=@(?!sha256:))")
_LONGEST: Final = 512
_MOST: Final = 64
_DEEPEST: Final = 3
_LARGEST: Final = 10**40


class Words(str):
    """Said instead of a value that is not shown; its repr has no quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def shown(setting: str, value: object, settings: Collection[str]) -> object:
    """What a problem shows as the value of a setting.

    Args:
        setting: the name that the value was given.
        value: the value as it was written, of whatever type and size.
        settings: the names of all settings. Under any other name, and under ``env``, everything is secret.

    Returns:
        The value itself if it is short and harmless.
    """
    if value is None:
        return None
    if setting not in settings or setting == "env":
        if isinstance(value, Mapping):
            return {shown_name(name): MASK for name in list(value)[:_MOST]}
        return MASK
    if setting == "registry_secret":
        # Its name is meant; who has written the login itself must not find it in a log.
        return value if isinstance(value, str) and _PATH.fullmatch(value) else MASK
    if setting in ("images", "tags") and isinstance(value, str):
        # A table in an environment variable: the names of it.
        return ",".join(f"{shown_name(name.strip())}={MASK}" for name, _, _ in _pairs(value)[:_MOST])
    return _bounded(value)


def shown_name(name: object) -> str:
    """A name that somebody gave to something: itself if it looks like a name, and a mask otherwise."""
    return name if isinstance(name, str) and _NAME.fullmatch(name) else MASK


def brief(value: object) -> str:
    """The repr of a value as it may stand in the words of a problem."""
    return repr(_bounded(value))


def _pairs(text: str) -> list[tuple[str, str, str]]:
    return [part.partition("=") for part in text.split(",")]


def _bounded(value: object, depth: int = 0) -> object:
    if value is None or isinstance(value, bool | float | Secret):
        return value
    if isinstance(value, int):
        return value if abs(value) < _LARGEST else Words("a number of more than 40 digits")
    if isinstance(value, str):
        return _text(value)
    if depth == _DEEPEST or not isinstance(value, Mapping | list | tuple | set | frozenset):
        return Words(f"a value of type {type(value).__name__}")
    if isinstance(value, Mapping):
        return {
            _bounded(name): MASK if isinstance(name, str) and VARIABLE.fullmatch(name) else _bounded(worth, depth + 1)
            for name, worth in list(value.items())[:_MOST]
        }
    items = [_bounded(one, depth + 1) for one in list(value)[:_MOST]]
    if len(value) > _MOST:
        items.append(Words(f"{len(value) - _MOST} more"))
    return items if isinstance(value, list) else tuple(items) if isinstance(value, tuple) else set(items)


def _text(value: str) -> object:
    if _ASSIGNMENT.match(value):
        return MASK
    start = _LOGIN.sub(MASK, value[:_LONGEST])
    if len(value) <= _LONGEST:
        return start
    return Words(f"{start[:40]!r} and {len(value) - 40} characters more")
