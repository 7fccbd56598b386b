"""Gaps: what this version of dify_aws lacks to install a release."""

from __future__ import annotations

from dify_aws.dify.known_releases import INSTALLABLE
from dify_aws.dify.known_variables import TELEMETRY, instead
from dify_aws.dify.records import known
from dify_aws.dify.release import Release
from dify_aws.dify.service import Service
from dify_aws.dify.variable_names import name_in
from dify_aws.dify.versions import numbers


def gaps_of(release: Release) -> tuple[str, ...]:
    """What this version of dify_aws lacks to install a release.

    Args:
        release: a release whose record is whole.

    Returns:
        One sentence for each service of which neither the installer nor the record has a complete definition, for each
        secret that it does not make, and for each variable that it sets, that the release before has, and that this one
        has by no name that is known; none for a release that can be installed.
    """
    ready = known(_nearest(release.version))
    gaps = []
    for name, service in release.services.items():
        ours = ready.services.get(name) or _defined(name)
        if ours is None and (service.mode or not service.memory_mib):
            gaps.append(
                f"the service {name} has no definition in the installer's Compose file; one that stores nothing is "
                "defined by its record, with memory_mib"
            )
        elif ours is None:
            continue
        elif service.image != ours.image:
            gaps.append(f"the service {name} takes the image {service.image}, and the installer gives it {ours.image}")
        elif service.optional != ours.optional:
            gaps.append(
                f"the service {name} runs with {service.optional!r}, and in the installer with {ours.optional!r}"
            )
    gaps += [f"the service {name} is missing" for name in ready.services if name not in release.services]
    for name, variable in release.variables.items():
        if variable.secret and variable.required and instead(name) is None:
            gaps.append(f"the secret {name} must not be empty, and the installer makes none")
    for name, variable in ready.variables.items():
        counted_on = instead(name) is not None and name not in TELEMETRY and not variable.undocumented
        if counted_on and name_in(release, name) is None:
            gaps.append(f"the installer counts on {name}, which the release does not have")
    return tuple(gaps)


def _defined(name: str) -> Service | None:
    """A service as a known release has it: there is a definition of it in the installer's Compose file."""
    services = (known(version).services.get(name) for version in reversed(INSTALLABLE))
    return next((service for service in services if service is not None), None)


def _nearest(version: str) -> str:
    """The newest release that can be installed and is not newer than this one; of an older one, the oldest."""
    older = [each for each in INSTALLABLE if numbers(each) <= numbers(version)]
    return max(older, key=numbers, default=INSTALLABLE[0])
