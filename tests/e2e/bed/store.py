"""Store: the container images of the bed's registry, made without a daemon, as a registry hands them out."""

import hashlib
import json
import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.bed.base import source
from tests.e2e.bed.cache import Cache
from tests.e2e.bed.command import run
from tests.e2e.bed.image import IMAGES
from tests.e2e.bed.layer import Layer

# The last release with PostgreSQL 15, which is what Dify runs on.
SUITE = "bookworm"
PACKAGES = "busybox-static libc-bin nginx-light postgresql-15 redis-server".split()
PROGRAMS = Path(__file__).with_name("images")
POSTGRES = "usr/lib/postgresql/15"
EXTENSIONS = "usr/share/postgresql/15/extension"
# What no server needs: two thirds of it all, most of that LLVM.
UNNEEDED = re.compile(
    r"usr/share/(man|doc|i18n|locale|info|perl|perl5|lintian|bug|doc-base|icons|applications|debconf|menu)(/|$)"
    r"|usr/lib/x86_64-linux-gnu/(perl|libLLVM|libz3|gconv|libperl)"
    rf"|{POSTGRES}/lib/(bitcode|llvmjit)"
    r"|usr/bin/(perl|localedef|pg_.*wrapper)|(usr/)?s?bin/(pg_|x86_64)"
    r"|var/(lib/dpkg|cache|lib/apt|log|run)/|etc/(perl|apt|cron|ssl/private)|dev/."
)
PASSWD = """\
root:x:0:0:root:/root:/bin/sh
postgres:x:70:70::/var/lib/postgresql:/bin/sh
redis:x:999:1000::/data:/bin/sh
nginx:x:101:101::/nonexistent:/bin/false
www-data:x:33:33::/var/www:/bin/false
nobody:x:65534:65534::/:/bin/false
"""
GROUP = "root:x:0:\npostgres:x:70:\nredis:x:1000:\nnginx:x:101:\nwww-data:x:33:\nnogroup:x:65534:\n"
MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
MADE = "2024-01-01T00:00:00Z"


@dataclass(frozen=True)
class Store:
    """A folder of blobs by digest, and tags.json, which has the digest of each image's manifest."""

    folder: Path

    @classmethod
    def kept(cls, cache: Cache) -> "Store":
        """That of the cache, made if there is none."""
        servers = cache.part("servers", [SUITE, PACKAGES], _download)
        programs = {path.name: path.read_text() for path in sorted(PROGRAMS.iterdir())}
        makers = [Path(__file__).with_name(f"{name}.py").read_text() for name in ("store", "layer", "image")]
        recipe = [servers.name, programs, makers]
        return cls(cache.part("store", recipe, lambda folder: _make(folder, servers, programs)))

    def tags(self) -> dict[str, str]:
        """Digests of manifests by reference: host, repository and tag."""
        tags: dict[str, str] = json.loads((self.folder / "tags.json").read_text())
        return tags

    def blob(self, digest: str) -> Path:
        """The file of a blob; it need not be there."""
        return self.folder / digest.replace(":", "-")


def _download(folder: Path) -> None:
    tree = folder / "servers.tar"
    run("mmdebstrap", "--quiet", "--variant=extract", "--include", ",".join(PACKAGES), SUITE, tree, source(SUITE))


def _make(folder: Path, servers: Path, programs: Mapping[str, str]) -> None:
    store = Store(folder)
    big = _servers(servers / "servers.tar", programs)
    _, busybox = big.files["usr/bin/busybox"]
    small = Layer()
    small.file("usr/bin/busybox", busybox, 0o755)
    for path in ("bin", "sbin"):
        small.link(path, "usr/bin")
    small.file("usr/local/bin/stand-in.sh", programs["stand-in.sh"], 0o755)
    applets = _applets(folder / "busybox", busybox)
    packed = {}
    for name, layer in (("servers", big), ("busybox", small)):
        _furnish(layer, applets)
        content, plain = layer.packed()
        packed[name] = (_put(store, content, LAYER), plain)
    tags = {}
    for image in IMAGES:
        described, plain = packed[image.layer]
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


def _servers(archive: Path, programs: Mapping[str, str]) -> Layer:
    layer = Layer()
    with tarfile.open(archive) as opened:
        for about in opened:
            about.name = about.name.removeprefix("./").strip("/")
            if about.name in ("", ".") or UNNEEDED.match(about.name):
                continue
            # Packages of before the merge of / and /usr, unpacked where no merge took place.
            about.name = re.sub(r"^(bin|sbin|lib|lib64)(?=/|$)", r"usr/\1", about.name)
            content = opened.extractfile(about) if about.isreg() else None
            layer.put(about, content.read() if content else b"")
    for path in ("bin", "sbin", "lib", "lib64"):
        layer.link(path, f"usr/{path}")
    for program in [path for path in layer.files if path.startswith(f"{POSTGRES}/bin/")]:
        layer.link(f"usr/local/bin/{program.rpartition('/')[2]}", f"/{program}")
    for name in ("postgres.sh", "redis.sh"):
        layer.file(f"usr/local/bin/{name}", programs[name], 0o755)
    layer.link("usr/local/bin/docker-entrypoint.sh", "postgres.sh")
    # Debian's pgvector is for a later PostgreSQL: this one can be created, and that is all.
    layer.file(f"{EXTENSIONS}/vector.control", "default_version = '0.8.0'\nrelocatable = true\n")
    layer.file(f"{EXTENSIONS}/vector--0.8.0.sql", "CREATE DOMAIN vector AS real[];\n")
    layer.file("etc/nginx/nginx.conf", programs["nginx.conf"])
    layer.file("etc/nginx/conf.d/default.conf", "server { listen 80; root /usr/share/nginx/html; }\n")
    layer.file("usr/share/nginx/html/index.html", "Welcome to nginx!\n")
    for path in ("log", "log/nginx", "cache", "cache/nginx", "lib/nginx", "lib/postgresql"):
        layer.folder(f"var/{path}")
    layer.folder("run/postgresql", 0o777)
    return layer


def _applets(program: Path, busybox: bytes) -> list[str]:
    program.write_bytes(busybox)
    program.chmod(0o755)
    return [applet for applet in run(program, "--list").split() if applet != "busybox"]


def _furnish(layer: Layer, applets: list[str]) -> None:
    """What every image has: folders, users, and BusyBox for all that is not there by itself."""
    for path in ("etc", "root", "proc", "sys", "dev", "run", "var", "data", "srv", "docker-entrypoint-initdb.d"):
        layer.folder(path)
    layer.link("var/run", "/run")
    for path in ("tmp", "var/tmp"):
        layer.folder(path, 0o1777)
    layer.file("etc/passwd", PASSWD)
    layer.file("etc/group", GROUP)
    there = {path.rpartition("/")[2] for path in layer.files if re.match(r"usr/(local/)?s?bin/", path)}
    for applet in applets:
        if applet not in there:
            layer.link(f"usr/bin/{applet}", "busybox")
