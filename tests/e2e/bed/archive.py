"""Archive: what apt in the guest can install, as signed static archives under Ubuntu's and Docker's names."""

import gzip
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.bed.base import SUITE, Base, source
from tests.e2e.bed.cache import Cache
from tests.e2e.bed.command import run
from tests.e2e.bed.keys import Keys

# Beside what the root disk has; each comes with what it depends on.
PACKAGES = """
    containerd docker-buildx docker-cli docker-compose docker.io git jq pigz rsync runc tini unattended-upgrades unzip
    xfsprogs
""".split()
CODENAMES = ("jammy", "noble")
LEFT_OUT = ("doc", "man", "lintian", "bash-completion", "zsh", "fish")


@dataclass(frozen=True)
class Docker:
    """A package of download.docker.com, made of Debian's. ``made_of``: the last one gives its maintainer scripts.

    ``version`` is said in place of Debian's, where a release of Dify asks for a newer one than Debian has.
    """

    name: str
    made_of: tuple[str, ...]
    depends: str
    epoch: str = ""
    version: str = ""

    @property
    def versioned_by(self) -> str:
        """The package whose version it has."""
        return self.made_of[0]


DOCKER = (
    Docker(
        "docker-ce",
        ("docker.io",),
        "libc6, libsystemd0, adduser, iptables, tini, docker-ce-cli, containerd.io (>= 1.6)",
        epoch="5:",
    ),
    Docker("docker-ce-cli", ("docker-cli",), "libc6", epoch="5:"),
    Docker("containerd.io", ("containerd", "runc"), "libc6, libseccomp2"),
    Docker("docker-buildx-plugin", ("docker-buildx",), "docker-ce-cli"),
    Docker("docker-compose-plugin", ("docker-compose",), "docker-ce-cli", version="2.40.3"),
)


@dataclass(frozen=True)
class Archive:
    """A folder for each host that is served, as apt asks for it: ``<host>/<path>``."""

    folder: Path

    @classmethod
    def kept(cls, cache: Cache, keys: Keys, base: Base) -> "Archive":
        """That of the cache, made if there is none."""
        recipe = [Path(__file__).read_text(), base.folder.name, keys.folder.name]
        return cls(cache.part("archive", recipe, lambda folder: _make(folder, keys, base)))


def _make(folder: Path, keys: Keys, base: Base) -> None:
    ubuntu, docker = folder / "ubuntu", folder / "docker"
    (ubuntu / "pool").mkdir(parents=True)
    (docker / "pool").mkdir(parents=True)
    _download(folder / "apt", base, ubuntu / "pool")
    for package in DOCKER:
        _repack(package, ubuntu / "pool", docker / "pool", folder / "repack")
    for tini in (ubuntu / "pool").glob("tini_*"):
        shutil.copy(tini, docker / "pool")
    _index(ubuntu, "main", keys)
    _index(docker, "stable", keys)
    shutil.copy(keys.archive.public, docker / "gpg")


def _download(apt: Path, base: Base, pool: Path) -> None:
    """Fetch the packages with apt itself, which believes that the guest's are installed."""
    for needed in ("etc/apt/preferences.d", "lists/partial", "archives/partial"):
        (apt / needed).mkdir(parents=True)
    (apt / "sources.list").write_text(f"{source(SUITE)}\n")
    options = {
        "Dir": apt,
        "Dir::Etc": apt / "etc/apt",
        "Dir::Etc::SourceList": apt / "sources.list",
        "Dir::Etc::SourceParts": "-",
        "Dir::State": apt,
        "Dir::State::Status": base.status,
        "Dir::Cache": apt,
        "APT::Sandbox::User": "root",
        "APT::Keep-Downloaded-Packages": "true",
    }
    words = [f"-o{name}={value}" for name, value in options.items()]
    run("apt-get", *words, "-qq", "update")
    run("apt-get", *words, "-qq", "install", "--yes", "--no-install-recommends", "--download-only", *PACKAGES)
    for deb in (apt / "archives").glob("*.deb"):
        deb.rename(pool / deb.name)
    shutil.rmtree(apt)


def _repack(package: Docker, pool: Path, to: Path, tree: Path) -> None:
    (deb, *others) = [next(pool.glob(f"{name}_*.deb")) for name in package.made_of]
    tree.mkdir(mode=0o755)
    run("dpkg-deb", "--raw-extract", deb, tree)
    for other in others:
        run("dpkg-deb", "--extract", other, tree)
    for part in LEFT_OUT:
        shutil.rmtree(tree / "usr/share" / part, ignore_errors=True)
    scripts = tree / "DEBIAN"
    (scripts / "md5sums").unlink(missing_ok=True)
    for script in scripts.glob("p*"):
        # They ask dpkg about the package that they belong to.
        script.write_text(script.read_text().replace(f"{package.versioned_by}:amd64", package.name))
    version = run("dpkg-deb", "--field", deb, "Version").strip()
    # Debian's epoch and what Debian added are not Docker's.
    upstream = package.version or re.split(r"[+~-]", version.rpartition(":")[2])[0]
    replaced = ", ".join(package.made_of)
    fields = {
        "Package": package.name,
        "Version": f"{package.epoch}{upstream}-1~ubuntu.22.04~jammy",
        "Architecture": "amd64",
        "Maintainer": "the bed of the end-to-end tests",
        "Section": "admin",
        "Priority": "optional",
        "Depends": package.depends,
        "Conflicts": replaced,
        "Replaces": replaced,
        "Description": f"{replaced} of Debian, under Docker's name",
    }
    (scripts / "control").write_text("".join(f"{name}: {value}\n" for name, value in fields.items()))
    run("dpkg-deb", "-Zgzip", "-z1", "--root-owner-group", "--build", tree, to)
    shutil.rmtree(tree)


def _index(archive: Path, component: str, keys: Keys) -> None:
    packages = run("apt-ftparchive", "packages", "pool", folder=archive).encode()
    for codename in CODENAMES:
        release = archive / "dists" / codename
        index = release / component / "binary-amd64"
        index.mkdir(parents=True)
        (index / "Packages").write_bytes(packages)
        (index / "Packages.gz").write_bytes(gzip.compress(packages, 1))
        described = {"Suite": codename, "Codename": codename, "Components": component, "Architectures": "amd64"}
        options = [f"-oAPT::FTPArchive::Release::{name}={value}" for name, value in described.items()]
        (release / "Release").write_text(run("apt-ftparchive", *options, "release", release))
        keys.archive.clearsign(release / "Release", release / "InRelease")
