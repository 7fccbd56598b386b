"""Change: one attribute that is not in its desired state, in AWS or on the host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass

from dify_aws.printable import printable


@dataclass(frozen=True)
class Unknown:
    """A value that AWS will only say when the thing it belongs to has been made: ``what`` says which."""

    what: str

    def __str__(self) -> str:
        return f"({self.what})"


@dataclass(frozen=True)
class Affected:
    """What a change concerns, by name, where nothing can be shown of how it was before."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return ", ".join(self.names)


@dataclass(frozen=True)
class Change:
    """``attribute`` is ``before`` and shall be ``after``."""

    attribute: str
    before: object
    after: object

    def __str__(self) -> str:
        return f"{self.attribute}: {self.difference()}"

    def difference(self) -> str:
        """What is different: of two collections only what comes and what goes."""
        match self.before, self.after:
            case None, Affected():
                return shown(self.after)
            case frozenset(), frozenset():
                goes = [shown(item) for item in self.before - self.after]
                comes = [shown(item) for item in self.after - self.before]
            case dict(), dict():
                goes, comes = _only(self.before, self.after), _only(self.after, self.before)
            case _:
                return f"{shown(self.before)} → {shown(self.after)}"
        return ", ".join([f"- {item}" for item in sorted(goes)] + [f"+ {item}" for item in sorted(comes)])


def _only(one: Mapping[object, object], other: Mapping[object, object]) -> list[str]:
    """What one has and the other has not. By value: one policy may be written in several ways."""
    return [f"{shown(key)}: {shown(item)}" for key, item in one.items() if key not in other or other[key] != item]


def unknown(value: object) -> bool:
    """Whether the value, or something in it, is not known yet."""
    if isinstance(value, Unknown):
        return True
    if isinstance(value, Mapping):
        return any(unknown(item) for item in value.values())
    if is_dataclass(value) and not isinstance(value, type):
        return any(unknown(getattr(value, each.name)) for each in fields(value))
    return isinstance(value, tuple | list | frozenset) and any(unknown(item) for item in value)


def shown(value: object) -> str:
    """A value in the words of a plan: short, stable from run to run, and never a secret (Secret masks itself)."""
    match value:
        case None:
            return "none"
        case bool():
            return "on" if value else "off"
        case float() if value.is_integer():
            return str(int(value))
        case str() if value == "":
            return '""'
        case str():
            return printable(value)
        case dict():
            return "{" + ", ".join(f"{shown(key)}: {shown(item)}" for key, item in sorted(value.items())) + "}"
        case frozenset() | set():
            return "[" + ", ".join(sorted(shown(item) for item in value)) + "]"
        case tuple() | list():
            return "[" + ", ".join(shown(item) for item in value) + "]"
        case _:
            return printable(str(value))
