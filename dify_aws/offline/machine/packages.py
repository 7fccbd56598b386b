"""Packages: apt and dpkg on the model machine, and the package repositories."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from dify_aws.host.fact import Answer, Fact
from dify_aws.host.packages.publishers import Publishers
from dify_aws.host.steps.apt_repository import FETCH_KEY, SOURCES, Keyring
from dify_aws.host.steps.packages import Installed, Unfinished
from dify_aws.offline.machine.ended import Ended, NotModelled, failed
from dify_aws.offline.machine.files import Options
from dify_aws.offline.machine.units import UnitRecord, begin

if TYPE_CHECKING:
    from dify_aws.offline.machine.machine import Machine

FRESH: Final[Mapping[str, str]] = {
    "ca-certificates": "20240203~22.04.1",
    "curl": "7.81.0-1ubuntu1.20",
    "gnupg": "2.2.27-3ubuntu2.4",
    "gpgv": "2.2.27-3ubuntu2.4",
    "logrotate": "3.19.0-1ubuntu1.1",
    "rsyslog": "8.2112.0-2ubuntu2.2",
    "unattended-upgrades": "2.8ubuntu1",
}
"""What an image of Ubuntu 22.04 comes with, as far as a step asks for it."""

STARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "containerd": ("containerd.service",),
    "containerd.io": ("containerd.service",),
    "docker-ce": ("docker.service",),
    "docker.io": ("containerd.service", "docker.service"),
}
"""The units that a package installs, enables and starts."""

CONFLICTS: Final = (("docker-ce", "docker.io"), ("containerd.io", "docker.io"))


@dataclass
class Repository:
    """A repository: what it has, the key that it is signed with, and where that is offered."""

    url: str
    packages: dict[str, str]
    fingerprint: str = ""
    key_url: str = ""


def _repositories() -> list[Repository]:
    ubuntu = {**FRESH, "docker.io": "28.2.2-0ubuntu1~22.04.1", "docker-compose-v2": "2.37.1+ds1-0ubuntu2~22.04.1"}
    docker = {
        "docker-ce": "5:29.1.3-1~ubuntu.22.04~jammy",
        "docker-ce-cli": "5:29.1.3-1~ubuntu.22.04~jammy",
        "containerd.io": "2.2.1-1~ubuntu.22.04~jammy",
        "docker-buildx-plugin": "0.30.1-1~ubuntu.22.04~jammy",
        "docker-compose-plugin": "5.0.1-1~ubuntu.22.04~jammy",
    }
    url = "https://download.docker.com/linux/ubuntu"
    return [
        Repository("http://archive.ubuntu.com/ubuntu", ubuntu),
        Repository(url, docker, Publishers().docker, f"{url}/gpg"),
    ]


@dataclass
class Packages:
    """What is installed, what the last update has found, and what is in the way.

    ``offered`` replaces the key file that a repository offers, see :func:`gpg_keys`;
    ``holders`` has who holds the lock, each for one attempt;
    ``broken`` is what apt-get says instead of doing anything.
    """

    installed: dict[str, str] = field(default_factory=lambda: dict(FRESH))
    repositories: list[Repository] = field(default_factory=_repositories)
    indexed: dict[str, str] = field(default_factory=dict)
    offered: dict[str, str] = field(default_factory=dict)
    lock_owners: list[str] = field(default_factory=list)
    interrupted: bool = False
    broken: str = ""


def _installed(machine: Machine, fact: Installed) -> Answer:
    there = machine.packages.installed
    lines = [f"{name}|ii |{there[name]}\n" for name in fact.names if name in there]
    return Answer("".join(lines).encode(), 0 if len(lines) == len(fact.names) else 1)


def _unfinished(machine: Machine, fact: Unfinished) -> Answer:
    return Answer(b"The following packages are only half configured\n" if machine.packages.interrupted else b"")


HIDDEN: Final = "hidden:"
"""Begins the line of a key that apt reads and gpg ignores: for real, a block under another name."""


def gpg_keys(file: str) -> list[str]:
    """The fingerprints that gpg sees in a key file of the model, which has one a line."""
    return [line for line in file.splitlines() if re.fullmatch(r"[0-9A-F]{40}", line)]


def apt_keys(file: str) -> set[str]:
    """The fingerprints that apt trusts because of that file, the hidden ones included."""
    return set(gpg_keys(file.replace(HIDDEN, "")))


def _keyring(machine: Machine, fact: Keyring) -> Answer:
    file = machine.files.text(fact.path)
    lines = [f"codename:{machine.system.codename}"]
    if machine.files.get(fact.path):
        lines.append(f"exact:{'yes' if file == _exported(fact.fingerprint, file) else 'no'}")
    return Answer("\n".join([*lines, *map(_colons, gpg_keys(file))]).encode())


def _colons(key: str) -> str:
    """gpg's listing of a key."""
    return f"pub:-:4096:1:{key[-16:]}:0:::-:::scSC:\nfpr:::::::::{key}:"


def _exported(fingerprint: str, file: str) -> str:
    """gpg's export of one key in a file."""
    return f"{fingerprint}\n" if fingerprint in gpg_keys(file) else ""


def _fetch_key(machine: Machine, arguments: Sequence[str], stdin: bytes) -> Ended:
    url, fingerprint, folder = arguments
    machine.files.make_directories(folder)
    offered = {each.key_url: each.fingerprint for each in machine.packages.repositories} | machine.packages.offered
    if not offered.get(url):
        return failed("curl: (22) The requested URL returned error: 404", 22)
    listing = "".join(f"{_colons(key)}\n" for key in gpg_keys(offered[url]))
    return Ended(out=f"{listing}\n{_exported(fingerprint, offered[url])}".encode())


def _env(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    command = [word for word in argv[1:] if not re.match(r"[A-Z_]+=", word)]
    locked_by = machine.packages.lock_owners.pop(0) if machine.packages.lock_owners else ""
    match command[0]:
        case "apt-get":
            if locked_by:
                lock = f"E: Could not get lock /var/lib/apt/lists/lock. It is held by process 812 ({locked_by})\n"
                return Ended(100, err=lock.encode())
            return _apt_get(machine, command)
        case "dpkg" if command[-2:] == ["--configure", "--pending"]:
            if locked_by:
                return Ended(
                    2, err=f"dpkg: error: dpkg frontend lock was locked by {locked_by} process with pid 812".encode()
                )
            machine.packages.interrupted = False
            return Ended()
    raise NotModelled(" ".join(argv))


def _apt_get(machine: Machine, argv: Sequence[str]) -> Ended:
    options = Options("apt-get")
    for flag in ("--quiet", "--yes", "--no-remove", "--no-install-recommends"):
        options.add_argument(flag, action="store_true")
    options.add_argument("--option", action="append")
    options.add_argument("verb", choices=("update", "install"))
    options.add_argument("names", nargs="*")
    parsed = options.parse_args(argv[1:])
    if machine.packages.broken:
        return failed(machine.packages.broken, 100)
    if machine.packages.interrupted:
        return failed(
            "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem.", 100
        )
    return _update(machine) if parsed.verb == "update" else _install(machine, parsed.names)


def _update(machine: Machine) -> Ended:
    found: dict[str, str] = {}
    sources = dict(_sources(machine))
    for repository in machine.packages.repositories:
        if repository.fingerprint and repository.url not in sources:
            continue
        if repository.fingerprint and repository.fingerprint not in sources[repository.url]:
            return failed(
                f"E: The repository '{repository.url} {machine.system.codename} InRelease' is not signed.", 100
            )
        found |= repository.packages
    machine.packages.indexed = found
    return Ended()


def _sources(machine: Machine) -> Iterator[tuple[str, set[str]]]:
    """Each repository that was added, and the fingerprints that it is trusted by."""
    for path in machine.files.below(SOURCES):
        fields = dict(re.findall(r"^([\w-]+): (.*)$", machine.files.text(path), re.MULTILINE))
        if fields:
            yield fields["URIs"], apt_keys(machine.files.text(fields["Signed-By"]))


def _install(machine: Machine, names: Sequence[str]) -> Ended:
    packages = machine.packages
    if unknown := [name for name in names if name not in packages.indexed]:
        return failed(f"E: Unable to locate package {unknown[0]}", 100)
    together = {*packages.installed, *names}
    if any(one in together and other in together for one, other in CONFLICTS):
        return failed("E: Packages need to be removed but remove is disabled.", 100)
    for name in names:
        packages.installed[name] = packages.indexed[name]
    for unit in sorted({unit for name in names for unit in STARTS.get(name, ())}):
        if not machine.units.known(unit):
            machine.units.records[unit] = UnitRecord(at_boot="enabled")
            # A package is installed whether or not its service starts.
            begin(machine, unit)
    return Ended()


ANSWERS: Final[Mapping[type[Fact[Any]], Callable[[Machine, Any], Answer]]] = {
    Installed: _installed,
    Keyring: _keyring,
    Unfinished: _unfinished,
}
COMMANDS: Final[Mapping[str, Callable[[Machine, Sequence[str], bytes], Ended]]] = {"env": _env}
SCRIPTS: Final[Mapping[str, Callable[[Machine, Sequence[str], bytes], Ended]]] = {FETCH_KEY: _fetch_key}
