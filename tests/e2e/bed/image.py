"""Image: a container image by its name in a compose file, what it is made of and how it starts."""

from dataclasses import dataclass
from typing import Any

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Image:
    """An image that the registry has.

    Args:
        name: repository and tag as they are pulled.
        layer: "servers" (PostgreSQL, Redis, nginx; Debian's) or "busybox".
        config: as in an OCI image's configuration.
    """

    name: str
    layer: str
    config: dict[str, Any]

    @property
    def reference(self) -> str:
        """The name as a registry is asked for it: with host, and "library" where Docker Hub has it."""
        host, slash, _ = self.name.partition("/")
        if slash and "." in host:
            return self.name
        return f"registry-1.docker.io/{self.name if slash else f'library/{self.name}'}"


def _real(name: str, program: str, port: int, data: str, *command: str, **environment: str) -> Image:
    variables = [f"PATH={PATH}", *(f"{key}={value}" for key, value in environment.items())]
    config: dict[str, Any] = {
        "Env": variables,
        "Entrypoint": [f"/usr/local/bin/{program}.sh"] if program != "nginx" else None,
        "Cmd": list(command),
        "ExposedPorts": {f"{port}/tcp": {}},
        "Volumes": {data: {}} if data else None,
        "WorkingDir": data if program == "redis" else "/",
        "StopSignal": {"postgres": "SIGINT", "nginx": "SIGQUIT"}.get(program, "SIGTERM"),
    }
    return Image(name, "servers", config)


def _postgres(name: str) -> Image:
    data = "/var/lib/postgresql/data"
    return _real(name, "postgres", 5432, data, "postgres", PGDATA=data, PG_MAJOR="15", LANG="C.UTF-8")


def _stand_in(name: str, port: int = 80, answers: str = "") -> Image:
    config = {
        "Env": [f"PATH={PATH}", f"IMAGE={name}", f"PORT={port}", f"ANSWERS={answers}"],
        "Entrypoint": ["/usr/local/bin/stand-in.sh"],
        "Cmd": ["stand-in"],
        "ExposedPorts": {f"{port}/tcp": {}},
    }
    return Image(name, "busybox", config)


IMAGES = (
    Image("busybox:1.37", "busybox", {"Env": [f"PATH={PATH}"], "Cmd": ["sh"]}),
    _postgres("postgres:15-alpine"),
    _postgres("pgvector/pgvector:pg15"),
    _real("redis:6-alpine", "redis", 6379, "/data", "redis-server"),
    _real("redis:7.4-alpine", "redis", 6379, "/data", "redis-server"),
    _real("nginx:1.29", "nginx", 80, "", "nginx", "-g", "daemon off;"),
    _stand_in("langgenius/dify-api:1.17.1", 5001, "/health /console/api/ping /console/api/setup"),
    _stand_in("langgenius/dify-web:1.17.1", 3000, "/install /signin"),
    _stand_in("langgenius/dify-plugin-daemon:0.6.10-local", 5002, "/health/check"),
    _stand_in("langgenius/dify-sandbox:0.2.15", 8194, "/health"),
    _stand_in("langgenius/qdrant:v1.8.3", 6333, "/healthz"),
    _stand_in("cr.weaviate.io/semitechnologies/weaviate:1.39.2", 8080, "/v1/.well-known/ready"),
    _stand_in("ubuntu/squid:6.6-24.04_edge", 3128),
)
