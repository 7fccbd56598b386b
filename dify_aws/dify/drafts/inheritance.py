"""Inheritance: the services, images and routes of a newer release, with what the newest known record says of each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from dify_aws.dify.release import Gate, Release
from dify_aws.dify.routes import Route, route_of
from dify_aws.dify.service import Service
from dify_aws.dify.upstream.facts import Migration, Upstream, UpstreamService

_VERSIONED: Final = re.compile(r"\d+\.\d+")
"""A tag without it (``latest``, ``6-alpine``) moves, and another one is pinned in the record."""


def renamed_services(upstream: Upstream, base: Release) -> Mapping[str, str]:
    """The services that have another name now: the same image in the same mode.

    Args:
        upstream: the newer release.
        base: the known one.

    Returns:
        The old name by the new one. Where two could be meant, neither is there.
    """
    new = [each for name, each in upstream.services.items() if name not in base.services and name not in base.omitted]
    removed = [each for name, each in base.services.items() if name not in upstream.services]
    found = {}
    for service in new:
        same = [each for each in removed if _alike(service, each, base)]
        others = [each for each in new if each is not service and same and _alike(each, same[0], base)]
        if len(same) == 1 and not others:
            found[service.name] = same[0].name
    return found


def _alike(service: UpstreamService, old: Service, base: Release) -> bool:
    return (_repository(service.image), service.mode) == (_repository(base.images[old.image]), old.mode)


def services_of(upstream: Upstream, base: Release, renamed: Mapping[str, str]) -> Mapping[str, Service]:
    """The services that run, as the known record has them.

    Args:
        upstream: the newer release.
        base: the known one.
        renamed: old names of services by the new ones.

    Returns:
        The services by name, in the order of the known record.
    """
    newer = {name: name for name in base.services if name in upstream.services}
    newer |= {before: after for after, before in renamed.items()}
    found = {}
    for before, after in sorted(newer.items(), key=lambda pair: [*base.services].index(pair[0])):
        old = base.services[before]
        needs = tuple(replace(need, service=newer[need.service]) for need in old.needs if need.service in newer)
        found[after] = replace(old, name=after, needs=needs, mode=upstream.services[after].mode)
    return found


def images_of(
    upstream: Upstream, base: Release, services: Mapping[str, Service]
) -> tuple[dict[str, str], dict[str, tuple[str, str]], dict[str, str]]:
    """The images of the newer release.

    Args:
        upstream: the newer release.
        base: the known one.
        services: the services that run.

    Returns:
        The reference of each image; those that changed, before and after; and upstream's reference of those that the
        record pins itself, because upstream's tag moves or because another repository was chosen.
    """
    references: dict[str, str] = {}
    changed: dict[str, tuple[str, str]] = {}
    kept: dict[str, str] = {}
    theirs = {service.image: upstream.services[name].image for name, service in reversed([*services.items()])}
    used = {service.image for service in base.services.values()}
    for name, before in base.images.items():
        if name not in theirs:
            if name not in used:  # for a job, such as certbot
                references[name] = before
            continue
        after = theirs[name]
        if _repository(after) == _repository(before) and _VERSIONED.search(after.rpartition(":")[2]):
            references[name] = after
            if after != before:
                changed[name] = (before, after)
        else:
            references[name] = before
            kept[name] = after
    return references, changed, kept


def _repository(reference: str) -> str:
    """The repository of an image without its registry, which several may have."""
    path = reference.partition("@")[0].rpartition(":")[0] or reference
    host, _, rest = path.partition("/")
    return rest if rest and ("." in host or ":" in host) else path


def routes_of(upstream: Upstream, base: Release, services: Mapping[str, Service]) -> tuple[list[Route], dict[str, str]]:
    """The public paths of the newer release.

    Args:
        upstream: the newer release.
        base: the known one.
        services: the services that run.

    Returns:
        The routes without those that say the same as a shorter one, and what could not be placed.
    """
    every = [Route(path=each.path, service=each.service, port=each.port) for each in upstream.routes]
    found: list[Route] = []
    undecided: dict[str, str] = {}
    for route, read in zip(every, upstream.routes, strict=True):
        wider = route_of([each for each in every if each.path != route.path], route.path)
        if wider is not None and (wider.service, wider.port) == (route.service, route.port):
            continue
        if route.service not in services:
            undecided[f"routes.{route.path}"] = f"{read.place}: it goes to {route.service}, which does not run here"
            continue
        service = services[route.service]
        if route.port not in service.ports:
            undecided[f"routes.{route.path}"] = f"{read.place}: {route.service} is not known to listen on {route.port}"
        without = next((each.without for each in base.routes if each.path == route.path), "")
        if service.optional and without not in services:
            undecided[f"routes.{route.path}"] = f"{read.place}: {route.service} is optional; who answers without it?"
        found.append(replace(route, without=without if without in services else ""))
    return found, undecided


def gates_of(version: str, migrations: tuple[Migration, ...]) -> Iterator[Gate]:
    """What to know before the upgrade: the migrations that delete something.

    Args:
        version: the newer release.
        migrations: those that the known one does not have.

    Yields:
        A gate for each of them.
    """
    for migration in migrations:
        if migration.drops:
            reason = f"Migration {migration.revision} drops {', '.join(migration.drops)} with all data in it."
            yield Gate(before=version, reason=reason, reversible=False)
