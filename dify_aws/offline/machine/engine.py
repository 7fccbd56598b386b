"""Engine: what Docker has on the model machine: images, containers, and what compose.yaml says of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import yaml

from dify_aws.runtimes.compose.paths import HOME
from dify_aws.runtimes.compose.project import PROJECT

if TYPE_CHECKING:
    from dify_aws.offline.machine.machine import Machine

UNIT: Final = "docker.service"


@dataclass
class Running:
    """One container. ``state`` is what a person or Compose made of it: created, running, paused or exited.

    ``exit_code`` and ``log`` are those of a job.
    """

    service: str
    configuration: str
    image: str
    environment: Mapping[str, str]
    memory_mib: int
    watched: bool
    started: float
    mounts: tuple[str, ...] = ()
    state: str = "running"
    one_off: bool = False
    exit_code: int = 0
    log: str = ""


@dataclass
class Engine:
    """What the engine has, and what is wrong with its world.

    ``images`` has them as name:tag and as name@digest, ``digests`` what each tag meant when it was pulled, and
    ``published`` what it means in the registry now, where that is not what it always meant.

    ``logins``: what a registry asks for, as "user:password", by its host. ``absent``: images that no registry has.
    ``refusals``: how often from now on a registry does not answer. ``ails``: what is wrong with a service, by its name:
    "ends", "ends later", "out of memory" or "unhealthy".
    """

    images: set[str] = field(default_factory=set)
    digests: dict[str, str] = field(default_factory=dict)
    published: dict[str, str] = field(default_factory=dict)
    containers: dict[str, Running] = field(default_factory=dict)
    logins: dict[str, str] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    refusals: int = 0
    full: bool = False
    ails: dict[str, str] = field(default_factory=dict)


def first_digest(tag: str) -> str:
    """The first digest of a tag in the model's registry."""
    return f"sha256:{hashlib.sha256(tag.encode()).hexdigest()}"


def runs(machine: Machine) -> bool:
    """Whether the engine answers."""
    return machine.units.runs(UNIT)


def of_service(machine: Machine, service: str) -> Running | None:
    """The container of a service, in whatever state."""
    return machine.engine.containers.get(named(service))


def named(service: str) -> str:
    """The name that Compose gives to the container of a service."""
    return f"{PROJECT}-{service}-1"


def definitions(machine: Machine) -> dict[str, Any]:
    """The services of compose.yaml, with what .env says filled in. What it does not say is empty, as for Compose."""
    values = dict(_variables(machine.files.text(f"{HOME}/.env")))
    loaded = _loaded(machine.files.text(f"{HOME}/compose.yaml"))

    def filled(value: Any) -> Any:
        match value:
            case dict():
                return {key: filled(each) for key, each in value.items()}
            case list():
                return [filled(each) for each in value]
            case str():
                return re.sub(r"\$\$|\$\{(\w+)\}", lambda found: values.get(found[1], "") if found[1] else "$", value)
            case _:
                return value

    services: dict[str, Any] = filled(loaded.get("services", {}))
    return services


@lru_cache(maxsize=8)
def _loaded(text: str) -> Mapping[str, Any]:
    # It takes PyYAML a tenth of a second, and is asked for with every look at the containers.
    loaded: dict[str, Any] = yaml.safe_load(text) or {}
    return loaded


def _variables(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, quoted = line.partition("=")
            yield name, re.sub(r"\\(.)", r"\1", quoted[1:-1])


def digest(definition: Mapping[str, Any]) -> str:
    """Changes with all of a service's definition but those that it depends on."""
    hashed = {key: value for key, value in definition.items() if key != "depends_on"}
    return hashlib.sha256(json.dumps(hashed, sort_keys=True).encode()).hexdigest()
