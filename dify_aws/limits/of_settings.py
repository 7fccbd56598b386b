"""Limits of settings: with what the record of their release says of names, services and memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dify_aws.dify.known_releases import release_of
from dify_aws.dify.release import Release
from dify_aws.dify.variable_names import name_in
from dify_aws.limits.limits import OURS, Limits
from dify_aws.limits.rules import VARIABLES


def limits_of(settings: Any) -> Limits:
    """The limits of settings: of a ``Settings``, or of anything that has the same attributes."""
    return with_settings(settings, **{name: getattr(settings, name) for name in sorted(OURS)})


def with_settings(settings: Any, **own: int | None) -> Limits:
    """The limits of settings, with other values for those that are limits.

    Args:
        settings: a ``Settings``, or anything that has the same attributes.
        own: values for those of :data:`OURS`.
    """
    release = release_of(settings.dify_version, settings.release)
    limited = ((name, release.services[name].memory_mib) for name in release.running(settings))
    return Limits.of(
        settings.profile,
        by_limit(release, env_of(settings)),
        memory_mib=release.requirements.memory_mib,
        services={name: mib for name, mib in limited if mib},
        **own,
    )


def by_limit(release: Release, env: Mapping[str, str]) -> Mapping[str, str]:
    """Variables by the names that the limits know, whatever a release calls them.

    Args:
        release: whose record tells what was renamed.
        env: values by the names of the release.
    """
    known = {name_in(release, name): name for name in VARIABLES}
    return {known.get(name, name): value for name, value in env.items()}


def env_of(settings: Any) -> Mapping[str, str]:
    """The variables in ``settings.env``, with those in the clear that are secrets."""
    return {name: getattr(value, "reveal", lambda value=value: value)() for name, value in settings.env.items()}
