"""Migration: the tables of the database are those of this release of Dify, brought there by a job of its own."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.change import Change
from dify_aws.host.errors import CommandFailed, StepRefused
from dify_aws.host.fact import Fact, Facts
from dify_aws.host.host import Host, Result
from dify_aws.host.retrying import retry_on_host
from dify_aws.host.steps.path import AtPath, text_at
from dify_aws.runtimes.compose.docker_error import docker_failed
from dify_aws.runtimes.compose.paths import DATA
from dify_aws.runtimes.compose.project import LOCKED

MARKER: Final = f"{DATA}/migrated"
"""Holds the image that has brought the database, which is on the same volume, to its tables."""

JOB: Final = "dify-migration"
"""The name of the container. There can be one of a name, so there are never two migrations."""

SECONDS: Final = 7200
"""A new index on a large table takes its time."""

LOCK_TRIES: Final = 8
LOCK_SECONDS: Final = 10
"""Dify's own lock outlives a migration that was killed by a minute. Who does not get it skips, and says that it did
well."""


@dataclass(frozen=True, kw_only=True)
class Migration:
    """The database as this image of dify-api needs it. PostgreSQL and Redis run (say so in ``needs``).

    Args:
        image: the reference of dify-api.
        services: those that must not run while their tables move.
        needs: the steps before it; None is all that stand before it in the list.
    """

    image: str
    services: Sequence[str]
    needs: Sequence[str] | None = None

    @property
    def name(self) -> str:
        return "migration"

    def facts(self) -> Sequence[Fact[Any]]:
        return (AtPath(MARKER),)

    def check(self, facts: Facts) -> Sequence[Change]:
        """Which image has migrated last, if it is another one. There is no way back to an older release.

        Raises:
            StepRefused: the database has been migrated by a newer release, or the marker is not UTF-8 text.
        """
        before = text_at(facts, AtPath(MARKER)).strip()
        if before == self.image:
            return ()
        if _release(before) > _release(self.image) > ():
            raise StepRefused(
                facts.where,
                f"the database is that of {before}, and {self.image} is older: Dify knows no way back. Set "
                "dify_version to the newer release again, or restore a backup that was made with the older one.",
            )
        return (Change("database", before or None, self.image),)

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Stop what uses the tables, move them, and note that it is done."""
        # A run that was cut may have left it at work. What that came to is seen by doing it again, which is quick.
        host.run(f"docker wait {JOB}\ndocker rm {JOB}", timeout=SECONDS, again=True)
        _must(host, f"{LOCKED} stop {shlex.join(self.services)}")
        job = f"{LOCKED} run --rm --no-deps -T --name {JOB} --env MODE=migration --env MIGRATION_ENABLED=true api"
        result = retry_on_host(
            host,
            lambda: _must(host, job, of_dify=True),
            is_temporary=_skipped,
            tries=LOCK_TRIES,
            pause_seconds=LOCK_SECONDS,
        )
        if _skipped(result):
            raise _failed(host.where, result, "another migration of the same database is running, or was killed")
        host.write(MARKER, f"{self.image}\n".encode())


def _skipped(result: Result) -> bool:
    """Whether Dify did not migrate, because it found its own lock taken."""
    return re.search("migration skipped", result.stdout + result.stderr, re.IGNORECASE) is not None


def _must(host: Host, command: str, *, of_dify: bool = False) -> Result:
    """``theirs``: what the command says is Dify's, unless it comes from the engine."""
    result = host.run(command, timeout=SECONDS, again=True)
    if result.ok:
        return result
    if of_dify and "Error response from daemon" not in result.stderr:
        raise _failed(host.where, result, f"the database could not be migrated ({result.ending})")
    raise docker_failed(host.where, result)


def _failed(where: str, result: Result, wrong: str) -> CommandFailed:
    # What Dify says of it is on both, and the last of it is what counts.
    merged = Result(result.command, result.status, err=result.out + result.err)
    return CommandFailed(
        where,
        merged,
        wrong=wrong,
        advice="Dify stays stopped, for its program and its tables must fit. Run again when the cause is mended. To go "
        "back to an older release instead, restore the backup that was made with it.",
    )


def _release(image: str) -> tuple[int, ...]:
    """The release that an image's tag names; nothing if it names none."""
    tag = image.partition("@")[0].rpartition(":")[2]
    return tuple(map(int, tag.split("."))) if re.fullmatch(r"\d{1,9}(\.\d{1,9})+", tag) else ()
