"""Store: the container images of the bed's registry, made without a daemon, as a registry hands them out."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.bed.cache import Cache
from tests.e2e.bed.command import run
from tests.e2e.bed.image import images
from tests.e2e.bed.layer import Layer
from tests.e2e.bed.servers import Servers

HERE = Path(__file__).parent
MAKERS = ("store", "servers", "layer", "image")
POSTGRES = "usr/lib/postgresql/15"
EXTENSIONS = "usr/share/postgresql/15/extension"
# As they are in the images that these stand for: Alpine's PostgreSQL and Redis, Debian's Squid, Dify's own.
PASSWD = """\
root:x:0:0:root:/root:/bin/sh
proxy:x:13:13::/var/spool/squid:/bin/false
postgres:x:70:70::/var/lib/postgresql:/bin/sh
redis:x:999:1000::/data:/bin/sh
dify:x:1001:1001::/app:/bin/sh
nginx:x:101:101::/nonexistent:/bin/false
www-data:x:33:33::/var/www:/bin/false
nobody:x:65534:65534::/:/bin/false
"""
GROUP = """\
root:x:0:
proxy:x:13:
postgres:x:70:
redis:x:1000:
dify:x:1001:
nginx:x:101:
www-data:x:33:
nogroup:x:65534:
"""
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
MADE = "2024-01-01T00:00:00Z"


@dataclass(frozen=True)
class Store:
    """A folder of blobs by digest, and tags.json, which has the digest of each image's manifest.

    All images are of one and the same layer, which is unpacked once.
    """

    folder: Path

    @classmethod
    def kept(cls, cache: Cache) -> "Store":
        """That of the cache, made if there is none."""
        servers = Servers.kept(cache)
        programs = dict(_programs())
        makers = [(HERE / f"{name}.py").read_text() for name in MAKERS]
        named = [[image.reference, image.config] for image in images()]
        recipe = [servers.folder.name, programs, makers, named]
        return cls(cache.part("store", recipe, lambda folder: _make(folder, servers, programs)))

    def tags(self) -> dict[str, str]:
        """Digests of manifests by reference: host, repository and tag."""
        tags: dict[str, str] = json.loads((self.folder / "tags.json").read_text())
        return tags

    def blob(self, digest: str) -> Path:
        """The file of a blob; it need not be there."""
        return self.folder / digest.replace(":", "-")


def _programs() -> Iterator[tuple[str, str]]:
    """What the bed puts into the layer, by its path there."""
    for script in sorted((HERE / "images").glob("*.sh")):
        # Alone among them it has the name that others would look for.
        name = script.name if script.name in ("postgres.sh", "redis.sh") else script.stem
        yield f"usr/local/bin/{name}", script.read_text()
    for module in sorted((HERE / "stand_ins").glob("*.py")):
        yield f"usr/local/lib/bed/tests/e2e/bed/stand_ins/{module.name}", module.read_text()
    for name, path in {"nginx.conf": "etc/nginx/nginx.conf", "vector.sql": f"{EXTENSIONS}/vector--0.8.0.sql"}.items():
        yield path, (HERE / "images" / name).read_text()


def _make(folder: Path, servers: Servers, programs: Mapping[str, str]) -> None:
    store = Store(folder)
    layer = _layer(servers, programs)
    _busybox(layer, folder / "busybox")
    content, plain = layer.packed()
    described = _put(store, content, LAYER)
    tags = {}
    for image in images():
        config = {
            "architecture": "amd64",
            "os": "linux",
            "created": MADE,
            "config": image.config,
            "rootfs": {"type": "layers", "diff_ids": [plain]},
            "history": [{"created": MADE, "created_by": "the bed"}],
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _put(store, json.dumps(config).encode(), CONFIG),
            "layers": [described],
        }
        tags[image.reference] = _put(store, json.dumps(manifest).encode(), MANIFEST)["digest"]
    (folder / "tags.json").write_text(json.dumps(tags, indent=1))


def _put(store: Store, content: bytes, kind: str) -> dict[str, Any]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    store.blob(digest).write_bytes(content)
    return {"mediaType": kind, "size": len(content), "digest": digest}


def _layer(servers: Servers, programs: Mapping[str, str]) -> Layer:
    layer = servers.layer()
    for path in ("bin", "sbin", "lib", "lib64"):
        layer.link(path, f"usr/{path}")
    for program in [path for path in layer.files if path.startswith(f"{POSTGRES}/bin/")]:
        layer.link(f"usr/local/bin/{program.rpartition('/')[2]}", f"/{program}")
    for path, text in programs.items():
        layer.file(path, text, 0o755 if "/bin/" in path else 0o644)
    layer.link("usr/local/bin/docker-entrypoint.sh", "postgres.sh")
    # Debian has no pgvector for this PostgreSQL.
    layer.file(f"{EXTENSIONS}/vector.control", "default_version = '0.8.0'\nrelocatable = true\n")
    layer.file("etc/nginx/conf.d/default.conf", "server { listen 80; root /usr/share/nginx/html; }\n")
    layer.file("usr/share/nginx/html/index.html", "Welcome to nginx!\n")
    layer.file("etc/passwd", PASSWD)
    layer.file("etc/group", GROUP)
    for path in ("etc", "root", "proc", "sys", "dev", "run", "var", "data", "srv", "docker-entrypoint-initdb.d"):
        layer.folder(path)
    layer.link("var/run", "/run")
    for path in ("log", "log/nginx", "cache", "cache/nginx", "lib/nginx", "lib/postgresql"):
        layer.folder(f"var/{path}")
    for path in ("app/api", "app/logs", "app/storage"):
        layer.folder(path)
    for path in ("tmp", "var/tmp", "run/postgresql"):
        layer.folder(path, 0o1777)
    return layer


def _busybox(layer: Layer, program: Path) -> None:
    """All that is not there by itself is BusyBox's."""
    _, content = layer.files["usr/bin/busybox"]
    program.write_bytes(content)
    program.chmod(0o755)
    there = {path.rpartition("/")[2] for path in layer.files if re.match(r"usr/(local/)?s?bin/", path)}
    for applet in run(program, "--list").split():
        if applet not in there:
            layer.link(f"usr/bin/{applet}", "busybox")
    program.unlink()
