"""Check: whether a release is consistent in itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Final

from dify_aws.dify.release import Release
from dify_aws.dify.versions import numbers
from dify_aws.errors import Problem

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_SETTING: Final = re.compile(r"[a-z_]+ = \S+")
_JOB: Final = re.compile(r"[a-z][a-z0-9-]*")
_MOVING: Final = frozenset({"", "latest", "main", "nightly", "edge", "stable"})
"""Tags that mean something else from one day to the next."""


def problems_of(release: Release) -> list[Problem]:
    """Everything that is inconsistent in a release.

    Args:
        release: what to look at.

    Returns:
        The problems; none for a release that is whole.
    """
    return [
        *_requirements(release),
        *_images(release),
        *_services(release),
        *_variables(release),
        *_types(release),
        *_secrets(release),
        *_routes(release),
        *_upgrades(release),
    ]


def _requirements(release: Release) -> Iterator[Problem]:
    needs = release.requirements
    for name, amount in (("memory_mib", needs.memory_mib), ("disk_gib", needs.disk_gib)):
        if amount <= 0:
            yield Problem(f"requirements.{name}", amount, "is no amount", "what the release needs")
    for name, version in (("docker", needs.docker), ("compose", needs.compose)):
        if not numbers(version):
            yield Problem(f"requirements.{name}", version, "is no version", "numbers with dots between them")


def _images(release: Release) -> Iterator[Problem]:
    for name, reference in release.images.items():
        path, _, digest = reference.partition("@")
        tag = path.rpartition("/")[2].partition(":")[2]
        if not digest and tag in _MOVING:
            yield Problem(f"images.{name}", reference, "is not pinned", "a tag of one version, or a digest")
        if digest and not _DIGEST.fullmatch(digest):
            yield Problem(f"images.{name}", reference, "has no valid digest", "sha256: and 64 hexadecimal digits")
    for name, digest in release.digests.items():
        if name not in release.images:
            yield Problem(
                f"digests.{name}", digest, "is the digest of no image", f"one of {', '.join(sorted(release.images))}"
            )
        if not _DIGEST.fullmatch(digest):
            yield Problem(f"digests.{name}", digest, "is no digest", "sha256: and 64 hexadecimal digits")


def _services(release: Release) -> Iterator[Problem]:
    for service in release.services.values():
        if service.image not in release.images:
            yield Problem(f"services.{service.name}", service.image, "is no image of the release", "a name in images")
        if service.optional and not _SETTING.fullmatch(service.optional):
            yield Problem(f"services.{service.name}", service.optional, "names no setting", "such as profile = full")
        if service.health and not service.ports:
            yield Problem(f"services.{service.name}", service.health, "has no port to be asked at", "a port in ports")
        if service.memory_mib < 0:
            yield Problem(f"services.{service.name}", service.memory_mib, "is no memory", "MiB")
        if service.name in release.omitted:
            yield Problem(f"omitted.{service.name}", None, "is a service that runs", "one of the two")
        for need in service.needs:
            if need.service not in release.services:
                yield Problem(
                    f"services.{service.name}", need.service, "is no service of the release", "a name in services"
                )
    needs = {service.name: [need.service for need in service.needs] for service in release.services.values()}
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        yield Problem("services", " -> ".join(error.args[1]), "wait for each other", "an order to start in")
    for name, reason in release.omitted.items():
        if not reason.strip():
            yield Problem(f"omitted.{name}", reason, "has no reason", "why the service is left out")


def _upgrades(release: Release) -> Iterator[Problem]:
    for index, gate in enumerate(release.gates):
        if gate.service and gate.service not in release.services:
            yield Problem(f"gates[{index}]", gate.service, "is no service of the release", "a name in services")
        if not numbers(gate.before):
            yield Problem(f"gates[{index}]", gate.before, "is no release", "three numbers")
    for index, job in enumerate(release.jobs):
        if not numbers(job.crossing_to):
            yield Problem(f"jobs[{index}]", job.crossing_to, "is no release", "three numbers")
        if not _JOB.fullmatch(job.name):
            yield Problem(f"jobs[{index}]", job.name, "cannot name a container", "small letters, digits and -")
        if not job.command:
            yield Problem(f"jobs[{index}]", [], "has no command", "the arguments of flask")
        if [each.key for each in release.jobs].count(job.key) > 1:
            yield Problem(f"jobs[{index}]", job.key, "is there twice", "one job of a name for one release")


def _variables(release: Release) -> Iterator[Problem]:
    for name, variable in release.variables.items():
        if not variable.readers:
            yield Problem(f"variables.{name}", [], "is read by nobody", "a reader, or an entry in refused")
        for reader in variable.readers:
            if reader.service not in release.services:
                yield Problem(f"variables.{name}", reader.service, "is no service of the release", "a name in services")
        if "${" in variable.default:
            yield Problem(f"variables.{name}", variable.default, "is an expression", "the value that it stands for")
        if release.refusal(name):
            yield Problem(f"variables.{name}", None, "is refused as well", "an entry in variables or in refused")
        older = release.variables.get(variable.renamed_from)
        if older is not None and (older.required or set(older.readers) != set(variable.readers)):
            # A release may take an older name, too: then it has the same readers, and may be empty.
            yield Problem(
                f"variables.{name}", variable.renamed_from, "still is a variable", "a name that is no longer used"
            )
    for database in release.databases:
        if database not in release.variables:
            yield Problem(f"databases.{database}", None, "is no variable of the release", "a name in variables")
    for index, refusal in enumerate(release.refused):
        if not refusal.reason.strip():
            yield Problem(f"refused[{index}]", list(refusal.names), "has no reason", "why they have no effect")


def _types(release: Release) -> Iterator[Problem]:
    for found in dict.fromkeys(release.types.values()):
        where = f"types.{next(name for name, each in release.types.items() if each == found)}"
        if (found.type == "choice") != bool(found.choices):
            yield Problem(where, list(found.choices), f"does not go with the type {found.type}", "choices of a choice")
        if (found.type == "size") != bool(found.unit):
            yield Problem(where, found.unit, f"does not go with the type {found.type}", "the unit of a size")
        if found.least is not None and found.type in ("bool", "choice"):
            yield Problem(where, found.least, f"does not go with the type {found.type}", "the least of a number")
    for name, found in release.types.items():
        variable = release.variables.get(name)
        if variable is not None and variable.default and not found.accepts(variable.default):
            yield Problem(f"types.{name}", variable.default, "is the default, and not of this type", str(found))


def _secrets(release: Release) -> Iterator[Problem]:
    for name, variable in release.variables.items():
        if variable.secret and variable.default:
            # Not the value: it may be a real one.
            yield Problem(f"variables.{name}", None, "is a secret with a published default", "no default")
        if not variable.same_as:
            continue
        other = release.variables.get(variable.same_as)
        if other is None:
            yield Problem(f"variables.{name}", variable.same_as, "is no variable of the release", "a name in variables")
        elif other.same_as:
            yield Problem(f"variables.{name}", variable.same_as, "has to equal another one itself", other.same_as)
        elif (other.secret, other.required) != (variable.secret, variable.required):
            yield Problem(f"variables.{name}", variable.same_as, "differs in secret or required", "the same in both")


def _routes(release: Release) -> Iterator[Problem]:
    paths = [route.path for route in release.routes]
    for route in release.routes:
        where = f"routes.{route.path}"
        if not route.path.startswith("/") or (route.path != "/" and route.path.endswith("/")):
            yield Problem(where, route.path, "is no path", "/ and names, with no / at the end")
        if paths.count(route.path) > 1:
            yield Problem(where, route.path, "is there twice", "one route")
        for name in filter(None, (route.service, route.without)):
            service = release.services.get(name)
            if service is None:
                yield Problem(where, name, "is no service of the release", "a name in services")
            elif route.port not in service.ports:
                yield Problem(where, route.port, f"is no port of {name}", f"one of {list(service.ports)}")
    if "/" not in paths:
        yield Problem("routes", paths, "leave paths without an answer", "a route of /")
