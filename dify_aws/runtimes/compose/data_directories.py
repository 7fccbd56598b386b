"""Data directories: where the containers keep what they write, on the data volume."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dify_aws.dify.known_releases import release_of
from dify_aws.runtimes.compose.paths import DATA
from dify_aws.settings import Settings


@dataclass(frozen=True, kw_only=True)
class DataDirectory:
    """One directory that a container writes to.

    Args:
        owner: user:group by number, as they are inside the container.
        mode: as for chmod.
        deep: whether all that is in it must be of this owner too, whoever put it there: a restored backup, say.
    """

    owner: str = "0:0"
    mode: int = 0o755
    deep: bool = False


def directories(settings: Settings) -> Iterator[tuple[str, DataDirectory]]:
    """Each directory by its path. The owners are users inside the images: 1001 is Dify's, 999:1000 is Redis on Alpine.

    Args:
        settings: what is desired.
    """
    yield f"{DATA}/logs/dify", DataDirectory()
    yield f"{DATA}/logs/nginx", DataDirectory()
    yield f"{DATA}/postgres", DataDirectory()  # PostgreSQL makes its own directory in it, and owns that
    yield f"{DATA}/redis", DataDirectory(owner="999:1000", deep=True)
    yield f"{DATA}/plugin_daemon", DataDirectory()
    if settings.storage == "local":
        yield f"{DATA}/storage", DataDirectory(owner="1001:1001", deep=True)
    if settings.vector_store != "pgvector":
        yield f"{DATA}/{settings.vector_store}", DataDirectory()
    if settings.domain:
        yield f"{DATA}/certbot/conf", DataDirectory(mode=0o700)
        yield f"{DATA}/certbot/www", DataDirectory()


def logs(settings: Settings) -> Iterator[tuple[str, str]]:
    """The owner of each log that a container appends to, by its path.

    Args:
        settings: what is desired.
    """
    release = release_of(settings.dify_version, settings.release)
    for service in release.running(settings):
        if release.services[service].mode:
            yield f"{DATA}/logs/dify/{service}.log", "1001:1001"
    yield f"{DATA}/logs/nginx/access.log", "0:0"
