"""Root: the root disk of a fresh Ubuntu machine, as an image that each bed copies."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.bed.base import Base
from tests.e2e.bed.cache import Cache
from tests.e2e.bed.command import run
from tests.e2e.bed.keys import Keys

GIB = 20
GUEST = Path(__file__).with_name("guest")
# Run inside, at the end. cloud-init knows by the firmware, which a container has not, that this is EC2 and that it has
# metadata of version 2; it then asks by DHCP of its own before the network is up, which there is none of.
# The keys of sshd and the machine id are made at the first boot, as on EC2.
FINISH = """
    ec2=/usr/lib/python3/dist-packages/cloudinit/sources/DataSourceEc2.py
    sed -i '/^def identify_aws/,/^def/ s/uuid_str = .*/uuid_str = "ec2"/; /^ *(DataSourceEc2Local,/d' $ec2
    grep -q 'uuid_str = "ec2"' $ec2
    update-ca-certificates >/dev/null 2>&1
    systemctl enable systemd-networkd bed-disks
    systemctl mask getty@tty1 console-getty
    # The log of the kernel is this machine's: who reads it takes it away.
    sed -i /imklog/d /etc/rsyslog.conf
    for name in swapon swapoff; do
        mv /usr/sbin/$name /usr/sbin/$name.real
        ln -s /usr/local/lib/bed/$name /usr/sbin/$name
    done
    rm -f /etc/ssh/ssh_host_* /etc/apt/sources.list.d/* /var/lib/dbus/machine-id /etc/dpkg/dpkg.cfg.d/*mmdebstrap*
    : >/etc/machine-id
"""


@dataclass(frozen=True)
class Root:
    """The image."""

    folder: Path

    @classmethod
    def kept(cls, cache: Cache, keys: Keys, base: Base) -> "Root":
        """That of the cache, made if there is none."""
        recipe = [Path(__file__).read_text(), base.folder.name, keys.folder.name, _files()]
        return cls(cache.part("root", recipe, lambda folder: _make(folder, keys, base)))

    @property
    def image(self) -> Path:
        """ext4, sparse."""
        return self.folder / "root.img"


def _files() -> list[tuple[str, int, str]]:
    """What the bed puts into the guest: path, mode and text of each file."""
    found = sorted(path for path in GUEST.rglob("*") if path.is_file())
    return [(str(path.relative_to(GUEST)), path.stat().st_mode & 0o777, path.read_text()) for path in found]


def _make(folder: Path, keys: Keys, base: Base) -> None:
    tree = folder / "tree"
    tree.mkdir()
    run(
        "tar",
        "--extract",
        "--numeric-owner",
        "--xattrs",
        "--xattrs-include=*",
        "--file",
        base.tree,
        "--directory",
        tree,
    )
    shutil.copy(keys.authority, tree / "usr/local/share/ca-certificates/bed.crt")
    shutil.copy(keys.archive.public, tree / "usr/share/keyrings/bed-archive.asc")
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
