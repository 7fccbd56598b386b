"""Disk: an EBS volume of the guest, which is a sparse file on a loop device."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.bed.command import run


@dataclass(frozen=True)
class Disk:
    """A volume. ``held`` is the open device: when it is closed and nothing is mounted, the device is gone."""

    name: str
    volume_id: str
    image: Path
    device: Path
    descriptor: int

    @classmethod
    def attach(cls, name: str, image: Path) -> "Disk":
        """Put a loop device on an image.

        The device goes with the process that called this, however that ends: it is told to detach itself as soon as
        nobody has it open.
        """
        device = Path(run("losetup", "--find", "--show", image).strip())
        kept = os.open(device, os.O_RDWR | os.O_CLOEXEC)
        run("losetup", "--detach", device)
        return cls(name, f"vol-0{secrets.token_hex(8)}", image, device, kept)

    @classmethod
    def blank(cls, name: str, image: Path, gib: int) -> "Disk":
        """A new volume with nothing on it."""
        image.touch()
        os.truncate(image, gib << 30)
        return cls.attach(name, image)

    def grow(self, gib: int) -> None:
        """Give it another size, as ModifyVolume does."""
        os.truncate(self.image, gib << 30)
        run("losetup", "--set-capacity", self.device)

    @property
    def number(self) -> tuple[int, int]:
        """Major and minor."""
        number = os.fstat(self.descriptor).st_rdev
        return os.major(number), os.minor(number)

    @property
    def line(self) -> str:
        """What the guest is told of it: see guest/usr/local/lib/bed/disks."""
        major, minor = self.number
        return f"{self.name} {self.device.name} {major} {minor} {self.volume_id}\n"
