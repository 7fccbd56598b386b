"""Containers: each that is not as it should be, and one line for the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from dify_aws.host.fact import Fact, Facts
from dify_aws.operations.diagnosis.diagnosis import Finding, ok, warning, wrong
from dify_aws.runtimes.compose.project import Container, Project, ProjectState

OFTEN: Final = 3
STARTING: Final = timedelta(minutes=20)
"""A container that starts for longer never ends with it."""


@dataclass(frozen=True)
class Containers:
    """The containers: each that is not as it should be, and one line for the rest."""

    subject = "containers"

    def facts(self) -> Sequence[Fact[Any]]:
        return (Project(),)

    def look(self, facts: Facts) -> Iterator[Finding]:
        project = facts[Project()]
        if not project.desired:
            yield wrong("containers", "there is no compose.yaml, or no Docker to run it", "install() brings both.")
            return
        well = []
        for service in sorted(project.desired):
            finding = _of(project, service)
            if finding is None:
                well.append(service)
            else:
                yield finding
        if well:
            yield ok("containers", f"{len(well)} run: {', '.join(well)}")


def _of(project: ProjectState, service: str) -> Finding | None:
    subject, again = f"container {service}", "install() brings it up, or tells why it does not stay up."
    found = project.of(service)
    if not found:
        return wrong(subject, "there is none", again)
    if len(found) > 1:
        return wrong(subject, f"there are {len(found)} of it", again)
    (container,) = found
    evidence = container.health or container.state
    if container.out_of_memory:
        remedy = 'profile "full" gives wider limits and needs 8 GiB; or choose a larger instance_type.'
        return wrong(subject, f"{evidence}: it used more than its {container.memory_mib} MiB of memory", remedy)
    if container.restarts:
        evidence += f", started again by itself {container.restarts} times"
    if not _up(container):
        return wrong(subject, f"{evidence}, last exit status {container.exit_code}", again)
    if container.restarts >= OFTEN:
        return warning(subject, evidence, "Its log tells why it ended.")
    if container.configuration != project.desired[service]:
        return warning(subject, f"{evidence}, with another configuration than /opt/dify has now", again)
    return None


def _up(container: Container) -> bool:
    if container.state != "running" or container.health == "unhealthy":
        return False
    return container.health != "starting" or container.seconds < STARTING.total_seconds()
