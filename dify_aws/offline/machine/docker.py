"""Docker: the commands docker and docker compose of the model machine, and their output."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from posixpath import join, normpath
from typing import TYPE_CHECKING, Any, Final

from dify_aws.host.fact import Answer, Fact
from dify_aws.offline.machine import containers, dify, images, jobs
from dify_aws.offline.machine.ended import Ended, NotModelled, failed
from dify_aws.offline.machine.engine import UNIT, Running, definitions, digest, named, runs
from dify_aws.offline.machine.files import Options
from dify_aws.runtimes.compose.paths import HOME
from dify_aws.runtimes.compose.steps.image import listed

if TYPE_CHECKING:
    from dify_aws.offline.machine.machine import Machine

NO_ENGINE: Final = "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"


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
        case "wait" | "inspect" | "logs" | "rm":
            return jobs.command(machine, verb, arguments)
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
        return jobs.run(machine, services, rest)
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
    present = machine.engine.containers
    if parsed.remove_orphans:
        for name in [name for name, each in present.items() if each.service not in services]:
            del present[name]
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
    return [each for each in machine.engine.containers.values() if each.service in arguments and not each.one_off]


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


def _ss(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    port = re.fullmatch(r"sport = :(\d+)", argv[-1])
    if argv[1:-1] != ["-Hltnp"] or not port:
        raise NotModelled(shlex.join(argv))
    program = machine.system.listening.get(int(port[1]))
    return Ended(out=f'LISTEN 0 128 0.0.0.0:{port[1]} 0.0.0.0:* users:(("{program}",pid=700,fd=3))\n'.encode())


ANSWERS: Final[Mapping[type[Fact[Any]], Callable[[Machine, Any], Answer]]] = {
    **images.ANSWERS,
    **containers.ANSWERS,
    **dify.ANSWERS,
}
SCRIPTS: Final[Mapping[str, Callable[[Machine, Sequence[str], bytes], Ended]]] = {
    **containers.SCRIPTS,
    **dify.SCRIPTS,
}
COMMANDS: Final[Mapping[str, Callable[[Machine, Sequence[str], bytes], Ended]]] = {
    "docker": _docker,
    "flock": _flock,
    "ss": _ss,
}
