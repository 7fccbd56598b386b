"""Rendered release: what the installer makes of a record, and whether that is as the record says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from dify_aws.dify.release import Release
from dify_aws.errors import Problem
from dify_aws.outputs import HostOutput, Outputs
from dify_aws.runtimes.compose.bundle import Bundle
from dify_aws.runtimes.compose.dify_secrets import DifySecrets
from dify_aws.runtimes.compose.environment import environment
from dify_aws.settings import Settings
from dify_aws.topologies.single_host.outputs import CONTAINERS

STORES: Final = ("pgvector", "weaviate", "qdrant")
NOWHERE: Final = Outputs(
    deployment="dify/check",
    region="ap-northeast-1",
    url="http://192.0.2.1",
    hosts=(
        HostOutput(
            name="host",
            public_ip="192.0.2.1",
            private_ip="10.0.0.1",
            instance_id="i-0123456789abcdef0",
            availability_zone="ap-northeast-1a",
            data_volume_id="vol-0123456789abcdef0",
        ),
    ),
    endpoints=CONTAINERS,
    vpc_id="vpc-0123456789abcdef0",
    subnets=MappingProxyType({}),
    security_groups=MappingProxyType({}),
    bucket="nowhere",
    secrets=MappingProxyType({}),
    log_groups=MappingProxyType(dict.fromkeys(("system", "docker", "dify", "nginx"), "nowhere")),
    alarm_topic="nowhere",
)
"""A deployment for which files are rendered and that is nowhere; the addresses are for documentation (RFC 5737)."""

_VARIABLE: Final = re.compile(r"(?<!\$)\$\{(\w+)\}")


@dataclass(frozen=True, kw_only=True)
class RenderedRelease:
    """The files of a release with one vector store, and what each container is given.

    Attributes:
        store: the vector store.
        compose: text of compose.yaml.
        dotenv: text of .env, with secrets that were made up for it.
        given: values by name, by container.
        unknown: variables that compose.yaml names and .env does not have.
    """

    store: str
    compose: str
    dotenv: str = field(repr=False)
    given: Mapping[str, Mapping[str, str]] = field(repr=False)
    unknown: tuple[str, ...]


def rendered_releases(version: str, file: str) -> tuple[RenderedRelease, ...]:
    """Render the files of a release, once for each vector store.

    Args:
        version: the release.
        file: its record, which has no gaps.

    Returns:
        The files, with secrets that are made up.
    """
    secrets = DifySecrets().completed()
    return tuple(_rendered(version, file, store, secrets) for store in STORES)


def _rendered(version: str, file: str, store: str, secrets: DifySecrets) -> RenderedRelease:
    import yaml

    settings = Settings(environment="check", dify_version=version, release=file, profile="full", vector_store=store)
    bundle = Bundle.render(settings, NOWHERE, secrets)
    groups = environment(settings, NOWHERE, secrets, https=False)
    values = {name: value for group in groups.values() for name, value in group.items()}
    text = bundle.files["compose.yaml"].text
    services: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
    return RenderedRelease(
        store=store,
        compose=text,
        dotenv=bundle.files[".env"].text,
        given={
            service: {
                name: _VARIABLE.sub(lambda found: values.get(found[1], ""), str(value))
                for name, value in (entry.get("environment") or {}).items()
            }
            for service, entry in services.items()
        },
        unknown=tuple(sorted({*_VARIABLE.findall(text)} - values.keys())),
    )


def differences(release: Release, rendered: tuple[RenderedRelease, ...]) -> Iterator[Problem]:
    """Where the rendered files are not as the record says.

    Args:
        release: the release.
        rendered: its files, for each vector store; none for a release that cannot be installed.

    Yields:
        A problem for each variable that has no value, each required one that is empty or that no container is given,
        and each pair whose values differ. No value is in it.
    """
    for each in rendered:
        for name in each.unknown:
            yield Problem(f"variables.{name}", None, f"has no value (vector_store = {each.store})", "one in .env")
    for name, variable in release.variables.items() if rendered else ():
        values = [_values(release, each, name) for each in rendered]
        if variable.required and not any(values):
            yield Problem(f"variables.{name}", None, "is required, and no container is given it", "a reader that is")
        if variable.required and any("" in given for given in values):
            yield Problem(f"variables.{name}", None, "is required, and empty in a container", "a value")
        if variable.same_as:
            others = [_values(release, each, variable.same_as) for each in rendered]
            if any(len(given | other) > 1 for given, other in zip(values, others, strict=True)):
                yield Problem(f"variables.{name}", variable.same_as, "has another value", "the same in every container")


def _values(release: Release, rendered: RenderedRelease, name: str) -> set[str]:
    """The values of a variable in the containers that read it."""
    readers = release.variables[name].readers
    return {
        given[inner]
        for reader in readers
        if (inner := reader.name or name) in (given := rendered.given.get(reader.service, {}))
    }
