"""System: the model machine: its Ubuntu release, processor, first boot, and the programs that listen on its ports."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from dify_aws.host.fact import Answer, Fact
from dify_aws.host.steps.cloud_init import Progress
from dify_aws.host.steps.machine import Shape
from dify_aws.offline.machine.ended import Ended, NotModelled

if TYPE_CHECKING:
    from dify_aws.offline.machine.machine import Machine

FIRST_BOOT_SECONDS: Final = 20.0


@dataclass
class System:
    """A fresh server of Ubuntu 22.04. ``free`` is in bytes, on the root disk; ``listening`` has programs by port.

    ``hypervisor`` is "nitro" or "xen". ``astray`` is by how many seconds its clock is ahead.
    """

    release: str = "22.04"
    codename: str = "jammy"
    processor: str = "x86_64"
    hypervisor: str = "nitro"
    astray: float = 0.0
    free: int = 27 << 30
    listening: dict[int, str] = field(default_factory=lambda: {22: "sshd"})
    booting: bool = False
    boot_errors: tuple[str, ...] = ()
    boot_warnings: tuple[str, ...] = ()


def _shape(machine: Machine, fact: Shape) -> Answer:
    system = machine.system
    lines = [
        f"system=ubuntu {system.release}",
        f"name=Ubuntu {system.release} LTS",
        f"processor={system.processor}",
        f"memory={machine.memory_mib << 10}",
        f"free={system.free}",
        *(["docker=yes"] if machine.units.known("docker.service") else []),
        f"time={time.time() + system.astray:.0f}",
    ]
    for port, program in system.listening.items():
        lines.append(f'port=LISTEN 0      4096   0.0.0.0:{port} 0.0.0.0:* users:(("{program}",pid=700,fd=3))')
    return Answer("\n".join(lines).encode())


def _progress(machine: Machine, fact: Progress) -> Answer:
    system = machine.system
    if system.booting:
        return Answer(b"running\n")
    status: dict[str, Any] = {"datasource": "DataSourceEc2Local", "errors": system.boot_errors}
    if system.boot_warnings:
        status["recoverable_errors"] = {"WARNING": system.boot_warnings}
    return Answer(json.dumps({"v1": status}).encode())


def _cloud_init(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    if list(argv[1:]) != ["status", "--wait"]:
        raise NotModelled(" ".join(argv))
    if machine.system.booting:
        machine.clock.sleep(FIRST_BOOT_SECONDS)
        machine.system.booting = False
    return Ended(1 if machine.system.boot_errors else 0, b"\nstatus: done\n")


def _sleep(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    machine.clock.sleep(float(argv[1]))
    return Ended()


ANSWERS: Final[Mapping[type[Fact[Any]], Callable[[Machine, Any], Answer]]] = {Shape: _shape, Progress: _progress}
COMMANDS: Final[Mapping[str, Callable[[Machine, Sequence[str], bytes], Ended]]] = {
    "cloud-init": _cloud_init,
    "sleep": _sleep,
}
