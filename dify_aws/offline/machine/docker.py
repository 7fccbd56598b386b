"""Docker: the commands docker and docker compose of the model machine, and their output."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from posixpath import dirname, join, normpath
from typing import TYPE_CHECKING, Any, Final

from dify_aws.host.fact import Answer, Fact
from dify_aws.offline.machine import dify, images
from dify_aws.offline.machine.certificates import BEGINNING
from dify_aws.offline.machine.ended import Ended, NotModelled, failed
from dify_aws.offline.machine.engine import UNIT, Running, definitions, digest, named, runs
from dify_aws.offline.machine.files import Options
from dify_aws.runtimes.compose.bundle import HOME
from dify_aws.runtimes.compose.project import Project
from dify_aws.runtimes.compose.steps.containers import MOST_RESTARTS, WATCH
from dify_aws.runtimes.compose.steps.image import listed

if TYPE_CHECKING:
    from dify_aws.offline.machine.machine import Machine

HEALTHY_SECONDS: Final = 12.0
"""Seconds from the start of a container until it is healthy."""

LATER_SECONDS: Final = 5.0
START_SECONDS: Final = 0.001
"""Seconds from the command to the start: the clock of the world may not advance between a write and a read."""

RESTARTS: Final = 6
NO_ENGINE: Final = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"


# Facts ----------------------------------------------------------------------------------------------------------------


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


# Commands -------------------------------------------------------------------------------------------------------------


def _docker(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    if not machine.units.known(UNIT):
        return failed("bash: docker: command not found", 127)
    if not runs(machine):
        return failed(NO_ENGINE)
    folder = ""  # nobody has logged in to a registry by hand
    if argv[1] == "--config":
        folder, argv = argv[2], [argv[0], *argv[3:]]
    verb, *arguments = argv[1:]
    match verb:
        case "compose":
            return _compose(machine, arguments, stdin)
        case "pull":
            return images.pull(machine, arguments, folder)
        case "wait" | "rm" if len(arguments) == 1:
            # A job is over as soon as it was begun, and then it is gone.
            return failed(f"Error response from daemon: No such container: {arguments[0]}")
        case _:
            raise NotModelled(shlex.join(argv))


def _compose(machine: Machine, arguments: Sequence[str], stdin: bytes) -> Ended:
    if list(arguments[:2]) != ["--project-directory", HOME]:
        raise NotModelled(shlex.join(arguments))
    verb, *rest = arguments[2:]
    try:
        services = definitions(machine)
    except KeyError as variable:
        return failed(f"the variable {variable} is not set", 15)
    if not services:
        return failed("no configuration file provided: not found", 14)
    known = {"up": _up, "stop": _stop, "restart": _restart, "unpause": _unpause, "logs": _logs}
    if verb in known:
        return known[verb](machine, services, rest)
    if verb == "run":
        return dify.migrate(machine, services, rest)
    if verb == "exec":
        return dify.execute(machine, rest, stdin)
    raise NotModelled(shlex.join(arguments))


def _up(machine: Machine, services: Mapping[str, Any], arguments: Sequence[str]) -> Ended:
    options = Options("docker compose up")
    options.add_argument("--detach", action="store_true", required=True)
    options.add_argument("--pull", choices=["never"], required=True)
    options.add_argument("--remove-orphans", action="store_true")
    options.add_argument("services", nargs="+")
    parsed = options.parse_args(arguments)
    containers = machine.engine.containers
    if parsed.remove_orphans:
        for name in [name for name, each in containers.items() if each.service not in services]:
            del containers[name]
    wanted = list(parsed.services)
    for service in wanted:
        wanted += [each for each in services[service].get("depends_on", {}) if each not in wanted]
    for service in reversed(wanted):
        ended = _begin(machine, service, services[service])
        if ended.status:
            return ended
    return Ended()


def _begin(machine: Machine, service: str, definition: Mapping[str, Any]) -> Ended:
    name, engine = named(service), machine.engine
    found = engine.containers.get(name)
    if found and found.configuration == digest(definition) and found.state in ("running", "paused"):
        return Ended()
    if listed(definition["image"]) not in engine.images:
        return failed(f"Error response from daemon: No such image: {definition['image']}")
    engine.containers[name] = made = Running(
        service=service,
        configuration=digest(definition),
        image=definition["image"],
        environment=definition.get("environment", {}),
        memory_mib=int(definition["mem_limit"].removesuffix("m")),
        watched="healthcheck" in definition,
        mounts=tuple(normpath(join(HOME, each.partition(":")[0])) for each in definition.get("volumes", ())),
        started=machine.clock.now(),
        state="created",
    )
    for port in (int(published.partition(":")[0]) for published in definition.get("ports", ())):
        if machine.system.listening.setdefault(port, "docker-proxy") != "docker-proxy":
            return failed(
                "Error response from daemon: driver failed programming external connectivity on endpoint "
                f"{name}: failed to bind port 0.0.0.0:{port}/tcp: Error starting userland proxy: "
                f"listen tcp4 0.0.0.0:{port}: bind: address already in use"
            )
    made.state = "running"
    dify.begun(machine, service, made.environment)
    return Ended()


def _of(machine: Machine, services: Mapping[str, Any], arguments: Sequence[str]) -> list[Running]:
    if unknown := [word for word in arguments if word not in services]:
        raise NotModelled(f"docker compose: no such service: {unknown}")
    return [each for each in machine.engine.containers.values() if each.service in arguments]


def _stop(machine: Machine, services: Mapping[str, Any], arguments: Sequence[str]) -> Ended:
    for each in _of(machine, services, arguments):
        each.state = "exited"
    return Ended()


def _restart(machine: Machine, services: Mapping[str, Any], arguments: Sequence[str]) -> Ended:
    """Restart containers. Failures of a single container may end; failures of the world remain."""
    if arguments[0] != "--no-deps":
        raise NotModelled(shlex.join(["docker", "compose", "restart", *arguments]))
    for each in _of(machine, services, arguments[1:]):
        each.state, each.started = "running", machine.clock.now()
    return Ended()


def _unpause(machine: Machine, services: Mapping[str, Any], arguments: Sequence[str]) -> Ended:
    for each in _of(machine, services, arguments):
        each.state = "running" if each.state == "paused" else each.state
    return Ended()


def _logs(machine: Machine, services: Mapping[str, Any], arguments: Sequence[str]) -> Ended:
    options = Options("docker compose logs")
    options.add_argument("--no-color", action="store_true", required=True)
    options.add_argument("--no-log-prefix", action="store_true", required=True)
    options.add_argument("--tail", required=True)
    options.add_argument("service")
    return Ended(out=dify.log(machine, options.parse_args(arguments).service).encode())


def _flock(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    """The lock is always free: one command of the model ends before the next starts."""
    if argv[1] != "--timeout" or argv[4] != "docker":
        raise NotModelled(shlex.join(argv))
    return _docker(machine, argv[4:], stdin)


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


def _ss(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    port = re.fullmatch(r"sport = :(\d+)", argv[-1])
    if argv[1:-1] != ["-Hltnp"] or not port:
        raise NotModelled(shlex.join(argv))
    program = machine.system.listening.get(int(port[1]))
    return Ended(out=f'LISTEN 0 128 0.0.0.0:{port[1]} 0.0.0.0:* users:(("{program}",pid=700,fd=3))\n'.encode())


ANSWERS: Final[Mapping[type[Fact[Any]], Callable[[Machine, Any], Answer]]] = {
    **images.ANSWERS,
    Project: _project,
    **dify.ANSWERS,
}
SCRIPTS: Final[Mapping[str, Callable[[Machine, Sequence[str], bytes], Ended]]] = {
    WATCH: _watch,
    **dify.SCRIPTS,
}
COMMANDS: Final[Mapping[str, Callable[[Machine, Sequence[str], bytes], Ended]]] = {
    "docker": _docker,
    "flock": _flock,
    "ss": _ss,
}
