"""Release: everything that one release of Dify is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from dify_aws.dify.routes import Route
from dify_aws.dify.service import Service
from dify_aws.dify.variable_types import ValueType
from dify_aws.dify.variables import Refusal, Variable


@dataclass(frozen=True, kw_only=True)
class Requirements:
    """What a release asks of the machine it runs on.

    Attributes:
        memory_mib: memory, in MiB.
        disk_gib: disk, in GiB.
        docker: lowest version of Docker Engine.
        compose: lowest version of Docker Compose.
    """

    memory_mib: int
    disk_gib: int
    docker: str
    compose: str


@dataclass(frozen=True, kw_only=True)
class Job:
    """A command of the dify-api image that runs once, beside the migration of the database.

    Attributes:
        name: short name.
        command: arguments of ``flask``.
        when: before or after the migration of the database.
        crossing_to: an upgrade that reaches or passes this release runs it.
        reason: what it is for.
        fresh: whether the first installation runs it, too.
    """

    name: str
    command: tuple[str, ...]
    when: Literal["before", "after"]
    crossing_to: str
    reason: str
    fresh: bool = False

    @property
    def key(self) -> str:
        """Its name with the release: a later release may ask for the same command again."""
        return f"{self.name}-{self.crossing_to}"


@dataclass(frozen=True, kw_only=True)
class Gate:
    """Something that a person has to know or do before an upgrade.

    Attributes:
        before: releases older than this one cross the gate.
        reason: what happens, and what to do.
        reversible: whether the older release runs on the database afterwards.
        service: the service that it concerns; empty if it concerns every installation.
        stops: whether the installer does not cross it, because a person has to go step by step.
    """

    before: str
    reason: str
    reversible: bool
    service: str = ""
    stops: bool = False


@dataclass(frozen=True, kw_only=True)
class Release:
    """One release of Dify.

    Attributes:
        version: its tag.
        source: where the facts were read.
        migration_head: newest migration of the database; empty if it is not known.
        requirements: what it asks of the machine.
        images: reference of each image by its name.
        digests: digest of an image's manifest list by its name, where the publisher or registry tells it.
        databases: variable that names each database, and its default.
        services: the services that run, by name.
        omitted: upstream's services that do not run, each with a reason.
        variables: variables by name.
        types: the types of those variables that are no free text, by name; also of those that no example file names.
        refused: variables of upstream that have no effect here.
        routes: public paths.
        jobs: one-shot jobs of a first installation or an upgrade.
        gates: what to know before an upgrade.
    """

    version: str
    source: str
    requirements: Requirements
    images: Mapping[str, str]
    digests: Mapping[str, str]
    databases: Mapping[str, str]
    services: Mapping[str, Service]
    omitted: Mapping[str, str]
    variables: Mapping[str, Variable]
    types: Mapping[str, ValueType]
    refused: tuple[Refusal, ...]
    routes: tuple[Route, ...]
    jobs: tuple[Job, ...] = ()
    gates: tuple[Gate, ...] = ()
    migration_head: str = ""

    def running(self, settings: object) -> tuple[str, ...]:
        """Names of the services that run with these settings, in the order of the record.

        Args:
            settings: an object with the settings that a record names (``profile = full``) as attributes.
        """

        def included(optional: str) -> bool:
            name, _, value = optional.partition(" = ")
            return not optional or getattr(settings, name, None) == value

        return tuple(name for name, service in self.services.items() if included(service.optional))

    def readers(self, name: str) -> frozenset[str]:
        """Names of the services that read a variable; none for one that this release does not have."""
        variable = self.variables.get(name)
        return frozenset(reader.service for reader in variable.readers) if variable else frozenset()

    def refusal(self, name: str) -> str | None:
        """Why a variable is refused; None if it is not."""
        return next((refusal.reason for refusal in self.refused if refusal.covers(name)), None)


def frozen(values: Mapping[str, str]) -> Mapping[str, str]:
    """The same mapping, which nobody can change."""
    return MappingProxyType(dict(values))
