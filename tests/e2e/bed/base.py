"""Base: the packages of a fresh Ubuntu machine, installed, before anything is made theirs."""

from dataclasses import dataclass
from pathlib import Path

from tests.e2e.bed.cache import Cache
from tests.e2e.bed.command import run

# Ubuntu is not everywhere where tests run; Debian's packages do for it, under Ubuntu's names. Of the two that are
# current this one has the OpenSSH, the cloud-init and the Docker Engine that the library meets today.
SUITE = "trixie"
# What an Ubuntu machine on EC2 comes with, as far as an installer could care. No Docker: installing it is its work.
PACKAGES = """
    ca-certificates cloud-guest-utils cloud-init cron curl dbus e2fsprogs fdisk gnupg gpgv iproute2 iptables
    iputils-ping kmod less locales logrotate lsb-release netbase openssh-server parted procps python3 rsyslog sudo
    systemd systemd-sysv udev unattended-upgrades vim-tiny wget
""".split()
UNREAD = ("man", "doc", "locale", "info")


@dataclass(frozen=True)
class Base:
    """An archive of the files, and what apt among them believes to be installed."""

    folder: Path

    @classmethod
    def kept(cls, cache: Cache) -> "Base":
        """That of the cache, made if there is none."""
        return cls(cache.part("base", [SUITE, PACKAGES, UNREAD], _make))

    @property
    def tree(self) -> Path:
        """A tar archive."""
        return self.folder / "tree.tar"

    @property
    def status(self) -> Path:
        """/var/lib/dpkg/status of it."""
        return self.folder / "status"


def mirror() -> str:
    """The Debian mirror that this machine uses."""
    result = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian")
    uris = [uri.rstrip("/") for uri in result.split() if uri.startswith("http")]
    found = next((uri for uri in uris if uri.endswith("/debian")), None)
    if found is None:
        raise RuntimeError("apt knows no Debian mirror here: name one in its sources, and run apt-get update")
    return found


def source(suite: str) -> str:
    """A line of sources.list, for the mirror."""
    return f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror()} {suite} main"


def _make(folder: Path) -> None:
    base = Base(folder)
    unread = [f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in UNREAD]
    status = f"--customize-hook=download /var/lib/dpkg/status {base.status}"
    words = ["--quiet", "--variant=minbase", "--include", ",".join(PACKAGES), *unread, status]
    run("mmdebstrap", *words, SUITE, base.tree, source(SUITE))
