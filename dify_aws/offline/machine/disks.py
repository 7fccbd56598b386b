"""Disks: the EBS volumes of the model machine, their content, and their mount points."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from dify_aws.host.disks.block_device import BlockDevice, xen_name
from dify_aws.host.fact import Answer, Fact
from dify_aws.host.steps.data_disk import FORMAT, GROW, MOUNT
from dify_aws.offline.machine.ended import Ended, failed
from dify_aws.offline.machine.files import Entry, Tree

if TYPE_CHECKING:
    from dify_aws.offline.machine.machine import Machine

BLOCK: Final = 4096


def _empty() -> Tree:
    return {"/": Entry("directory")}


@dataclass
class Disk:
    """A volume. In bytes: ``size`` of the device, ``file_system`` of what is on it, ``used`` of that."""

    size: int
    signatures: tuple[str, ...] = ()
    uuid: str = ""
    file_system: int = 0
    used: int = 0
    filled: bool = False
    parts: tuple[str, ...] = ()
    tree: Tree = field(default_factory=_empty)


@dataclass
class Disks:
    """Those that are attached beside the root disk, by volume id, and which is mounted where.

    ``xen_names`` is what Linux calls them on a machine that is built on Xen, where nothing tells the volume id.
    """

    attached: dict[str, Disk] = field(default_factory=dict)
    xen_names: dict[str, str] = field(default_factory=dict)
    mounted: dict[str, str] = field(default_factory=dict)

    def device(self, volume_id: str) -> str:
        """Its device name in Linux."""
        return self.xen_names.get(volume_id) or f"/dev/nvme{list(self.attached).index(volume_id) + 1}n1"

    def seen(self, volume_id: str, xen_name: str) -> str | None:
        """The volume that is found by this id on Nitro, or by this name on Xen; None if there is none."""
        if self.xen_names:
            return next((volume for volume, name in self.xen_names.items() if name == xen_name), None)
        return volume_id if volume_id in self.attached else None


def _block_device(machine: Machine, fact: BlockDevice) -> Answer:
    return Answer("\n".join(_disk_state(machine, fact.volume_id, fact.path, xen_name(fact.device))).encode())


def _disk_state(machine: Machine, expected_id: str, path: str, name: str) -> Iterator[str]:
    disks = machine.disks
    if there := disks.mounted.get(path):
        yield f"at={disks.device(there)} ext4"
        yield f"free={disks.attached[there].file_system - disks.attached[there].used}"
    else:
        names = (each.removeprefix(f"{path}/") for each in machine.files.below(path) if each != path)
        yield from [f"inside={name}" for name in names if "/" not in name][:3]
    volume_id = disks.seen(expected_id, name)
    if volume_id is None:
        yield from (f"there={each}" for each in disks.attached if not disks.xen_names)
        return
    disk = disks.attached[volume_id]
    yield f"device={disks.device(volume_id)}"
    yield f"size={disk.size}"
    yield from (f"part={part}" for part in disk.parts)
    yield from (f"mounted={where}" for where, volume in disks.mounted.items() if volume == volume_id)
    if machine.files.get(f"/var/lib/dify-aws/formatting-{expected_id}"):
        yield "begun=yes"
    yield from (f"signature={signature}" for signature in disk.signatures)
    if disk.signatures == ("ext4",):
        yield f"uuid={disk.uuid}"
        yield f"blocks={disk.file_system // BLOCK}"
        yield f"block={BLOCK}"
    elif disk.filled and not disk.signatures:
        yield "filled=yes"


def _format(machine: Machine, arguments: Sequence[str], stdin: bytes) -> Ended:
    expected_id, uuid, marks, name = arguments
    volume_id = machine.disks.seen(expected_id, name)
    if volume_id is None:
        return failed("")
    disk = machine.disks.attached[volume_id]
    if disk.uuid == uuid:
        return Ended()
    mark = f"{marks}/formatting-{expected_id}"
    if disk.signatures or disk.parts or (disk.filled and not machine.files.get(mark)):
        return failed(f"{machine.disks.device(volume_id)} is not blank: {' '.join(disk.signatures + disk.parts)}", 65)
    machine.files.make_directories(marks)
    machine.files.remove(mark)
    disk.signatures, disk.uuid, disk.file_system, disk.tree = ("ext4",), uuid, disk.size, _empty()
    return Ended()


def _mount(machine: Machine, arguments: Sequence[str], stdin: bytes) -> Ended:
    """By what fstab says of it."""
    (where,), disks = arguments, machine.disks
    if where in disks.mounted:
        return Ended()
    lines = (line.split() for line in machine.files.text("/etc/fstab").splitlines() if not line.startswith("#"))
    source = next((line[0] for line in lines if len(line) > 1 and line[1] == where), None)
    if source is None:
        return failed(f"mount: {where}: can't find in /etc/fstab.", 1)
    found = [volume for volume, disk in disks.attached.items() if source == f"UUID={disk.uuid}"]
    if not found:
        return failed(f"mount: {where}: can't find {source}.", 1)
    if machine.files.get(where) is None:
        return failed(f"mount: {where}: mount point does not exist.", 32)
    disks.mounted[where] = found[0]
    machine.files.mounts[where] = disks.attached[found[0]].tree
    return Ended()


def _grow(machine: Machine, arguments: Sequence[str], stdin: bytes) -> Ended:
    volume_id = machine.disks.seen(*arguments)
    if volume_id is None:
        return failed("open: No such file or directory while opening ")
    disk = machine.disks.attached[volume_id]
    disk.file_system = disk.size
    return Ended()


ANSWERS: Final[Mapping[type[Fact[Any]], Callable[[Machine, Any], Answer]]] = {BlockDevice: _block_device}
SCRIPTS: Final[Mapping[str, Callable[[Machine, Sequence[str], bytes], Ended]]] = {
    FORMAT: _format,
    GROW: _grow,
    MOUNT: _mount,
}
