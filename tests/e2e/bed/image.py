"""Image: a container image by its name in a compose file, and how it starts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dify_aws.dify.known_releases import RELEASES

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PGDATA = "/var/lib/postgresql/data"
# What starts each of the images of a release, under the names that they have there.
STARTS: Mapping[str, Mapping[str, Any]] = {
    "api": {"Entrypoint": ["stand-in", "dify_api"], "User": "1001", "WorkingDir": "/app/api"},
    "web": {"Entrypoint": ["stand-in", "dify_web"], "User": "1001"},
    "agent-backend": {"Entrypoint": ["stand-in", "agents", "backend"]},
    "local-sandbox": {"Entrypoint": ["stand-in", "agents", "local-sandbox"]},
    "plugin-daemon": {"Entrypoint": ["stand-in", "plugin_daemon"]},
    "sandbox": {"Entrypoint": ["stand-in", "sandbox"]},
    "weaviate": {"Entrypoint": ["stand-in", "vectors", "weaviate"]},
    "qdrant": {"Entrypoint": ["stand-in", "vectors", "qdrant"]},
    "certbot": {"Entrypoint": ["stand-in", "certbot"]},
    "postgres": {
        "Entrypoint": ["postgres.sh"],
        "Cmd": ["postgres"],
        "Env": [f"PGDATA={PGDATA}", "PG_MAJOR=15", "LANG=C.UTF-8"],
        "Volumes": {PGDATA: {}},
        "StopSignal": "SIGINT",
    },
    "redis": {
        "Entrypoint": ["redis.sh"],
        "Cmd": ["redis-server"],
        "Volumes": {"/data": {}},
        "WorkingDir": "/data",
    },
    "nginx": {"Cmd": ["nginx", "-g", "daemon off;"], "StopSignal": "SIGQUIT"},
    "squid": {"Entrypoint": ["squid", "-N"]},
}
BROKEN = {"Entrypoint": ["sh", "-c", 'echo "$IMAGE: nothing works today" >&2; exit 1']}


@dataclass(frozen=True)
class Image:
    """An image that the registry has.

    Args:
        name: repository and tag as they are pulled.
        start: what its configuration has besides what all have, as in an OCI image's.
    """

    name: str
    start: Mapping[str, Any]

    @property
    def reference(self) -> str:
        """The name as a registry is asked for it: with host, and "library" where Docker Hub has it."""
        host, slash, _ = self.name.partition("/")
        if slash and "." in host:
            return self.name
        return f"registry-1.docker.io/{self.name if slash else f'library/{self.name}'}"

    @property
    def config(self) -> Mapping[str, Any]:
        """An OCI image's configuration. The name is in it, so that no two images are the same one."""
        return {**self.start, "Env": [f"PATH={PATH}", f"IMAGE={self.name}", *self.start.get("Env", ())]}


def images() -> Iterator[Image]:
    """All images of all releases that the library knows; of each there is one with the tag "broken", too."""
    parts = {name: part for release in RELEASES.values() for part, name in release.items()}
    yield from (Image(name, STARTS[part]) for name, part in parts.items())
    yield from (Image(f"{name}:broken", BROKEN) for name in sorted({each.rpartition(":")[0] for each in parts}))
