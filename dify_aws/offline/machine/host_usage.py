"""Resource usage of the model machine, and the last log lines of its containers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from dify_aws.host.fact import Answer, Fact
from dify_aws.host.host_usage import HostUsage
from dify_aws.host.steps.swap import PATH
from dify_aws.offline.machine import dify
from dify_aws.runtimes.compose.last_log_lines import LastLogLines

if TYPE_CHECKING:
    from dify_aws.offline.machine.machine import Machine

ROOT: Final = 30 << 30
INODES: Final = 3_276_800


@dataclass
class Strain:
    """The load of the machine. Memory in MiB; ``load`` is the five-minute average."""

    available_mib: int = 1800
    swapped_mib: int = 0
    load: float = 0.2
    free_inodes: int = 3_000_000
    synchronized: bool = True


def _host_usage(machine: Machine, fact: HostUsage) -> Answer:
    strain = machine.strain
    swap = machine.kernel.allocated.get(PATH, 0) >> 10 if PATH in machine.kernel.used else 0
    rooms = [("/", ROOT, machine.system.free)]
    if volume := machine.disks.mounted.get("/data"):
        disk = machine.disks.attached[volume]
        rooms.append(("/data", disk.file_system, disk.file_system - disk.used))
    lines = [
        f"MemTotal={machine.memory_mib << 10}",
        f"MemAvailable={strain.available_mib << 10}",
        f"SwapTotal={swap}",
        f"SwapFree={swap - (strain.swapped_mib << 10)}",
        *(f"disk={path} {size} {free} {INODES} {strain.free_inodes}" for path, size, free in rooms),
        f"load={strain.load:.2f}",
        "processors=2",
        f"time={machine.time_of_day() + machine.system.astray:.0f}",
        f"NTPSynchronized={'yes' if strain.synchronized else 'no'}",
    ]
    return Answer("\n".join(lines).encode())


def _last_log_lines(machine: Machine, fact: LastLogLines) -> Answer:
    return Answer(dify.log(machine, fact.service).encode())


ANSWERS: Final[Mapping[type[Fact[Any]], Callable[[Machine, Any], Answer]]] = {
    LastLogLines: _last_log_lines,
    HostUsage: _host_usage,
}
