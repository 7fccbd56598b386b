"""What the bed needs of this machine, looked at before anything is made."""

import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

# A command, and the Debian or Ubuntu package that has it.
COMMANDS = {
    "apt-ftparchive": "apt-utils",
    "dpkg-deb": "dpkg",
    "gpg": "gpg",
    "ip": "iproute2",
    "losetup": "mount",
    "mke2fs": "e2fsprogs",
    "mmdebstrap": "mmdebstrap",
    "nsenter": "util-linux",
    "ssh": "openssh-client",
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
DEVICES = Path("/sys/fs/cgroup/devices")


def missing() -> list[str]:
    """What is missing here, each in words; empty if a bed can be raised."""
    return list(_missing())


def _missing() -> Iterator[str]:
    if platform.system() != "Linux":
        yield "Linux"
        return
    if platform.machine() != "x86_64":
        yield "an x86-64 machine"
    if os.geteuid() != 0:
        yield "root"
    packages = {package for command, package in COMMANDS.items() if not shutil.which(command)}
    if not KEYRING.exists():
        packages.add("debian-archive-keyring")
    if packages:
        yield f"packages (apt-get install {' '.join(sorted(packages))})"
    if not Path("/dev/loop-control").exists():
        yield "loop devices (/dev/loop-control)"
    # Without it the bed, which has the capabilities that Docker wants, could open the disks of this machine.
    if not (DEVICES / "devices.deny").exists() and not (DEVICES / "cgroup.procs").exists():
        yield f"the devices cgroup ({DEVICES})"
