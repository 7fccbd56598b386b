"""OfflineConnectivity: the network as the offline world has it: one address, some names, and model machines."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from errno import ECONNREFUSED
from ipaddress import ip_address, ip_network
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key
from moto.ec2.models import ec2_backends
from moto.ec2.models.instance_types import INSTANCE_TYPES

from dify_aws.host.disks.block_device import xen_name
from dify_aws.host.errors import AuthenticationRefused, HostKeyMismatch, Unreachable
from dify_aws.host.packages.publishers import Publishers
from dify_aws.host.ssh.host_key import FirstUse, host_keys
from dify_aws.host.steps.machine import OURS, PROCESSORS
from dify_aws.offline.cloud import Cloud
from dify_aws.offline.corrections.ec2.consoles import host_key as key_of_instance
from dify_aws.offline.corrections.schedules import utc
from dify_aws.offline.machine.dify import well
from dify_aws.offline.machine.disks import Disk
from dify_aws.offline.machine.host import ModelHost
from dify_aws.offline.machine.machine import Machine
from dify_aws.secrets import Secret

SSH: Final = 22

SHOWN_OF_MEMORY: Final = 0.953
"""Linux keeps a part for itself: 4096 MiB show as some 3904."""


class OfflineConnectivity:
    """See :class:`dify_aws.operations.access.connectivity.Connectivity`. A machine is reached through its
    security groups only.

    ``address`` and ``names`` are to be set. ``before`` and ``after`` are given to each host: see ModelHost.
    """

    publishers = Publishers()

    def __init__(self, cloud: Cloud) -> None:
        self.address = "198.51.100.7"
        self.names: dict[str, tuple[str, ...]] = {}
        # Where the corrections find them as well: an agent on a machine tells CloudWatch of it.
        self.machines: dict[str, Machine] = cloud.remember("machines")
        self.disks: dict[str, Disk] = {}
        self.before: Callable[[str], None] = lambda script: None
        self.after: Callable[[str], None] = lambda script: None
        self._cloud = cloud

    def my_address(self) -> str:
        """This machine's."""
        return self.address

    def resolve(self, name: str) -> tuple[str, ...]:
        """The addresses of a name; none if nobody has set it."""
        return self.names.get(name, ())

    def check_port(self, address: str, port: int) -> None:
        """Return if something listens there, and the security groups let this machine's address in.

        Raises:
            TimeoutError, ConnectionRefusedError: as the internet would.
        """
        self._cloud.settle()
        found = next((each for each in _instances() if each[0].public_ip == address), None)
        if found is None or found[0].state != "running" or not self._allows(*found, port):
            raise TimeoutError("timed out")
        machine = self._machine(*found)
        program = machine.system.listening.get(port)
        # What a container published is nobody's while it does not run.
        if program is None or (program == OURS and well(machine, "nginx") is None):
            raise ConnectionRefusedError(ECONNREFUSED, "Connection refused")

    def host(
        self,
        address: str,
        *,
        user: str,
        key: Secret,
        host_key: str | FirstUse,
        sock: Callable[[], socket.socket] | None = None,
    ) -> ModelHost:
        """The machine that has this public address.

        Raises:
            Unreachable, HostKeyMismatch, AuthenticationRefused: as a real one would.
        """
        self._cloud.settle()
        where = f"{user}@{address}"
        found = next((each for each in _instances() if each[0].public_ip == address), None)
        if found is None or found[0].state != "running" or (sock is None and not self._allows(*found)):
            raise Unreachable(where, SSH, TimeoutError("timed out"), 300.0)
        instance, backend = found
        met = host_keys(key_of_instance(self._cloud, instance.id))[0]
        if isinstance(host_key, FirstUse):
            host_key = host_key.remember(met.line) or met.line
        pinned = host_keys(host_key)
        if met not in pinned:
            raise HostKeyMismatch(where, [each.fingerprint for each in pinned], met.fingerprint)
        ours = host_keys(_public_half(key))[0]
        if ours not in host_keys(backend.key_pairs[instance.key_name].public_key):
            raise AuthenticationRefused(where, user, ours)
        return ModelHost(self._machine(instance, backend), where=where, before=self.before, after=self.after)

    def _machine(self, instance: Any, backend: Any) -> Machine:
        machine = self.machines.get(instance.id)
        described = INSTANCE_TYPES[instance.instance_type]
        if machine is None:
            machine = self.machines[instance.id] = Machine(
                instance.id,
                self._cloud.clock,
                time_of_day=lambda: utc(self._cloud).timestamp(),
            )
        # Another type is another computer, which boots from the same disk.
        machine.memory_mib = int(described["MemoryInfo"]["SizeInMiB"] * SHOWN_OF_MEMORY)
        arm64 = "arm64" in described["ProcessorInfo"]["SupportedArchitectures"]
        machine.system.processor = PROCESSORS["arm64" if arm64 else "amd64"]
        machine.system.hypervisor = described.get("Hypervisor", "nitro")
        machine.disks.xen_names.clear()
        # A volume keeps what is on it, whichever machine it is attached to.
        for volume in list(backend.volumes.values()):
            at = volume.attachment
            if at and at.instance.id == instance.id and at.device != instance.root_device_name:
                disk = self.disks.setdefault(volume.id, Disk(0))
                disk.size = volume.size << 30
                machine.disks.attached[volume.id] = disk
                if machine.system.hypervisor == "xen":
                    machine.disks.xen_names[volume.id] = xen_name(at.device)
        return machine

    def _allows(self, instance: Any, backend: Any, port: int = SSH) -> bool:
        own = ip_address(self.address)
        kind = "CidrIp" if own.version == 4 else "CidrIpv6"
        return any(
            own in ip_network(rule.ip_range[kind])
            for group in instance.security_groups
            for rule in backend.get_security_group_from_id(group.id).ingress_rules
            if rule.ip_protocol == "tcp" and rule.from_port <= port <= rule.to_port and kind in rule.ip_range
        )


def _instances() -> Iterator[tuple[Any, Any]]:
    for account in list(ec2_backends.values()):
        for backend in list(account.values()):
            for reservation in list(backend.reservations.values()):
                yield from ((instance, backend) for instance in reservation.instances)


def _public_half(key: Secret) -> str:
    private = load_ssh_private_key(key.reveal().encode(), password=None)
    return private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
