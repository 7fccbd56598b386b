"""Container variables: which variables of ``Settings.env`` a container reads, and by which name it knows each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from dify_aws.dify.known_variables import READERS, read_by
from dify_aws.dify.records import KNOWN, known
from dify_aws.dify.release import Release
from dify_aws.dify.variable_names import name_in

WHOLE: Final = frozenset({"api", "worker", "worker_beat", "api_websocket"})
"""Services that get all of .env, each variable by its own name."""

WRITTEN: Final[Mapping[str, frozenset[str]]] = {
    "plugin_daemon": frozenset({"MAX_PLUGIN_PACKAGE_SIZE", "MAX_BUNDLE_PACKAGE_SIZE", "PYTHON_ENV_INIT_TIMEOUT"}),
}
"""Names inside a container that compose.yaml gives a value in any case, out of a variable that a person may set."""


def read_by_pattern(names: Iterable[str]) -> Mapping[str, list[str]]:
    """The variables that each container gets by the patterns of ``READERS``.

    Args:
        names: names in .env, as the release has them.

    Returns:
        Names by container, in alphabetical order. A pattern counts for an older name of what it covers, too.
    """
    newest = known(KNOWN[-1])
    newer = {name: name_in(newest, name) or name for name in names}
    return {
        container: sorted({*read_by(container, newer), *(name for name in newer if read_by(container, [newer[name]]))})
        for container in READERS
    }


def container_variables(release: Release, service: str, given: Iterable[str]) -> list[tuple[str, str]]:
    """The variables of ``Settings.env`` that are handed to a container by name.

    Args:
        release: the release, whose record says who reads a variable.
        service: name of the service.
        given: names of the variables in ``Settings.env``.

    Returns:
        The name inside the container and the name in .env, in alphabetical order; without those that the container has
        already, because its pattern in ``READERS`` covers them or because it gets all of .env.
    """
    names = [*given]
    there = WRITTEN.get(service, frozenset()) | set(read_by(service, names))
    found = {}
    for name in sorted(names):
        variable = release.variables.get(name)
        for reader in variable.readers if variable else ():
            inner = reader.name or name
            if reader.service == service and inner not in there and (reader.name or service not in WHOLE):
                found[inner] = name
    return sorted(found.items())


def variables_by_record(release: Release, service: str, names: Iterable[str]) -> list[tuple[str, str]]:
    """The variables of a container that has no template, by the record alone.

    Args:
        release: the release, whose record says who reads a variable.
        service: name of the service.
        names: names in .env.

    Returns:
        The name inside the container and the value for Compose, in alphabetical order: what .env has, or the default.
    """
    there = frozenset(names)
    found = {
        reader.name or name: f"${{{name}}}" if name in there else variable.default.replace("$", "$$")
        for name, variable in release.variables.items()
        for reader in variable.readers
        if reader.service == service and (name in there or variable.default)
    }
    return sorted(found.items())
