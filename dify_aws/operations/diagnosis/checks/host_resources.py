"""Body: the disks, the memory, the swap, the load and the clock of the machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.host.fact import Fact, Facts
from dify_aws.host.host_usage import HostUsage
from dify_aws.host.steps.machine import MOST_ASTRAY
from dify_aws.operations.diagnosis.diagnosis import Finding, ok, warning, wrong

FULL: Final = 0.05
"""What part of a disk is left when something is about to break …"""

NEARLY_FULL: Final = 0.15
"""… and when somebody should know: that is where the alarm is."""

SHORT: Final = 0.05
"""What part of the memory is left when the kernel is about to choose whom to kill."""

SWAPPED: Final = 0.5
ASTRAY_SECONDS: Final = 5.0
"""What the clock of the machine may differ from AWS's: what is told in whole seconds, and the way there."""


@dataclass(frozen=True)
class HostResources:
    """Disks, memory, swap, load and clock.

    Args:
        clock: what time it is, in seconds since 1970.
    """

    clock: Callable[[], float]
    subject = "machine"

    def facts(self) -> Sequence[Fact[Any]]:
        return (HostUsage(),)

    def look(self, facts: Facts) -> Iterator[Finding]:
        found = facts[HostUsage()]
        for disk in found.disks:
            yield _room(f"disk {disk.path}", "GiB", disk.free / (1 << 30), disk.size / (1 << 30))
            if disk.inodes and disk.free_inodes / disk.inodes < NEARLY_FULL:
                yield _room(f"inodes {disk.path}", "inodes", disk.free_inodes, disk.inodes)
        if "/data" not in {disk.path for disk in found.disks}:
            yield wrong("disk /data", "the data volume is not mounted", "install() mounts it, and then starts Dify.")
        evidence = f"{found.available_mib} MiB of {found.memory_mib} MiB available"
        if found.available_mib < found.memory_mib * SHORT:
            yield warning("memory", evidence, "Choose a larger instance_type, or profile compact.")
        else:
            yield ok("memory", evidence)
        yield _swap(found.swap_mib, found.free_swap_mib)
        evidence = f"{found.load:.2f} in the last five minutes, on {found.processors} processors"
        if found.load > 2 * found.processors:
            yield warning("load", evidence, "If that is not a passing task, choose a larger instance_type.")
        else:
            yield ok("load", evidence)
        yield _time(found.time - self.clock(), found.synchronized)


def _room(subject: str, unit: str, free: float, size: float) -> Finding:
    evidence = f"{free:.{0 if unit == 'inodes' else 1}f} of {size:.{0 if unit == 'inodes' else 1}f} {unit} left"
    part = free / size if size else 0.0
    if subject.endswith("/data"):
        remedy = "Raise data_volume_gib and deploy(): it grows in place."
    else:
        remedy = "Raise root_volume_gib and deploy(), or look what fills it (du -xh --max-depth=2 / | sort -h)."
    if part < FULL:
        return wrong(subject, evidence, remedy)
    return warning(subject, evidence, remedy) if part < NEARLY_FULL else ok(subject, evidence)


def _swap(size: int, free: int) -> Finding:
    if not size:
        return wrong("swap", "there is none", "install() makes it; without it a moment of need ends a container.")
    evidence = f"{size - free} MiB of {size} MiB used"
    if size - free > size * SWAPPED:
        return warning("swap", evidence, "Memory is short: choose a larger instance_type.")
    return ok("swap", evidence)


def _time(astray: float, synchronized: bool | None) -> Finding:
    evidence = f"{abs(astray):.0f} s {'ahead of' if astray > 0 else 'behind'} AWS's"
    if abs(astray) > MOST_ASTRAY:
        return wrong("time", evidence, "AWS refuses requests with such a clock. Look at timedatectl and chrony there.")
    if abs(astray) > ASTRAY_SECONDS:
        return warning("time", evidence, "Look at timedatectl and chrony there.")
    if synchronized is False:
        return warning("time", "right, but it follows no other clock", "systemctl restart chrony (or timesyncd) there.")
    return ok("time", "right")
