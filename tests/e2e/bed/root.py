"""Root: the root disk of a fresh Ubuntu machine, as an image that each bed copies."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.bed.cache import Cache
from tests.e2e.bed.command import run
from tests.e2e.bed.keys import Keys

# Ubuntu is not everywhere where tests run; Debian's packages do for it, under Ubuntu's names. Of the two that are
# current this one has the OpenSSH, the cloud-init and the Docker Engine that the library meets today.
SUITE = "trixie"
GIB = 20
# What an Ubuntu machine on EC2 comes with, as far as an installer could care. No Docker: installing it is its work.
PACKAGES = """
    ca-certificates cloud-guest-utils cloud-init cron curl dbus e2fsprogs fdisk gnupg iproute2 iptables iputils-ping
    kmod less locales lsb-release netbase openssh-server parted procps python3 sudo systemd systemd-sysv udev vim-tiny
    wget
""".split()
UNREAD = ("man", "doc", "locale", "info")
GUEST = Path(__file__).with_name("guest")
# Run inside, at the end. The keys of sshd and the machine id are made at the first boot, as on EC2.
FINISH = """
    update-ca-certificates >/dev/null 2>&1
    systemctl enable systemd-networkd bed-disks
    systemctl mask getty@tty1 console-getty
    rm -f /etc/ssh/ssh_host_* /etc/apt/sources.list.d/* /var/lib/dbus/machine-id
    : >/etc/machine-id
"""


@dataclass(frozen=True)
class Root:
    """The image, and what apt in it believes to be installed."""

    folder: Path

    @classmethod
    def kept(cls, cache: Cache, keys: Keys) -> "Root":
        """That of the cache, made if there is none."""
        recipe = [SUITE, GIB, PACKAGES, UNREAD, FINISH, keys.folder.name, _files()]
        return cls(cache.part("root", recipe, lambda folder: _make(folder, keys)))

    @property
    def image(self) -> Path:
        """ext4, sparse."""
        return self.folder / "root.img"

    @property
    def status(self) -> Path:
        """/var/lib/dpkg/status of it."""
        return self.folder / "status"


def mirror() -> str:
    """The Debian mirror that this machine uses, else the one of everybody."""
    told = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian")
    uris = [uri.rstrip("/") for uri in told.split() if uri.startswith("http")]
    return next((uri for uri in uris if uri.endswith("/debian")), "http://deb.debian.org/debian")


def source(suite: str) -> str:
    """A line of sources.list, for the mirror."""
    return f"deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] {mirror()} {suite} main"


def _files() -> list[tuple[str, int, str]]:
    """What the bed puts into the guest: path, mode and text of each file."""
    found = sorted(path for path in GUEST.rglob("*") if path.is_file())
    return [(str(path.relative_to(GUEST)), path.stat().st_mode & 0o777, path.read_text()) for path in found]


def _make(folder: Path, keys: Keys) -> None:
    tree = folder / "tree"
    unread = [f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in UNREAD]
    run("mmdebstrap", "--quiet", "--variant=minbase", "--include", ",".join(PACKAGES), *unread, SUITE, tree, source(SUITE))
    for left in (*tree.glob("etc/dpkg/dpkg.cfg.d/*mmdebstrap*"), *tree.glob("etc/apt/apt.conf.d/*mmdebstrap*")):
        left.unlink()
    shutil.copy(tree / "var/lib/dpkg/status", folder / "status")
    shutil.copy(keys.authority, tree / "usr/local/share/ca-certificates/bed.crt")
    shutil.copy(keys.archive, tree / "usr/share/keyrings/bed-archive.asc")
    for name, mode, text in _files():
        path = tree / name
        path.unlink(missing_ok=True)  # os-release is a link
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
    run("chroot", tree, "sh", "-euc", FINISH)
    image = folder / "root.img"
    image.touch()
    os.truncate(image, GIB << 30)
    run("mke2fs", "-q", "-t", "ext4", "-L", "cloudimg-rootfs", "-d", tree, image)
    shutil.rmtree(tree)
