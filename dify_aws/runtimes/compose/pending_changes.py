"""Pending changes: what an installation would change on the machine, as far as the tags of the machine can say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from dify_aws.change import Affected, Change
from dify_aws.dify.known_releases import release_of
from dify_aws.dify.upgrades import jobs_due
from dify_aws.outputs import Outputs
from dify_aws.runtimes.compose.fingerprint import Fingerprint, Installed
from dify_aws.runtimes.compose.paths import AGENT, DAEMON, HOME
from dify_aws.runtimes.compose.stages.containers import STORES
from dify_aws.settings import Settings

MINUTES_OF_A_RESTART: Final = "an estimated 1 to 3 minutes, until the containers are healthy"
"""An estimate, and called one: it was not measured with the images of Dify. Their health checks allow five minutes."""

SECONDS_OF_NGINX: Final = "a few seconds, while nginx restarts"
BROWSERS_NEED: Final = frozenset({"api", "web", "db_postgres", "redis"})
"""Services without which nobody can use Dify, beside nginx."""


def not_installed(settings: Settings) -> tuple[Change, ...]:
    """What a first installation brings.

    Args:
        settings: what is desired.
    """
    release = release_of(settings.dify_version, settings.release)
    return (
        Change("release", None, release.version),
        Change("containers", None, Affected(release.running(settings))),
    )


def pending_changes(settings: Settings, outputs: Outputs, tags: Mapping[str, str]) -> tuple[Change, ...] | None:
    """What an installation would change, compared with what was last installed and proved. Asks nobody.

    Args:
        settings: what is desired.
        outputs: of the environment in AWS.
        tags: of the machine.

    Returns:
        The changes; none if Dify is as desired. None if no installation was ever finished on this machine.
    """
    installed = Installed.read(tags)
    return None if installed is None else tuple(_changes(settings, Fingerprint.of(settings, outputs), installed))


def _changes(settings: Settings, desired: Fingerprint, installed: Installed) -> Iterator[Change]:
    changed = {
        part: tuple(name for name, digest in digests.items() if digest not in installed.digests[part])
        for part, digests in desired.parts.items()
    }
    fewer = {
        part: len(installed.digests[part] - set(digests.values())) - len(changed[part])
        for part, digests in desired.parts.items()
    }
    if installed.release != desired.release:
        yield Change("release", installed.release, desired.release)
    if not installed.finished:
        yield Change("last installation", "not finished", "finished")
    for part in ("variables", "files"):
        names = changed[part] if part == "variables" else tuple(map(_path, changed[part]))
        if removed := max(fewer[part], 0):
            names = (*names, f"{removed} removed")
        if names:
            yield Change(part, None, Affected(names))
    containers = changed["services"]
    if removed := max(fewer["services"], 0):
        containers = (*containers, f"{removed} removed")
    if containers:
        yield Change("containers to be replaced", None, Affected(containers))
    if stages := tuple(_stages(settings, changed, installed.release)):
        yield Change("stages", None, Affected(stages))
    if away := _unavailable(frozenset(changed["services"]), moved=installed.release != desired.release):
        yield Change("Dify is not available for", None, Affected((away,)))


def _stages(settings: Settings, changed: Mapping[str, tuple[str, ...]], before: str) -> Iterator[str]:
    """The stages of the installer that have something to do, in their order."""
    files, services = frozenset(changed["files"]), frozenset(changed["services"])
    release = release_of(settings.dify_version, settings.release)
    dify = {name for name in release.services if name not in STORES and name != "nginx"}
    jobs = {job.when for job in jobs_due(before, release.jobs, release.version)}
    due = {
        "base system": DAEMON in files,
        "images": bool(changed["images"]),
        "files": bool(files or changed["variables"]),
        "data services": bool(services & set(STORES)),
        "jobs before the migration": "before" in jobs,
        "migration": before != release.version,
        "dify": bool(services & dify),
        "jobs after the migration": "after" in jobs,
        "nginx": "nginx" in services,
        "certificate": "bin/certificate" in files,
        "CloudWatch agent": AGENT in files,
    }
    yield from (stage for stage, needed in due.items() if needed)


def _unavailable(services: frozenset[str], *, moved: bool) -> str:
    if moved:
        return f"the time of the migration, and {MINUTES_OF_A_RESTART}"
    if services & BROWSERS_NEED:
        return MINUTES_OF_A_RESTART
    return SECONDS_OF_NGINX if "nginx" in services else ""


def _path(path: str) -> str:
    return path if path.startswith("/") else f"{HOME}/{path}"
