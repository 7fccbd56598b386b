"""Containers of the model machine: what is asked about them, and how long they are watched."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from posixpath import dirname
from typing import TYPE_CHECKING, Any, Final

from dify_aws.host.fact import Answer, Fact
from dify_aws.offline.machine import dify
from dify_aws.offline.machine.certificates import BEGINNING
from dify_aws.offline.machine.ended import Ended
from dify_aws.offline.machine.engine import definitions, digest, runs
from dify_aws.runtimes.compose.paths import HOME
from dify_aws.runtimes.compose.project import Project
from dify_aws.runtimes.compose.steps.containers import MOST_RESTARTS, WATCH

if TYPE_CHECKING:
    from dify_aws.offline.machine.machine import Machine

HEALTHY_SECONDS: Final = 12.0
"""Seconds from the start of a container until it is healthy."""

LATER_SECONDS: Final = 5.0
START_SECONDS: Final = 0.001
"""Seconds from the command to the start: the clock of the world may not advance between a write and a read."""

RESTARTS: Final = 6


def _project(machine: Machine, fact: Project) -> Answer:
    now = machine.clock.now()
    present = BEGINNING + timedelta(seconds=now if math.isfinite(now) else 0)
    lines = [f"{present.timestamp():.0f}"]
    if not runs(machine):
        return Answer("\n".join([*lines, ""]).encode())
    lines += [f"{service} {digest(definition)}" for service, definition in sorted(definitions(machine).items())]
    lines += [f"file {_moment(machine, changed):.6f} {folder}" for folder, changed in _changed(machine).items()]
    for found in machine.engine.containers.values():
        ail = dify.ailment(machine, found) if found.state == "running" else ""
        age = now - found.started if math.isfinite(now) else 3600.0
        ends = ail in ("ends", "out of memory") or (ail == "ends later" and age >= LATER_SECONDS)
        health = "" if not found.watched else "starting" if age < HEALTHY_SECONDS or ends else "healthy"
        fields: tuple[object, ...] = (
            found.service,
            found.one_off,
            found.configuration,
            "restarting" if ends else found.state,
            "unhealthy" if ail == "unhealthy" else health,
            137 if ail == "out of memory" else 1 if ends or found.state == "exited" else 0,
            str(ail == "out of memory").lower(),
            RESTARTS if ends else 0,
            f"{datetime.fromtimestamp(_moment(machine, found.started) + START_SECONDS, UTC):%Y-%m-%dT%H:%M:%S.%f}000Z",
            found.memory_mib << 20,
            "".join(f"{path}," for path in found.mounts),
        )
        lines.append("|".join(map(str, fields)))
    return Answer("\n".join(lines).encode())


def _changed(machine: Machine) -> Mapping[str, float]:
    """When a file in each folder below /opt/dify was last changed."""
    newest: dict[str, float] = {}
    for path in machine.files.below(HOME):
        entry, folder = machine.files.get(path), dirname(path)
        if entry and entry.kind == "file" and folder != HOME and not folder.endswith("/init"):
            newest[folder] = max(entry.changed, newest.get(folder, 0.0))
    return newest


def _moment(machine: Machine, seconds: float) -> float:
    """A moment of the world's clock, in seconds since 1970."""
    return BEGINNING.timestamp() + (seconds if math.isfinite(seconds) else -3600.0)


def _watch(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    """Like the script: success when all are running, failure as soon as one fails."""
    seconds, services = argv
    for second in range(int(seconds) + 1):
        project = Project().read(_project(machine, Project()))
        found = [container for service in services.split("|") for container in project.of(service)]
        if found and all(each.state == "running" and each.health in ("", "healthy") for each in found):
            if any(each.restarts for each in found):
                break
            if second >= 2 or all(each.health for each in found):
                return Ended()
        elif any(each.health == "unhealthy" or each.restarts >= MOST_RESTARTS for each in found) or not any(
            each.state == "restarting" or each.health == "starting" for each in found
        ):
            break
        machine.clock.sleep(1.0)
    return Ended(1)


ANSWERS: Final[Mapping[type[Fact[Any]], Callable[[Machine, Any], Answer]]] = {Project: _project}
SCRIPTS: Final[Mapping[str, Callable[[Machine, Sequence[str], bytes], Ended]]] = {WATCH: _watch}
