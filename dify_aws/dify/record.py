"""Record: the TOML file of a release, read. Every problem of a file is reported at once."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, cast

from dify_aws.dify.check import problems_of
from dify_aws.dify.errors import ReleaseError
from dify_aws.dify.release import Gate, Job, Release, Requirements, frozen
from dify_aws.dify.routes import Route
from dify_aws.dify.service import CONDITIONS, Condition, Need, Service
from dify_aws.dify.variable_types import TYPES, ValueType
from dify_aws.dify.variables import Reader, Refusal, Variable
from dify_aws.errors import Problem

_TEXT: Final = (str, "text")
_TEXTS: Final = (list, "a list of texts")
_FLAG: Final = (bool, "true or false")
_NUMBER: Final = (int, "a whole number")

_Shape = Mapping[str, tuple[type, str]]

_REQUIREMENTS: Final[_Shape] = {"memory_mib": _NUMBER, "disk_gib": _NUMBER, "docker": _TEXT, "compose": _TEXT}
_SERVICE: Final[_Shape] = {
    **dict.fromkeys(("image", "optional", "mode", "health"), _TEXT),
    "ports": (list, "a list of ports"),
    "needs": _TEXTS,
    "smoke": _FLAG,
    "memory_mib": _NUMBER,
    "configuration": (dict, "a table of texts"),
}
_VARIABLE: Final[_Shape] = {
    **dict.fromkeys(("default", "same_as", "renamed_from"), _TEXT),
    "readers": _TEXTS,
    "secret": _FLAG,
    "required": _FLAG,
    "undocumented": _FLAG,
}
_TYPE: Final[_Shape] = {"type": _TEXT, "names": _TEXTS, "least": _NUMBER, "unit": _TEXT, "choices": _TEXTS}
_REFUSAL: Final[_Shape] = {"names": _TEXTS, "reason": _TEXT}
_ROUTE: Final[_Shape] = {"path": _TEXT, "service": _TEXT, "port": _NUMBER, "without": _TEXT}
_JOB: Final[_Shape] = {
    "name": _TEXT,
    "command": _TEXTS,
    **dict.fromkeys(("when", "crossing_to", "reason"), _TEXT),
    "fresh": _FLAG,
}
_GATE: Final[_Shape] = {
    **dict.fromkeys(("before", "reason", "service"), _TEXT),
    **dict.fromkeys(("reversible", "stops"), _FLAG),
}

_TABLES: Final = ("requirements", "images", "digests", "databases", "services", "omitted", "variables")
_LISTS: Final = ("types", "refused", "routes", "jobs", "gates")


def read_release(text: str, where: str) -> Release:
    """A release from the text of its record.

    Args:
        text: TOML.
        where: name of the file, for errors.

    Returns:
        The release, proved to be consistent in itself.

    Raises:
        ReleaseError: everything that is wrong with the record.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ReleaseError(where, [Problem(where, None, str(error), "a TOML file")]) from None
    problems = [*_outline(raw, where)]
    if problems:
        raise ReleaseError(where, problems)
    problems = [*_entries(raw, where)]
    if problems:
        raise ReleaseError(where, problems)
    release = _release(raw)
    problems = [Problem(f"{where}: {each.field}", each.value, each.wrong, each.right) for each in problems_of(release)]
    if problems:
        raise ReleaseError(where, problems)
    return release


def _outline(raw: Mapping[str, Any], where: str) -> list[Problem]:
    wanted: dict[str, tuple[type, str]] = {
        **dict.fromkeys(("version", "source", "migration_head"), _TEXT),
        **dict.fromkeys(_TABLES, (dict, "a table")),
        **dict.fromkeys(_LISTS, (list, "a list of tables")),
    }
    found = [*_shape(raw, wanted, where)]
    needed = ("version", "source", *(name for name in _TABLES if name not in ("digests", "omitted")), "routes")
    found += [Problem(f"{where}: {name}", None, "is missing", wanted[name][1]) for name in needed if name not in raw]
    return found


def _entries(raw: Mapping[str, Any], where: str) -> list[Problem]:
    found = _shape(raw["requirements"], _REQUIREMENTS, f"{where}: requirements", needed=tuple(_REQUIREMENTS))
    for table in ("images", "digests", "databases", "omitted"):
        values = raw.get(table, {})
        found += _shape(values, dict.fromkeys(values, _TEXT), f"{where}: {table}")
    for table, shape, key in (("services", _SERVICE, "image"), ("variables", _VARIABLE, "readers")):
        for name, entry in raw[table].items():
            found += _shape(entry, shape, f"{where}: {table}.{name}", needed=(key,))
    lists: tuple[tuple[str, _Shape, tuple[str, ...]], ...] = (
        ("types", _TYPE, ("type", "names")),
        ("refused", _REFUSAL, tuple(_REFUSAL)),
        ("routes", _ROUTE, ("path", "service", "port")),
        ("jobs", _JOB, ("name", "command", "when", "crossing_to", "reason")),
        ("gates", _GATE, ("before", "reason", "reversible")),
    )
    for name, shape, needed in lists:
        for index, entry in enumerate(raw.get(name, [])):
            found += _shape(entry, shape, f"{where}: {name}[{index}]", needed=needed)
    if not found:
        typed = Counter(name for entry in raw.get("types", []) for name in entry["names"])
        twice = [name for name, count in typed.items() if count > 1]
        found += [Problem(f"{where}: types", name, "is there twice", "one type") for name in twice]
    return found


def _shape(entry: object, shape: _Shape, where: str, *, needed: tuple[str, ...] = ()) -> list[Problem]:
    if not isinstance(entry, dict):
        return [Problem(where, entry, "is no table", "a table")]
    found = [Problem(where, None, f"{name} is missing", shape[name][1]) for name in needed if name not in entry]
    for name, value in entry.items():
        if name not in shape:
            found.append(Problem(f"{where}: {name}", value, "is not known", f"one of {', '.join(shape)}"))
        elif not _fits(name, value, shape[name][0]):
            found.append(Problem(f"{where}: {name}", value, "has the wrong form", shape[name][1]))
    return found


def _fits(name: str, value: object, kind: type) -> bool:
    if isinstance(value, bool) and kind is not bool:  # a bool is an int for Python
        return False
    if not isinstance(value, kind):
        return False
    if name == "needs":
        return all(isinstance(each, str) and each.rpartition(":")[2] in CONDITIONS for each in cast(list[Any], value))
    if name == "type":
        return value in TYPES
    if name == "when":
        return value in ("before", "after")
    if name == "ports":
        return all(isinstance(each, int) and not isinstance(each, bool) for each in cast(list[Any], value))
    if name in ("readers", "names", "command", "choices"):
        return all(isinstance(each, str) for each in cast(list[Any], value))
    if name == "configuration":
        return all(isinstance(each, str) for each in cast(dict[str, Any], value).values())
    return True


def _release(raw: Mapping[str, Any]) -> Release:
    return Release(
        version=raw["version"],
        source=raw["source"],
        requirements=Requirements(**raw["requirements"]),
        images=frozen(raw["images"]),
        digests=frozen(raw.get("digests", {})),
        databases=frozen(raw["databases"]),
        services={name: _service(name, entry) for name, entry in raw["services"].items()},
        omitted=frozen(raw.get("omitted", {})),
        variables={name: _variable(name, entry) for name, entry in raw["variables"].items()},
        types=MappingProxyType(dict(_types(raw.get("types", [])))),
        refused=tuple(Refusal(names=tuple(each["names"]), reason=each["reason"]) for each in raw.get("refused", [])),
        routes=tuple(Route(**each) for each in raw["routes"]),
        jobs=tuple(Job(**{**each, "command": tuple(each["command"])}) for each in raw.get("jobs", [])),
        gates=tuple(Gate(**each) for each in raw.get("gates", [])),
        migration_head=raw.get("migration_head", ""),
    )


def _service(name: str, entry: Mapping[str, Any]) -> Service:
    return Service(
        name=name,
        **{**entry, "ports": tuple(entry.get("ports", ())), "needs": tuple(map(_need, entry.get("needs", ())))},
    )


def _types(entries: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, ValueType]]:
    for entry in entries:
        rest = {name: value for name, value in entry.items() if name != "names"}
        found = ValueType(**{**rest, "choices": tuple(entry.get("choices", ()))})
        yield from ((name, found) for name in entry["names"])


def _need(text: str) -> Need:
    service, _, condition = text.rpartition(":")
    return Need(service=service, condition=cast(Condition, condition))


def _variable(name: str, entry: Mapping[str, Any]) -> Variable:
    return Variable(name=name, **{**entry, "readers": tuple(map(_reader, entry["readers"]))})


def _reader(text: str) -> Reader:
    service, _, name = text.partition(":")
    return Reader(service=service, name=name)
