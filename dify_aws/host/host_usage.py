"""Vitals: how the machine is at this moment: its disks, its memory, its load and its clock, as one fact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dify_aws.host.fact import Answer, Fact

# 15 ms. A disk is told by where it is mounted: size, what is left, and the same of inodes.
SCRIPT: Final = """\
sed -n 's/^\\(MemTotal\\|MemAvailable\\|SwapTotal\\|SwapFree\\): *\\([0-9]*\\) kB/\\1=\\2/p' /proc/meminfo
df --block-size=1 --output=target,size,avail,itotal,iavail / /data 2>/dev/null | tail -n +2 | sed 's/^/disk=/'
printf 'load=%s\\nprocessors=%s\\ntime=%s\\n' "$(cut -d ' ' -f 2 /proc/loadavg)" "$(nproc)" "$(date +%s)"
timedatectl show --property=NTPSynchronized 2>/dev/null
true
"""


@dataclass(frozen=True)
class DiskRoom:
    """What is left where something is mounted, in bytes and in inodes."""

    path: str
    size: int
    free: int
    inodes: int
    free_inodes: int


@dataclass(frozen=True)
class HostUsageState:
    """Memory and swap are in MiB, ``load`` is the average of five minutes, ``time`` in seconds since 1970."""

    memory_mib: int
    available_mib: int
    swap_mib: int
    free_swap_mib: int
    disks: tuple[DiskRoom, ...]
    load: float
    processors: int
    time: int
    synchronized: bool | None = None
    """Whether its clock follows another; None if nobody told."""


@dataclass(frozen=True)
class HostUsage(Fact[HostUsageState]):
    """How is it?"""

    name = "vitals"
    script = SCRIPT

    def read(self, answer: Answer) -> HostUsageState:
        pairs = [line.split("=", 1) for line in answer.text.splitlines()]
        fields = {key: value for key, value in pairs if key != "disk"}
        disks = {_room(value) for key, value in pairs if key == "disk"}  # where /data is no mount, both are the root
        return HostUsageState(
            memory_mib=int(fields["MemTotal"]) >> 10,
            available_mib=int(fields["MemAvailable"]) >> 10,
            swap_mib=int(fields["SwapTotal"]) >> 10,
            free_swap_mib=int(fields["SwapFree"]) >> 10,
            disks=tuple(sorted(disks, key=lambda disk: disk.path)),
            load=float(fields["load"]),
            processors=int(fields["processors"]),
            time=int(fields["time"]),
            synchronized=fields["NTPSynchronized"] == "yes" if "NTPSynchronized" in fields else None,
        )


def _room(line: str) -> DiskRoom:
    path, *numbers = line.split()
    # A file system that makes inodes as it needs them tells "-" of them.
    size, free, inodes, free_inodes = (0 if number == "-" else int(number) for number in numbers)
    return DiskRoom(path, size, free, inodes, free_inodes)
