"""DataDisk: the volume with everything that Dify stores: formatted once in its life, mounted, as large as it can be."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from dify_aws.change import Change
from dify_aws.host.content import Content
from dify_aws.host.disks import fstab
from dify_aws.host.disks.block_device import FIND, MARKS, BlockDevice, BlockDeviceState, xen_name
from dify_aws.host.errors import StepRefused
from dify_aws.host.fact import Fact, Facts
from dify_aws.host.host import Host
from dify_aws.host.script import script

VOLUME_ID: Final = re.compile(r"vol-[0-9a-f]{8}(?:[0-9a-f]{9})?")

OPTIONS: Final = "defaults,nofail,x-systemd.device-timeout=30s"
"""nofail: without the disk the machine still boots and lets us in. It is Docker that waits for the disk."""

GROUP: Final = 128 << 20
"""Bytes of a block group. What is less than that at the end of a device may be too small for ext4 to use."""

LEAST_FREE: Final = 256 << 20
"""Bytes. With less, PostgreSQL stops in the middle of something."""

FORMAT: Final = (
    FIND
    + """\
disk=$(find_disk "$1" "$4")
mark=$3/formatting-$1
exec 9<"$disk"
# A predecessor that is still at work is waited for; udev keeps away meanwhile.
flock --wait 300 9
if [ "$(blkid --probe --match-tag UUID --output value "$disk")" = "$2" ]; then exit 0; fi
found=$(wipefs --noheadings --output TYPE -- "$disk")
found+=$(lsblk --noheadings --raw --output NAME -- "$disk" | tail -n +2)
found+=$(grep -h "^$disk[[:space:]]" /proc/mounts /proc/swaps || true)
if [ ! -e "$mark" ] && ! cmp --quiet --bytes=1048576 "$disk" /dev/zero; then found+="data that no tool knows"; fi
if [ -n "$found" ]; then printf '%s is not blank: %s\\n' "$disk" "$found" >&2; exit 65; fi
mkdir -p -- "$3"
touch -- "$mark"
sync -- "$mark" "$3"
mkfs.ext4 -q -F -m 1 -U "$2" "$disk"
rm -f -- "$mark"
"""
)
"""Makes the file system, if the disk is still as blank as it was. $1: volume id, $2: UUID, $3: where marks are, $4: its
name on Xen.

mkfs writes the superblock last, after a sync of all the rest, so a disk that shows ext4 has all of it, even after a
power cut. One that was stopped before that shows no signature, and is not empty any more: like a disk with data that
no tool knows. The mark tells the two apart. It was made when the disk was seen to be empty.
"""

GROW: Final = FIND + 'resize2fs "$(find_disk "$1" "$2")"\n'
"""Makes the file system as large as the disk. $1: volume id, $2: its name on Xen."""

MOUNT: Final = """\
exec 9>/run/lock/dify-aws-mount
flock --wait 60 9
findmnt --mountpoint "$1" >/dev/null || mount "$1"
"""
"""Mounts $1 once. A predecessor may be at it too, and Linux mounts a disk twice at the same place if two ask for it."""


@dataclass(frozen=True, kw_only=True)
class DataDisk:
    """An EBS volume with one ext4 file system, mounted at ``path`` now and at every boot.

    It is formatted only if it is empty: no signature of anything, and nothing but zeros at its beginning.

    Args:
        volume_id: as AWS calls it. A disk is found by it; on a type that is built on Xen, by ``device``.
        device: what AWS says that it is attached as ("/dev/sdf"); "" where it is attached to nothing.
        path: where it is mounted.
        needs: the steps before it; None is all that stand before it in the list. It writes /etc/fstab, so it must not
            run beside another step that does.

    Raises:
        ValueError: that is no volume id, or no path.
    """

    volume_id: str
    path: str = "/data"
    device: str = ""
    needs: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if not VOLUME_ID.fullmatch(self.volume_id):
            raise ValueError(f"{self.volume_id!r} is no id of an EBS volume; vol-0123456789abcdef0 is one")
        if not re.fullmatch(r"(/[\w.-]+)+", self.path):
            raise ValueError(f"{self.path!r} is no absolute path that fstab can have")

    @property
    def name(self) -> str:
        return f"data disk {self.path}"

    @property
    def uuid(self) -> str:
        """What the file system is called if we make it. It follows from the volume, so it is known beforehand."""
        return str(uuid5(NAMESPACE_URL, f"urn:dify-aws:{self.volume_id}"))

    @property
    def _fact(self) -> BlockDevice:
        return BlockDevice(self.volume_id, self.path, self.device)

    def facts(self) -> Sequence[Fact[Any]]:
        return (self._fact, fstab.TABLE)

    def check(self, facts: Facts) -> Sequence[Change]:
        """Whether it has a file system, its line in fstab, its mount, and its full size.

        Raises:
            StepRefused: there is no such disk, there is something else on it or at its place, or it is full.
        """
        found = facts[self._fact]
        if wrong := self._wrong(found):
            raise StepRefused(facts.where, wrong)
        blank = not found.signatures
        changes: list[Change | None] = []
        if blank:
            changes.append(Change("file system", None, f"ext4, {_gib(found.size)}"))
        line = f"UUID={found.uuid or self.uuid} {self.path} ext4 {OPTIONS} 0 2"
        changes.append(fstab.change(facts, line, key=1))
        if found.at is None:
            changes.append(Change("mounted", None, self.path))
        if not blank and found.size - found.file_system >= GROUP:
            changes.append(Change("size", _gib(found.file_system), _gib(found.size)))
        needed = tuple(change for change in changes if change)
        if not needed and found.free is not None and found.free < LEAST_FREE:
            raise StepRefused(
                facts.where,
                f"the data disk is full: {found.free >> 20} MiB are left at {self.path}. Give it a larger "
                "data_volume_gib (it grows while Dify runs), or delete what nobody needs there.",
            )
        return needed

    def _wrong(self, found: BlockDeviceState) -> str:
        """Why it cannot be used, or nothing."""
        disk = f"{found.device}, which is {self.volume_id},"
        if not found.device:
            return (
                f"no disk of this machine is {self.volume_id}; there is {', '.join(found.there) or 'none of EBS'}. "
                "Look whether the volume is attached to this instance."
            )
        if found.parts:
            return f"{disk} is partitioned or taken by something: {', '.join(found.parts)}. Nothing was done to it."
        if found.signatures and found.signatures != ("ext4",):
            return (
                f"{disk} has something on it: {', '.join(found.signatures)}. Nothing was done to it. If nobody needs "
                f"that, clear it by hand (wipefs --all {found.device}), and run again."
            )
        if found.filled and not found.begun:
            return (
                f"{disk} has no signature that is known, but it is not empty. Nothing was done to it. If nobody needs "
                f"what is on it, clear it by hand (blkdiscard --zeroout --length 1MiB {found.device}), and run again."
            )
        if found.mounted and self.path not in found.mounted:
            return f"{disk} is mounted at {', '.join(found.mounted)}, not at {self.path}. Unmount it, and run again."
        if found.at and self.path not in found.mounted:
            source, kind = found.at
            return f"at {self.path}, {source} ({kind}) is mounted already. Unmount it, or move it elsewhere."
        if found.inside:
            return (
                f"{self.path} is not empty, and nothing is mounted there: {', '.join(found.inside)}, … are on the root "
                "disk, and the data disk would hide them. Move them away, and run again."
            )
        return ""

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Format it, if it is still blank; write the line of fstab; mount it; and let it grow."""
        path, mark = shlex.quote(self.path), shlex.quote(f"{MARKS}/formatting-{self.volume_id}")
        for change in changes:
            match change.attribute, change.after:
                case "file system", _:
                    host.must(script(FORMAT, self.volume_id, self.uuid, MARKS, xen_name(self.device)), again=True)
                case fstab.ATTRIBUTE, Content() as table:
                    host.write(fstab.PATH, table.data)
                case "mounted", _:
                    # systemd makes units of fstab; one that it has not read yet may undo the mount.
                    host.must(f"rm -f -- {mark}\nmkdir -p -- {path}\nsystemctl daemon-reload", again=True)
                    host.must(
                        script(MOUNT, self.path),
                        again=True,
                        advice="If the file system is damaged: detach nothing, take a snapshot, and try fsck.ext4.",
                    )
                case "size", _:
                    host.must(script(GROW, self.volume_id, xen_name(self.device)), again=True)


def _gib(size: int) -> str:
    return f"{size / (1 << 30):.3g} GiB"
