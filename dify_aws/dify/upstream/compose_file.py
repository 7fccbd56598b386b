"""Compose file: the services of Dify's ``docker/docker-compose.yaml``, with what each reads and waits for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from dify_aws.dify.upstream.checkout import Checkout
from dify_aws.dify.upstream.expressions import references
from dify_aws.dify.upstream.facts import UpstreamService

PATH: Final = "docker/docker-compose.yaml"


def read_services(checkout: Checkout) -> Mapping[str, UpstreamService]:
    """The services of the Compose file.

    Args:
        checkout: where it is; what is wrong with the file is added to its problems.

    Returns:
        The services by name, in the order of the file; none if it cannot be read.
    """
    import yaml  # the one place that needs it

    text = checkout.text(PATH)
    if not text:
        return {}
    try:
        document = yaml.safe_load(text)
        lines = _lines(yaml.compose(text, yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        checkout.problem(f"{PATH}:{line}", None, f"is no YAML: {error.problem}", "a YAML file")
        return {}
    except (yaml.YAMLError, RecursionError) as error:
        checkout.problem(PATH, None, f"is no YAML: {error}", "a YAML file")
        return {}
    services = document.get("services") if isinstance(document, dict) else None
    if not isinstance(services, dict) or not services:
        checkout.problem(f"{PATH}: services", None, "is missing", "a table of services")
        return {}
    found = {}
    for name, entry in services.items():
        place = f"{PATH}:{lines.get(str(name), 1)}"
        if not isinstance(entry, dict) or not (isinstance(entry.get("image"), str) or "build" in entry):
            checkout.problem(f"{place}: services.{name}", None, "has no image", "a table with image or build")
            continue
        found[str(name)] = _service(checkout, str(name), entry, place)
    return found


def _lines(root: Any) -> dict[str, int]:
    """The line of each service."""
    tables = [value for key, value in getattr(root, "value", []) if getattr(key, "value", None) == "services"]
    entries = [entry for table in tables for entry in table.value if isinstance(entry, tuple)]
    return {str(key.value): key.start_mark.line + 1 for key, _ in entries}


def _service(checkout: Checkout, name: str, entry: Mapping[str, Any], place: str) -> UpstreamService:
    def wrong(key: str, right: str) -> None:
        checkout.problem(f"{place}: services.{name}.{key}", None, "has the wrong form", right)

    environment = _environment(entry.get("environment", {}))
    if environment is None:
        wrong("environment", "a table or a list of NAME=VALUE")
    needs = entry.get("depends_on", {})
    if not isinstance(needs, dict | list):
        wrong("depends_on", "a table or a list of services")
        needs = {}
    files = entry.get("env_file", [])
    listed = files if isinstance(files, list) else [files]
    paths = [each.get("path") if isinstance(each, dict) else each for each in listed]
    if not all(isinstance(path, str) for path in paths):
        wrong("env_file", "a list of paths")
    lists: dict[str, tuple[str, ...]] = {}
    for key in ("profiles", "ports"):
        value = entry.get(key, [])
        if not isinstance(value, list):
            wrong(key, "a list")
            value = []
        lists[key] = tuple(map(str, value))
    others = {key: value for key, value in entry.items() if key != "environment"}
    return UpstreamService(
        name=name,
        place=place,
        image=str(entry.get("image", "")),
        mode=(environment or {}).get("MODE", ""),
        profiles=lists["profiles"],
        ports=lists["ports"],
        needs=tuple(map(str, needs)),
        env_files=tuple(str(path).removeprefix("./") for path in paths),
        environment=environment or {},
        references=frozenset(each.name for text in _texts(others, set()) for each in references(text)),
    )


def _environment(written: object) -> dict[str, str] | None:
    if isinstance(written, dict):
        return {str(name): "" if value is None else _text(value) for name, value in written.items()}
    if isinstance(written, list) and all(isinstance(each, str) for each in written):
        return {name: value for name, _, value in (each.partition("=") for each in written)}
    return None


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _texts(value: object, seen: set[int]) -> Iterator[str]:
    """Every text inside a value. One that an alias of YAML puts in many places is visited once."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list) and id(value) not in seen:
        seen.add(id(value))
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each, seen)
