"""Project: what Compose would run out of /opt/dify, and what the engine runs of it now, as one fact."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from dify_aws.host.fact import Answer, Fact
from dify_aws.runtimes.compose.paths import HOME

PROJECT: Final = "dify"
"""As compose.yaml says in ``name``."""

COMPOSE: Final = f"docker compose --project-directory {HOME}"

LOCKED: Final = f"flock --timeout 3600 /run/lock/dify-aws-compose {COMPOSE}"
"""For what changes containers. A run whose connection was lost may still be at work on the host: Compose itself does
not wait for another one, and two of them take each other's containers away."""

# Never all of it: the environment of a container is full of secrets.
_FIELDS: Final = (
    '{{index .Config.Labels "com.docker.compose.service"}}',
    '{{index .Config.Labels "com.docker.compose.oneoff"}}',
    '{{index .Config.Labels "com.docker.compose.config-hash"}}',
    "{{.State.Status}}",
    "{{if .State.Health}}{{.State.Health.Status}}{{end}}",
    "{{.State.ExitCode}}",
    "{{.State.OOMKilled}}",
    "{{.RestartCount}}",
    "{{.State.StartedAt}}",
    "{{.HostConfig.Memory}}",
    "{{range .Mounts}}{{.Source}},{{end}}",
)

# Compose takes 150 ms for it, and the engine 50 meanwhile. Where there is no Docker yet, or no compose.yaml, nothing is
# said. What is in init/ is read once, when a database is made.
_SCRIPT: Final = f"""\
date +%s
exec 3< <({COMPOSE} config --hash '*' 2>/dev/null)
find {HOME} -mindepth 2 -type f ! -path '*/init/*' -printf 'file %T@ %h\\n' 2>/dev/null
docker ps --all --quiet --no-trunc --filter label=com.docker.compose.project={PROJECT} 2>/dev/null |
    xargs --no-run-if-empty docker inspect --format '{"|".join(_FIELDS)}' 2>/dev/null
cat <&3
exit 0"""


@dataclass(frozen=True, kw_only=True)
class Container:
    """One container.

    Args:
        configuration: Compose's digest of the service's definition that it was made of.
        state: created, running, paused, restarting, exited or dead.
        health: starting, healthy or unhealthy; empty if it has no healthcheck.
        restarts: how often the engine has started it again since a person or Compose did.
        started: when it was last started, in seconds since 1970.
        seconds: since then.
        memory_mib: what it may use; 0 is without limit.
        one_off: made by ``docker compose run``.
        mounts: what of the host it has mounted, by path.
    """

    service: str
    configuration: str = ""
    state: str = "running"
    health: str = ""
    exit_code: int = 0
    out_of_memory: bool = False
    restarts: int = 0
    started: float = 0.0
    seconds: float = 0.0
    memory_mib: int = 0
    one_off: bool = False
    mounts: frozenset[str] = frozenset()


@dataclass(frozen=True)
class ProjectState:
    """``wished`` has the digest of each service's definition by its name, as it is in the files now.

    ``changed`` has for each folder below /opt/dify when a file that is right in it was last changed.
    """

    desired: Mapping[str, str]
    containers: Sequence[Container]
    changed: Mapping[str, float] = field(default_factory=dict)

    def of(self, service: str) -> Sequence[Container]:
        """The containers of one service. There should be one."""
        return tuple(each for each in self.containers if each.service == service and not each.one_off)

    def older_than_its_files(self, container: Container) -> bool:
        """Whether a file that it has mounted was changed after it was started: nobody knows what it has read."""
        return any(self.changed.get(path, 0.0) > container.started for path in container.mounts)


@dataclass(frozen=True)
class Project(Fact[ProjectState]):
    """What should run, and what does?"""

    @property
    def name(self) -> str:
        return "containers"

    @property
    def script(self) -> str:
        return _SCRIPT

    def read(self, answer: Answer) -> ProjectState:
        moment, *lines = answer.text.splitlines()
        now = float(moment)
        desired: dict[str, str] = {}
        changed: dict[str, float] = {}
        containers = []
        for line in lines:
            if "|" in line:
                # One without a digest was given its labels by hand: Compose does not take it for one of its own.
                if (found := _container(line, now)).configuration:
                    containers.append(found)
            elif line.startswith("file "):
                _, when, folder = line.split(" ", 2)
                changed[folder] = max(float(when), changed.get(folder, 0.0))
            else:
                service, digest = line.split()
                desired[service] = digest
        return ProjectState(desired, tuple(containers), changed)


def _container(line: str, now: float) -> Container:
    service, one_off, configuration, state, health, exit_code, killed, restarts, began, memory, mounts = line.split("|")
    started = datetime.fromisoformat(began).timestamp()
    return Container(
        service=service,
        configuration=configuration,
        state=state,
        health=health,
        exit_code=int(exit_code),
        out_of_memory=killed == "true",
        restarts=int(restarts),
        started=started,
        seconds=now - started,
        memory_mib=int(memory) >> 20,
        one_off=one_off == "True",
        mounts=frozenset(filter(None, mounts.split(","))),
    )
