"""Keeper: the process that a bed lives in, with all its namespaces. It ends when its standard input does."""

import json
import os
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from tests.e2e.bed import network
from tests.e2e.bed.acme import Acme
from tests.e2e.bed.addresses import GATEWAY, METADATA, RESOLVER
from tests.e2e.bed.agent import Agent
from tests.e2e.bed.archive import Archive
from tests.e2e.bed.command import run
from tests.e2e.bed.disk import Disk
from tests.e2e.bed.fence import Fence
from tests.e2e.bed.journal import Fault, Journal
from tests.e2e.bed.keys import Keys
from tests.e2e.bed.machine import Machine
from tests.e2e.bed.metadata import Metadata
from tests.e2e.bed.order import Order
from tests.e2e.bed.packages import Packages
from tests.e2e.bed.registry import Registry
from tests.e2e.bed.relay import Relay
from tests.e2e.bed.resolver import Resolver
from tests.e2e.bed.server import Server
from tests.e2e.bed.store import Store

ROOT_IMAGE, CERTIFICATE = "root.img", "served.pem"


class Keeper:
    """Carries out what the bed asks for. Each verb takes and returns what JSON can hold."""

    def __init__(self, order: Order) -> None:
        self._folder = Path(order.folder)
        self._journal = Journal()
        self._relay = Relay({int(port): socket.socket(fileno=number) for port, number in order.listening.items()})
        root = Disk.attach("nvme0n1", self._folder / ROOT_IMAGE)
        data = Disk.blank("nvme1n1", self._folder / "data1.img", order.data_gib)
        fence = Fence(order.name)
        fence.raise_()
        self._machine = Machine(self._folder, fence, [root, data])
        self._resolver = Resolver(self._journal)
        self._acme = Acme(Keys(Path(order.keys)), self._resolver)
        self._serve(order)
        self._relay.start()
        self._machine.start()

    def _serve(self, order: Order) -> None:
        network.lay_out()
        threading.Thread(target=self._resolver.serve, args=(RESOLVER,), daemon=True).start()
        metadata = Metadata(order.instance_id, order.public_key, order.user_data)
        Server(self._journal, (("/", metadata),)).start(METADATA, 80)
        registry = Registry(Store(Path(order.store)))
        packages = Packages(Archive(Path(order.archive)), Agent(Path(order.agent)))
        sites = Server(self._journal, (("/v2", registry), ("/acme/", self._acme), ("/", packages)))
        sites.start(GATEWAY, 80)
        sites.start(GATEWAY, 443, self._folder / CERTIFICATE)

    def state(self) -> dict[str, Any]:
        """How it stands."""
        volumes = [disk.volume_id for disk in self._machine.disks]
        return {"boots": self._machine.boots, "over": self._machine.over.is_set(), "volumes": volumes}

    def inside(self, script: str) -> dict[str, Any]:
        """Run a script in the guest, as root."""
        done = self._machine.inside(script)
        return {"status": done.returncode, "out": done.stdout, "err": done.stderr}

    def attach_disk(self, gib: int) -> str:
        """Attach a blank disk; its volume id."""
        number = len(self._machine.disks)
        disk = Disk.blank(f"nvme{number}n1", self._folder / f"data{number}.img", gib)
        self._machine.attach(disk)
        return disk.volume_id

    def grow_disk(self, volume_id: str, gib: int) -> None:
        """Give a disk another size."""
        next(disk for disk in self._machine.disks if disk.volume_id == volume_id).grow(gib)
        self._machine.show_disks()

    def pull_the_plug(self) -> None:
        """Power off and on again."""
        self._machine.pull_the_plug()

    def point(self, name: str, address: str | None) -> None:
        """Let a name have this address, or none."""
        if address is None:
            self._resolver.addresses.pop(name, None)
        else:
            self._resolver.addresses[name] = address

    def certify_for(self, days: int) -> None:
        """Let certificates last so long from now on."""
        self._acme.days = days

    def faults(self, faults: list[dict[str, Any]]) -> None:
        """Let these go wrong, and no others."""
        self._journal.faults = [Fault(**fault) for fault in faults]

    def requested(self) -> list[str]:
        """What the world was asked for so far."""
        return list(self._journal.lines)

    def delay(self, seconds: float) -> None:
        """Make each round trip to the guest take so long."""
        self._relay.delay(seconds)

    def cut(self) -> None:
        """Reset all connections to the guest."""
        self._relay.cut()


VERBS = """
    state inside attach_disk grow_disk pull_the_plug point certify_for faults asked delay cut
""".split()


def _requests() -> Iterator[tuple[str, list[Any]]]:
    """What comes in. Its end is the end of all, in the middle of whatever is being done: nobody is there any more."""
    requested: SimpleQueue[str] = SimpleQueue()

    def read() -> None:
        for line in sys.stdin:
            requested.put(line)
        os._exit(0)

    threading.Thread(target=read, daemon=True).start()
    while True:
        verb, arguments = json.loads(requested.get())
        yield verb, arguments


def main() -> None:
    """Keep a bed: a line of JSON in is a verb and its arguments, a line of JSON out is what it came to."""
    # Network namespaces have their names below /run; on a /run of our own these end with us.
    run("mount", "-t", "tmpfs", "-o", "mode=755", "bed", "/run")
    keeper = Keeper(Order.of(sys.argv[1]))
    for verb, arguments in _requests():
        try:
            if verb not in VERBS:
                raise ValueError(f"{verb!r} is no verb of the keeper")
            answer = {"done": getattr(keeper, verb)(*arguments)}
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            answer = {"failed": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
