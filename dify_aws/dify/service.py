"""Service: one program of Dify, with what it needs and where it listens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal

Condition = Literal["started", "healthy", "completed"]

CONDITIONS: Final[frozenset[str]] = frozenset({"started", "healthy", "completed"})
"""What a service can wait for in another one."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """A service that has to be there before another one starts.

    Attributes:
        service: name of the service that is waited for.
        condition: what is waited for.
    """

    service: str
    condition: Condition


@dataclass(frozen=True, kw_only=True)
class Service:
    """One service of a release.

    Attributes:
        name: its name in Dify's Compose file.
        image: name of its image in ``Release.images``.
        optional: the setting and value that includes the service (``profile = full``); empty for one that always runs.
        mode: ``MODE`` of the dify-api image; empty for any other image.
        ports: TCP ports that it listens on inside its networks.
        health: HTTP path that answers when the service is ready; empty if there is none.
        needs: services that it waits for.
        smoke: whether an installation is proved by this service's answer.
        memory_mib: MiB of memory that it may take at most; 0 for one whose limit comes with the setting profile.
        configuration: entries that its configuration file needs in this release, besides those of every release.
    """

    name: str
    image: str
    optional: str = ""
    mode: str = ""
    ports: tuple[int, ...] = ()
    health: str = ""
    needs: tuple[Need, ...] = ()
    smoke: bool = False
    memory_mib: int = 0
    configuration: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
