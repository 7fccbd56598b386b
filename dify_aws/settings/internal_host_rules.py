"""Internal hosts: what workflows may reach of a private network, past the proxy that keeps them out of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any, Final

from dify_aws.errors import Problem
from dify_aws.settings import networks
from dify_aws.settings.host_names import host_name
from dify_aws.settings.rules import Broken, text

WEB: Final = (80, 443)
"""The ports of a host that none is given of."""

PRIVATE: Final = tuple(map(ip_network, ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")))
"""What there is to let in. Public addresses are reached without it."""

METADATA: Final = tuple(map(ip_network, ("169.254.0.0/16", "fd00:ec2::/32")))
"""The instance metadata and what else AWS has there. Who reaches it may have the keys of the machine's role.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html"""

_MOST: Final = 100
_PORT: Final = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*):(?P<port>\d{1,5})")


@dataclass(frozen=True)
class InternalHost:
    """One host or network. ``name`` is empty for a network.

    Args:
        name: a host name in lower case, exactly this one.
        network: addresses; a single address is a network of one.
        ports: TCP ports.
    """

    name: str = ""
    network: IPv4Network | IPv6Network | None = None
    ports: tuple[int, ...] = WEB

    def __str__(self) -> str:
        place = self.name or str(self.network)
        if self.network and self.network.num_addresses == 1:
            place = str(self.network.network_address)
        if self.ports == WEB:
            return place
        return f"[{place}]:{self.ports[0]}" if ":" in place else f"{place}:{self.ports[0]}"


def parsed(written: str) -> InternalHost:
    """An internal host as it is written: "10.0.5.20:8080", "10.8.0.0/16", "api.corp.example.com", "[fd12::1]:8080".

    Raises:
        Broken: it is none, or none that may be let in.
    """
    found = _PORT.fullmatch(written)
    place, ports = (found["host"].strip("[]"), (int(found["port"]),)) if found else (written.strip("[]"), WEB)
    if not all(1 <= port <= 65_535 for port in ports):
        raise Broken((f"has {written!r}, and there is no port {ports[0]}", "Write one from 1 to 65535"))
    try:
        network = ip_network(place, strict=False)
    except ValueError:
        return InternalHost(name=_name(place, written), ports=ports)
    if ip_address(place.split("/")[0]) != network.network_address:
        raise Broken((f"has {written!r}, an address in a network, not a network", f'Write "{network}"'))
    if any(network.version == each.version and network.overlaps(each) for each in METADATA):
        right = "Leave it out: that is where the keys of the machine's role are told, and it is never let in"
        raise Broken((f"has {written!r}, where the instance metadata is", right))
    if not any(network.version == each.version and network.subnet_of(each) for each in PRIVATE):  # type: ignore[arg-type]
        right = f"Write what is within {', '.join(map(str, PRIVATE))}: public addresses are reached without it"
        raise Broken((f"has {written!r}, which is not private", right))
    return InternalHost(network=network, ports=ports)


def internal_hosts(value: object) -> tuple[str, ...]:
    """Internal hosts, each once, in one form."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Iterable) or isinstance(value, Mapping | bytes):
        raise Broken(("is not a list of hosts", 'Write one like ["10.0.5.20:8080", "api.corp.example.com"]'))
    found: list[str] = []
    faults: list[tuple[str, str]] = []
    for one in value:
        try:
            found.append(str(parsed(text(one).strip())))
        except Broken as broken:
            faults += broken.faults
    if len(found) > _MOST:
        faults.append((f"has {len(found)} hosts", f"At most {_MOST}: write a network in place of its hosts"))
    if faults:
        raise Broken(*faults)
    return tuple(dict.fromkeys(found))


def among_containers(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Dify's own containers are neighbours that nobody may reach from a workflow: databases without TLS among them."""
    if not {"internal_hosts", "vpc_cidr"} <= values.keys():
        return
    pool = networks.docker_pool(values["vpc_cidr"], values.get("docker_cidr"))
    for written in values["internal_hosts"]:
        network = parsed(written).network
        if network is not None and network.version == pool.version and network.overlaps(pool):
            wrong = f"has {written!r}, which Dify's own containers are in ({pool})"
            yield Problem("internal_hosts", written, wrong, "Write the networks of your hosts beside it")


def _name(place: str, written: str) -> str:
    name = host_name(place)
    if name is None:
        right = 'Write an address, a network or a full host name, and a port after a colon, like "10.0.5.20:8080"'
        raise Broken((f"has {written!r}, which is no host", right))
    return name
