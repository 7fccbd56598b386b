"""Draft: the record of a newer release, made of the newest known one and of a checkout, and what is left to decide."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from dify_aws.dify.drafts.comparison import Comparison
from dify_aws.dify.drafts.inheritance import gates_of, images_of, renamed_services, routes_of, services_of
from dify_aws.dify.drafts.placement import Placement, place_variables, refusals
from dify_aws.dify.drafts.record_text import record_text
from dify_aws.dify.drafts.secret_review import new_secrets, shared_defaults
from dify_aws.dify.drafts.types import types_of
from dify_aws.dify.errors import ReleaseError
from dify_aws.dify.records import KNOWN, known
from dify_aws.dify.release import Release
from dify_aws.dify.routes import Route
from dify_aws.dify.service import Service
from dify_aws.dify.upstream.api_source import heads, since
from dify_aws.dify.upstream.facts import Migration, Upstream, UpstreamService
from dify_aws.dify.upstream.reading import read_checkout
from dify_aws.errors import Problem

MODES: Final = frozenset({"migration", "job"})
"""Modes of dify-api's entrypoint that the installer uses, beside those of the services."""


@dataclass(frozen=True)
class ReleaseDraft:
    """The draft of a record.

    Attributes:
        release: the release as far as it is known. What has to be decided has no reason yet.
        comparison: what is new, removed and renamed, and what has to be decided.
        text: the record, as TOML.
    """

    release: Release
    comparison: Comparison
    text: str


def import_release(path: str | Path, *, base: str = KNOWN[-1]) -> ReleaseDraft:
    """Draft the record of a release from a checkout of Dify.

    Args:
        path: folder of the checkout, with ``docker`` and ``api`` in it.
        base: known release that it is compared with; the newest one by default.

    Returns:
        The draft. It passes ``check_release`` as soon as everything in ``comparison.undecided`` has its place.

    Raises:
        ReleaseError: everything in the checkout that cannot be read, with file and line, or an unknown ``base``.
    """
    if base not in KNOWN:
        raise ReleaseError("the arguments", [Problem("base", base, "has no record", f"one of {', '.join(KNOWN)}")])
    return draft(read_checkout(path), known(base))


def draft(upstream: Upstream, base: Release) -> ReleaseDraft:
    """Draft the record of a release from its facts.

    Args:
        upstream: what its files say.
        base: record of an older release.

    Returns:
        The draft.
    """
    renamed = renamed_services(upstream, base)
    services = services_of(upstream, base, renamed)
    omitted = {name: base.omitted[name] for name in upstream.services if name in base.omitted}
    new = {name: _described(each) for name, each in upstream.services.items() if name not in {**services, **omitted}}
    placement = place_variables(upstream, base, services, renamed)
    images, changed, kept = images_of(upstream, base, services)
    routes, undecided_routes = routes_of(upstream, base, services)
    fresh = since(upstream.migrations, base.migration_head)
    release = replace(
        base,
        version=upstream.version,
        source=f"langgenius/dify@{upstream.commit}" if upstream.commit else "a checkout of langgenius/dify",
        requirements=replace(base.requirements, compose=_higher(base.requirements.compose, upstream.compose)),
        images=images,
        digests={name: digest for name, digest in base.digests.items() if images.get(name) == base.images.get(name)},
        databases={name: upstream.variables[name].default for name in base.databases if name in placement.variables},
        services=services,
        omitted={**omitted, **dict.fromkeys(new, "")},
        variables=placement.variables,
        types=types_of(upstream, base, placement),
        refused=refusals(placement, base),
        routes=tuple(routes),
        gates=(*base.gates, *gates_of(upstream.version, fresh or ())),
        migration_head=next(iter(heads(upstream.migrations)), ""),
    )
    comparison = Comparison(
        version=upstream.version,
        base=base.version,
        new_services=tuple(new),
        removed_services=tuple(
            name for name in (*base.services, *base.omitted) if name not in {*upstream.services, *renamed.values()}
        ),
        renamed_services=renamed,
        new_variables={name: upstream.variables[name].place for name in placement.new},
        removed_variables=tuple(placement.removed),
        renamed_variables=placement.renames,
        aliases={name: each.fallback for name in placement.new if (each := upstream.variables[name]).fallback},
        changed_defaults={
            name: (base.variables[name].default, variable.default)
            for name, variable in placement.variables.items()
            if name in base.variables and base.variables[name].default != variable.default and not variable.secret
        },
        new_secrets=new_secrets(upstream, base, placement.renames),
        shared_defaults=tuple(shared_defaults(upstream, base)),
        changed_images=changed,
        kept_images=kept,
        new_routes=_without(routes, base.routes),
        removed_routes=_without(base.routes, routes),
        migrations=None if fresh is None else len(fresh),
        undecided={
            **{f"services.{name}": fact for name, fact in new.items()},
            **{f"variables.{name}": why for name, why in placement.undecided.items()},
            **{f"variables.{name}.same_as": "the other one is not there any more" for name in placement.lost_pairs},
            **undecided_routes,
            **{f"unread[{index}]": each for index, each in enumerate(upstream.unread)},
        },
        notes=(*_older_images(changed), *_notes(upstream, base, services, placement, fresh)),
    )
    comments = {f"omitted.{name}": f"to decide: {fact}" for name, fact in new.items()}
    comments |= {f"refused.{name}": f"to decide: {why}" for name, why in placement.undecided.items()}
    return ReleaseDraft(release, comparison, record_text(release, comments))


def _without(routes: Iterable[Route], others: Iterable[Route]) -> tuple[str, ...]:
    paths = {route.path for route in others}
    return tuple(route.path for route in routes if route.path not in paths)


def _described(service: UpstreamService) -> str:
    """What a person needs to know of a service to decide whether it runs."""
    parts = [service.image or "built in the checkout"]
    if service.profiles:
        parts.append(f"profile {' or '.join(service.profiles)}")
    if service.mode:
        parts.append(f"MODE={service.mode}")
    if service.ports:
        parts.append(f"publishes {', '.join(service.ports)}")
    if service.needs:
        parts.append(f"waits for {', '.join(service.needs)}")
    return f"{service.place}: {', '.join(parts)}"


def _notes(
    upstream: Upstream,
    base: Release,
    services: Mapping[str, Service],
    placement: Placement,
    fresh: tuple[Migration, ...] | None,
) -> Iterator[str]:
    if missing := sorted(({each.mode for each in services.values() if each.mode} | MODES) - upstream.modes - {"api"}):
        yield f"the entrypoint of dify-api has no mode {', '.join(missing)} any more, which the installer uses"
    for name, service in services.items():
        waits = [need for need in upstream.services[name].needs if need in services and services[need].optional]
        required = [need for need in waits if need not in {each.service for each in service.needs}]
        if required and not service.optional:
            yield f"{name} waits upstream for {', '.join(required)}, which is optional here"
    if placement.unconfirmed:
        yield f"no file of the checkout names these, and they are kept: {', '.join(placement.unconfirmed)}"
    if fresh is None:
        yield f"the migrations that are new cannot be told: {base.migration_head or 'none'} is not among them"
    for migration in fresh or ():
        if migration.statements:
            yield f"{migration.place} executes {migration.statements} SQL statements of its own"
    yield "memory_mib, disk_gib and docker are those of the record before; jobs are, too"


def _older_images(changed: Mapping[str, tuple[str, str]]) -> Iterator[str]:
    """Images that go back: what they have stored may be of a newer form."""

    def numbers(reference: str) -> list[int]:
        return [int(each) for each in re.findall(r"[0-9]{1,9}", reference.rpartition(":")[2])]

    for name, (before, after) in changed.items():
        if numbers(after) < numbers(before):
            yield f"the image {name} is older than in the record before: {before} -> {after}"


def _higher(one: str, other: str) -> str:
    """The higher one of two versions; the second may be empty."""
    numbers = [tuple(map(int, each.split("."))) for each in (one, other) if each]
    return one if len(numbers) < 2 or numbers[0] >= numbers[1] else ".".join(map(str, numbers[1][:2]))
