"""A model machine with a blank data disk, as EC2 gives it, and installers that die at one of their commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from dify_aws.host.host import Host
from dify_aws.offline.clock import VirtualClock
from dify_aws.offline.machine.disks import Disk
from dify_aws.offline.machine.host import ModelHost
from dify_aws.offline.machine.machine import Machine

VOLUME: Final = "vol-0123456789abcdef0"


class Killed(BaseException):
    """The process of the installer is gone."""


@dataclass
class Kill:
    """Comes when it is called once more than ``left`` times."""

    left: int

    def __call__(self, order: str) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed(order)


def fresh(*, gib: int = 10) -> Machine:
    """A machine that nothing was done to."""
    machine = Machine("ec2", VirtualClock())
    machine.disks.attached[VOLUME] = Disk(size=gib << 30)
    machine.clock.sleep(1)
    return machine


def deaths(run: Callable[[Host], object], make: Callable[[], Machine] = fresh) -> Iterator[tuple[str, Machine]]:
    """Machines on which ``run`` was killed right before, or right after, each thing that it does; and which it was."""
    orders: list[str] = []
    run(ModelHost(make(), before=orders.append))
    for number, order in enumerate(orders):
        for when in ("before", "after"):
            machine, kill = make(), Kill(number)
            host = ModelHost(machine, before=kill) if when == "before" else ModelHost(machine, after=kill)
            try:
                run(host)
            except Killed:
                yield f"{when} {order!r}", machine
            else:
                raise AssertionError(f"{order!r} was not reached again")
