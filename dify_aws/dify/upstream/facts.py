"""Facts: what the files of one release of Dify say, as values, without any judgement of this project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dify_aws.dify.variable_types import ValueType


@dataclass(frozen=True, kw_only=True)
class UpstreamService:
    """A service of Dify's Compose file.

    Attributes:
        name: its name.
        place: file and line.
        image: reference of its image; empty for one that is built in the checkout.
        mode: ``MODE`` of the dify-api image; empty for any other image.
        profiles: profiles of Compose that include it; none for a service that always runs.
        ports: ports that it publishes, as they are written.
        needs: services that it waits for.
        env_files: env files that it reads, as paths below ``docker/``.
        environment: expression of each variable that it is given, by the name inside the container.
        references: variables that its other keys (command, volumes, ports) name.
    """

    name: str
    place: str
    image: str
    mode: str = ""
    profiles: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    env_files: tuple[str, ...] = ()
    environment: Mapping[str, str]
    references: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class UpstreamVariable:
    """A variable that Dify's example files or its Compose file name.

    Attributes:
        name: its name.
        default: its value in the first file that has it.
        place: that file and the line.
        files: env files that have it, as paths below ``docker/`` without ``.example``.
        fallback: a variable that Compose takes if this one is empty; empty if there is none.
    """

    name: str
    default: str
    place: str
    files: tuple[str, ...] = ()
    fallback: str = ""


@dataclass(frozen=True, kw_only=True)
class UpstreamRoute:
    """A location of Dify's nginx.

    Attributes:
        path: the path, without a slash at its end.
        service: name of the service that answers.
        port: TCP port of the service.
        place: file and line.
    """

    path: str
    service: str
    port: int
    place: str


@dataclass(frozen=True, kw_only=True)
class Migration:
    """A migration of the database.

    Attributes:
        revision: its id.
        parents: ids of the migrations before it.
        place: its file.
        drops: tables (``sessions``) and columns (``apps.icon``) that it drops.
        statements: how many SQL statements of its own it executes.
    """

    revision: str
    parents: tuple[str, ...]
    place: str
    drops: tuple[str, ...] = ()
    statements: int = 0


@dataclass(frozen=True, kw_only=True)
class Upstream:
    """One release of Dify as its files say.

    Attributes:
        version: tag of the dify-api image.
        commit: commit of the checkout; empty if unknown.
        compose: lowest version of Docker Compose that the README asks for; empty if it does not say.
        services: by name, in the order of the Compose file.
        variables: by name.
        settings: names of the fields of dify-api's settings classes.
        types: the types of those of them that are no free text.
        routes: in the order of the nginx template.
        modes: values of ``MODE`` that the entrypoint of dify-api tests for.
        migrations: by revision.
        unread: what was found and could not be understood, each with its place.
    """

    version: str
    commit: str
    compose: str
    services: Mapping[str, UpstreamService]
    variables: Mapping[str, UpstreamVariable]
    settings: frozenset[str]
    types: Mapping[str, ValueType]
    routes: tuple[UpstreamRoute, ...]
    modes: frozenset[str]
    migrations: Mapping[str, Migration]
    unread: tuple[str, ...] = ()
