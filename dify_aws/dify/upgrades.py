"""Upgrades: what an upgrade from one release to another crosses, by the record of the newer one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from dify_aws.dify.release import Gate, Job, Release
from dify_aws.dify.versions import crosses, numbers


def goes_back(before: str, release: Release) -> bool:
    """Whether a release is older than the one until now.

    Args:
        before: the release until now. Nothing is older than what is no version.
        release: the release from now on.
    """
    return numbers(release.version) < numbers(before)


def gates_crossed(before: str, release: Release, settings: object, replaced: Mapping[str, str]) -> Iterator[Gate]:
    """The gates between two releases.

    Args:
        before: the release until now.
        release: the release from now on.
        settings: an object with the settings that a record names as attributes.
        replaced: images that somebody chose in place of the release's own, by name.

    Yields:
        Each gate of a service that runs and has the image of the release.
    """
    running = release.running(settings)
    for gate in release.gates:
        concerned = not gate.service or (
            gate.service in running and release.services[gate.service].image not in replaced
        )
        if concerned and crosses(before, gate.before, release.version):
            yield gate


def jobs_due(before: str, jobs: Sequence[Job], after: str) -> tuple[Job, ...]:
    """The jobs that a first installation or an upgrade runs.

    Args:
        before: the release until now; empty for a first installation.
        jobs: those in the record of the release from now on.
        after: the release from now on.

    Returns:
        They, in the order of the record.
    """
    return tuple(job for job in jobs if (crosses(before, job.crossing_to, after) if before else job.fresh))
