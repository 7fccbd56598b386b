"""Jobs: commands of Dify that a release asks for once, before or after the migration of the database."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from dify_aws.change import Change
from dify_aws.dify.release import Job
from dify_aws.dify.upgrades import jobs_due
from dify_aws.dify.versions import numbers
from dify_aws.foreign_json import parse_json
from dify_aws.host.errors import ContainerFailed, StepRefused
from dify_aws.host.fact import Fact, Facts
from dify_aws.host.host import Host
from dify_aws.host.steps.path import AtPath
from dify_aws.runtimes.compose.docker_error import docker_failed
from dify_aws.runtimes.compose.paths import DATA
from dify_aws.runtimes.compose.project import LOCKED

MARKER: Final = AtPath(f"{DATA}/jobs.json")
"""Which release the database was last brought to with all its jobs, and which jobs are done. On the data volume, beside
the database that they have changed."""

SECONDS: Final = 7200
"""A job may rewrite every row of a large table."""

LOG_LINES: Final = 20
SUCCEEDED: Final = "exited 0 false"


def container(job: Job) -> str:
    """The name of the container of a job. There can be one of a name, so a job never runs twice at a time."""
    return f"dify-job-{job.key}"


@dataclass(frozen=True)
class Progress:
    """What the marker says.

    Attributes:
        release: the release whose jobs are all done; empty before the first installation was finished.
        done: the jobs that are done, by ``Job.key``.
    """

    release: str = ""
    done: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The marker as a file."""
        return json.dumps({"release": self.release, "done": sorted(self.done)}, indent=2) + "\n"


@dataclass(frozen=True, kw_only=True)
class Jobs:
    """The jobs of a release that a first installation or an upgrade needs, each once.

    A job is done when the marker says so. A run that was killed leaves the container, and the next run waits for that
    one and takes its result, so the job is not run again.

    Args:
        release: the release that is installed.
        jobs: all jobs in its record.
        when: which of them: before or after the migration. The step after it also records the release.
        services: those that must not run meanwhile.
        needs: the steps before it; None is all that stand before it in the list.
    """

    release: str
    jobs: Sequence[Job]
    when: Literal["before", "after"]
    services: Sequence[str] = ()
    needs: Sequence[str] | None = None

    @property
    def name(self) -> str:
        return f"jobs {self.when} the migration"

    def facts(self) -> Sequence[Fact[Any]]:
        return (MARKER,)

    def check(self, facts: Facts) -> Sequence[Change]:
        """The jobs that are due and not done, and the release.

        Raises:
            StepRefused: the marker cannot be read.
        """
        progress = _progress(facts)
        changes = [Change(job.name, None, "done") for job in self._due(progress)]
        if self.when == "after" and progress.release != self.release:
            changes.append(Change("release", progress.release or None, self.release))
        return tuple(changes)

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Run one job after the other, and record each as soon as it is done."""
        progress = _progress(host.ask([MARKER]))
        due = self._due(progress)
        if due and self.services:
            _compose(host, f"stop {shlex.join(self.services)}")
        for job in due:
            _run(host, job)
            progress = Progress(progress.release, (*progress.done, job.key))
            host.write(MARKER.path, progress.text.encode())
            host.run(f"docker rm {container(job)}", again=True)
        if self.when == "after":
            host.write(MARKER.path, Progress(self.release, progress.done).text.encode())

    def _due(self, progress: Progress) -> tuple[Job, ...]:
        due = jobs_due(progress.release, self.jobs, self.release)
        return tuple(job for job in due if job.when == self.when and job.key not in progress.done)


def _progress(facts: Facts) -> Progress:
    found = facts[MARKER]
    if found.kind == "nothing":
        return Progress()
    try:
        values = parse_json(found.data.decode())
        progress = Progress(values["release"], tuple(values["done"]))
        if not all(isinstance(each, str) for each in (progress.release, *progress.done)):
            raise ValueError("a name is no text")
        if progress.release and not numbers(progress.release):
            raise ValueError("the release has no numbers")
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise StepRefused(
            facts.where,
            f"{MARKER.path} should say which jobs of Dify are done, and cannot be read ({error}). Restore it from a "
            f'backup, or write {{"release": "X", "done": []}} with the release that was last installed completely.',
        ) from None
    return progress


def _run(host: Host, job: Job) -> None:
    """Run a job to its end, or take the result of a run that was interrupted."""
    state = _ended(host, job)
    if state != SUCCEEDED:
        if state:
            # It has failed, was killed, or was made and never started.
            host.run(f"docker rm {container(job)}", again=True)
        _compose(
            host,
            f"run --detach --no-deps -T --name {container(job)} --env MODE=job --env MIGRATION_ENABLED=false api "
            f"{shlex.join(job.command)}",
        )
        state = _ended(host, job)
    if state != SUCCEEDED:
        raise _failed(host, job, state)


def _ended(host: Host, job: Job) -> str:
    """How the container of a job has ended, when it has: state, exit status, out of memory. Empty if there is none."""
    name = container(job)
    # docker wait says 0 of a container that was never started, too.
    inspect = f"docker inspect --format '{{{{.State.Status}}}} {{{{.State.ExitCode}}}} {{{{.State.OOMKilled}}}}' {name}"
    result = host.run(f"docker wait {name}\n{inspect}", timeout=SECONDS, again=True)
    if result.ok:
        return result.stdout.strip().rpartition("\n")[2]
    if "No such" in result.stderr:
        return ""
    raise docker_failed(host.where, result)


def _compose(host: Host, arguments: str) -> None:
    result = host.run(f"{LOCKED} {arguments}", timeout=SECONDS, again=True)
    # A command that was repeated after a lost connection finds the container that it has started.
    if not result.ok and "is already in use by container" not in result.stderr:
        raise docker_failed(host.where, result)


def _failed(host: Host, job: Job, state: str) -> ContainerFailed:
    log = host.run(f"docker logs --tail {LOG_LINES} {container(job)}", again=True)
    _, status, out_of_memory = (*state.split(), "", "", "")[:3]
    wrong = f"ended with exit status {status}" if status else "did not start"
    if out_of_memory == "true":
        wrong = "was ended because it used more memory than the container of api may"
    return ContainerFailed(
        host.where,
        f"the job {job.name} ({shlex.join(('flask', *job.command))})",
        wrong,
        log=log.stdout + log.stderr,
        advice=f"What it is for: {job.reason}\nThe next run starts it again. Fix the cause, and run again; its whole "
        f"log is in `docker logs {container(job)}` on the host.",
    )
