"""Containers: these services of compose.yaml run, each as it is written there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.change import Change
from dify_aws.host.errors import ContainerFailed
from dify_aws.host.fact import Fact, Facts
from dify_aws.host.host import Host, Result
from dify_aws.host.script import script
from dify_aws.runtimes.compose.docker_error import docker_failed
from dify_aws.runtimes.compose.project import COMPOSE, LOCKED, PROJECT, Container, Project, ProjectState

WAIT_SECONDS: Final = 900
"""How long containers may take to be up: on two small processors, Dify's first start takes minutes."""

UP_SECONDS: Final = 1200
"""How long Compose may take: it waits for containers that write down what they have before they end."""

WATCH_SECONDS: Final = 60
"""For how long the host looks on by itself."""

POLL_SECONDS: Final = 2
SETTLED_SECONDS: Final = 5
"""A container without a healthcheck stays up, it seems, when it has run for so long, …"""

RECOVERED_SECONDS: Final = 60
"""… and when it has run for so long, if it has ended by itself before."""

MOST_RESTARTS: Final = 3
"""A container that has ended so often since it was made will do it again."""

OLD: Final = "of another configuration"
UNHEALTHY: Final = "unhealthy"
PASSING: Final = frozenset({"starting", "restarting"})
CHANGED: Final = "older than its files"
"""Compose does not see this one: somebody changed a mounted file, the container may have read it, and now the file is
put back. (That we want another file is in a label of its service, so that is another configuration.)"""

_FORM: Final = (
    '{{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}} '
    "{{with .State.Health}}{{.Status}}{{else}}none{{end}} {{.RestartCount}}"
)

# $1: seconds at most; $2: the services, with | between them. It ends well when all are up, and otherwise as soon as
# there is something to be seen. What has no healthcheck may fall in its first moment, and to wait for that costs
# nothing beside what has one: compose.yaml lets it be asked after two seconds. A look takes the engine 40 ms of a
# processor, so there are fewer of them when it takes longer, and what starts needs all of it.
WATCH: Final = f"""\
all=$(docker ps --all --quiet --filter label=com.docker.compose.project={PROJECT} \\
    --filter label=com.docker.compose.oneoff=False)
while told=$(docker inspect --format '{_FORM}' $all | grep -E "^($2) "); do
    if ! grep -Eqv ' running (healthy|none) 0$' <<<"$told"; then
        if [ "$SECONDS" -ge 2 ] || ! grep -q ' none ' <<<"$told"; then exit 0; fi
    elif [ "$SECONDS" -ge "$1" ] || ! grep -Eq ' (created|restarting|starting) ' <<<"$told" ||
        grep -Eq ' (exited|dead|unhealthy) | ([{MOST_RESTARTS}-9]|[0-9]{{2,}})$' <<<"$told"; then break; fi
    sleep "$([ "$SECONDS" -lt 5 ] && echo 0.2 || echo 1)"
done
exit 1
"""

ENDED: Final = frozenset({"exited", "restarting", "dead"})
AFRESH: Final = frozenset({UNHEALTHY, "restarting", "dead", CHANGED})
"""What Compose and the engine do not end by themselves, or not soon."""


@dataclass(frozen=True, kw_only=True)
class Containers:
    """Some of the containers. Only those that are not as wished are touched; Compose makes anew what it has to.

    Their images are there, and the containers that they depend on run as they should (say so in ``needs``), because
    Compose looks at those as well. (Told not to, with ``--no-deps``, Compose 2.26 makes containers of a definition
    without ``depends_on``, and all that comes later takes them for others than they are.)

    Args:
        name: of the step.
        services: as in compose.yaml.
        sweep: also take away the containers of services that are no longer in compose.yaml.
        needs: the steps before it; None is all that stand before it in the list.
    """

    name: str
    services: Sequence[str]
    sweep: bool = False
    needs: Sequence[str] | None = None

    def facts(self) -> Sequence[Fact[Any]]:
        return (Project(),)

    def check(self, facts: Facts) -> Sequence[Change]:
        """Each of the services that does not run as it should, by its name."""
        return tuple(self._changes(facts[Project()]))

    def _changes(self, project: ProjectState) -> Iterator[Change]:
        for service in self.services:
            if before := _fault(project, service):
                yield Change(service, None if before == "nothing" else before, "running")
        if self.sweep:
            for service in sorted(_retired(project)):
                yield Change(service, "running", None)

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Have Compose bring them up, and look on until they are, or until it is plain that they do not stay up."""
        services = {change.attribute: change.before for change in changes if change.after is not None}
        if paused := [service for service, before in services.items() if before == "paused"]:
            _compose(host, f"{LOCKED} unpause {shlex.join(paused)}")
        if stuck := [service for service, before in services.items() if before in AFRESH]:
            _compose(host, f"{LOCKED} restart --no-deps {shlex.join(stuck)}")
        sweep = "--remove-orphans " if self.sweep else ""
        up = f"{LOCKED} up --detach --pull never {sweep}{shlex.join(services or self.services)}"
        _compose(host, up)
        if ENDED & set(services.values()):
            # It may do so again, and the engine says "running" of a program that will end in a second, too.
            host.must(f"sleep {SETTLED_SECONDS}", again=True)
        if services:
            self._watch(host, tuple(services))

    def _watch(self, host: Host, services: Sequence[str]) -> None:
        watch, left = script(WATCH, str(WATCH_SECONDS), "|".join(services)), float(WAIT_SECONDS)
        while not (watched := host.run(watch, again=True)).ok:
            left -= watched.seconds + POLL_SECONDS
            project = host.ask((Project(),))[Project()]
            faulty = [service for service in services if _fault(project, service)]
            found = [container for service in faulty for container in project.of(service)]
            for container in found:
                if _hopeless(container) or left <= 0:
                    raise _container_failed(host, container)
            if not any(_fault(project, service) in PASSING for service in faulty):
                return
            host.must(f"sleep {POLL_SECONDS}", again=True)


def _fault(project: ProjectState, service: str) -> str:
    """What is wrong with a service, in a word or two; empty if nothing is."""
    found = project.of(service)
    if not found:
        return "nothing"
    if len(found) > 1:
        return f"{len(found)} containers"
    (container,) = found
    if container.configuration != project.desired.get(service):
        return OLD
    if container.state != "running":
        return container.state
    if project.older_than_its_files(container):
        return CHANGED
    if container.health:
        return "" if container.health == "healthy" else container.health
    # Whether one that has just begun stays up, the last probes tell: the rest of the installation need not wait for it.
    return "starting" if container.restarts and container.seconds < RECOVERED_SECONDS else ""


def _retired(project: ProjectState) -> set[str]:
    """The services that run and are in compose.yaml no more. If nothing could be read there, none."""
    if not project.desired:
        return set()
    return {each.service for each in project.containers if not each.one_off} - project.desired.keys()


def _hopeless(container: Container) -> bool:
    if container.health == UNHEALTHY or container.state in ("exited", "dead"):
        return True
    # While it runs for a moment, the engine no longer tells how it has ended before.
    return container.restarts >= MOST_RESTARTS * (1 if container.state == "restarting" else 2)


def _container_failed(host: Host, container: Container) -> ContainerFailed:
    wrong, advice = _described(container)
    tail = f"{COMPOSE} logs --no-color --no-log-prefix --tail 20 {shlex.quote(container.service)}"
    log = host.run(tail, again=True)
    if "exec format error" in log.stdout:
        advice = "Its image is for another kind of processor: choose an instance_type with x86-64."
    elif "no space left on device" in log.stdout.lower():
        advice = "The disk is full: set data_volume_gib higher, or free some space below /data; then run again."
    return ContainerFailed(host.where, container.service, wrong, log=log.stdout, advice=advice)


def _described(container: Container) -> tuple[str, str]:
    """What is the matter with it, and what to do."""
    if container.out_of_memory:
        return (
            f"was ended because it used more than its {container.memory_mib} MiB of memory",
            'The limits come with the setting profile: "full" has wider ones, and needs an instance_type with 8 GiB.',
        )
    again = f"keeps ending ({container.restarts} times so far); the last time with " if container.restarts else ""
    if container.exit_code == 137:
        return (
            f"{again}was killed" if not again else f"{again}a kill",
            "If the whole machine ran out of memory, the kernel tells: `journalctl --dmesg --grep 'out of memory'`. "
            "Then choose an instance_type with more of it.",
        )
    if container.state in ("exited", "dead", "restarting") or again:
        return (
            f"{again}exit status {container.exit_code}" if again else f"ended with exit status {container.exit_code}",
            "Its log tells why. Mend that, and run again.",
        )
    if container.health == UNHEALTHY:
        return "runs, and its healthcheck fails", "Its log tells why. Mend that, and run again."
    return (
        f"is not up after {WAIT_SECONDS} s (it is {container.health or container.state})",
        "If the machine is overloaded (`uptime`, `free -m`), choose a larger instance_type; then run again.",
    )


def _compose(host: Host, command: str) -> None:
    result = host.run(command, timeout=UP_SECONDS, again=True)
    if not result.ok:
        raise docker_failed(host.where, result, more=_listener(host, result))


def _listener(host: Host, result: Result) -> str:
    """Who has the port that could not be had, if that is what is wrong."""
    found = re.search(r":(\d+)(?: failed|: bind: address already in use)", result.stderr)
    if not found or ("alloc" not in result.stderr and "in use" not in result.stderr):
        return ""
    listing = host.run(f"ss -Hltnp 'sport = :{found[1]}'", again=True).stdout.strip()
    return f"On port {found[1]} there is:\n  {listing}" if listing else ""
