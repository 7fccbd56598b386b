"""Rules for networks: the range of a VPC, and who reaches the web server."""

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from dify_aws.settings import networks
from dify_aws.settings.rules import Broken, text
from dify_aws.settings.shown import brief

Network = IPv4Network | IPv6Network

_CIDRS_AT_MOST: Final = 29
"""A security group has 60 rules of each family. Each network takes two, for 80 and 443; a way for SSH takes one.
https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups"""


def vpc_cidr(value: object) -> str:
    """An IPv4 range that AWS takes for a VPC. What a new one may have besides, the combinations tell."""
    written = text(value).strip()
    try:
        network = IPv4Network(written if "/" in written else "", strict=False)
    except ValueError:
        raise Broken(("is not a range of IPv4 addresses", 'Write one like "10.0.0.0/16"')) from None
    faults = []
    if str(network.network_address) != written.split("/")[0]:
        faults.append(("is an address in a range, not a range", f'Write "{network}"'))
    if any(network.overlaps(refused) for refused in networks.REFUSED):
        faults.append(("is none that AWS takes", f"Choose a range within {', '.join(map(str, networks.PRIVATE))}"))
    if network.prefixlen < networks.LARGEST:
        faults.append(("is larger than AWS allows", f"Choose /{networks.LARGEST} or smaller"))
    if network.prefixlen > networks.SMALLEST_OF_AWS:
        faults.append(("is smaller than AWS allows", f"Choose /{networks.SMALLEST} or larger"))
    if faults:
        raise Broken(*faults)
    return str(network)


def docker_cidr(value: object) -> str:
    """A private range for the networks of the containers."""
    written = text(value).strip()
    try:
        network = IPv4Network(written if "/" in written else "")
    except ValueError:
        raise Broken(("is not a range of IPv4 addresses", 'Write one like "192.168.224.0/20"')) from None
    if not networks.is_private(network) or not networks.LARGEST <= network.prefixlen <= networks.SMALLEST_POOL:
        within = f"/{networks.LARGEST} to /{networks.SMALLEST_POOL}, within {', '.join(map(str, networks.PRIVATE))}"
        raise Broken(("is no range for the networks of the containers", f"Choose one of {within}"))
    return str(network)


def web_cidrs(value: object) -> tuple[str, ...]:
    """IPv4 and IPv6 networks, each once, in AWS's notation."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Iterable) or isinstance(value, Mapping | bytes):
        raise Broken(("is not a list of networks", 'Write one like ["203.0.113.0/24", "2001:db8::/32"]'))
    found: list[Network] = []
    faults: list[tuple[str, str]] = []
    for one in value:
        try:
            found.append(_network(one))
        except Broken as broken:
            faults += broken.faults
    for version in (4, 6):
        if (count := len({one for one in found if one.version == version})) > _CIDRS_AT_MOST:
            faults.append(
                (
                    f"has {count} IPv{version} networks, and more than {_CIDRS_AT_MOST} do not fit",
                    "Join neighbours into larger networks: a security group holds 60 rules of a family, each network "
                    "takes two of them, and SSH takes one",
                )
            )
    if faults:
        raise Broken(*faults)
    return tuple(dict.fromkeys(str(one) for one in found))


def _network(value: object) -> Network:
    """One network, of what a person has written for it.

    Raises:
        Broken: it is none, or most likely another than was meant.
    """
    if not isinstance(value, str):
        raise Broken((f"has {brief(value)}, which is not text", 'Write networks like "203.0.113.0/24"'))
    written, quoted = value.strip(), brief(value)
    if "," in written or ";" in written or len(written.split()) > 1:
        raise Broken((f"has {quoted}, which is several", 'Write each in quotes of its own: ["203.0.113.0/24", "…"]'))
    address, slash, prefix = written.partition("/")
    try:
        first = ip_address(address)
        network = ip_network(written, strict=False)
    except ValueError:
        raise Broken((f"has {quoted}, which is not a network", _right(address, prefix))) from None
    if isinstance(first, IPv6Address) and (first.scope_id or first.ipv4_mapped):
        raise Broken((f"has {quoted}, which no packet from the internet carries", _right(address, prefix)))
    if not slash and first.packed[-1] == 0:
        everybody = not any(first.packed)
        wider = f"{address}/0" if everybody else f"{address}/{24 if first.version == 4 else 64}"
        who = "everybody" if everybody else "its network"
        raise Broken(
            (
                f"has {quoted}, which is one address without a prefix, and looks like a network",
                f'Write "{wider}" for {who}' + ("" if everybody else f', or "{network}" for that one address'),
            )
        )
    if slash and network.network_address != first:
        raise Broken((f"has {quoted}, an address in a network, not a network", f'Write "{network}"'))
    if _nobody(network):
        raise Broken((f"has {quoted}, where nobody comes from", f'Write "{network.network_address}/0" for everybody'))
    return network


def _nobody(network: Network) -> bool:
    """``0.0.0.0/8`` and ``::/128`` are slips for everybody; ``0.0.0.0/1`` is one half of the internet."""
    return network.prefixlen >= 8 and not any(network.network_address.packed)


def _right(address: str, prefix: str) -> str:
    parts = address.split(".")
    if len(parts) == 4 and any(re.fullmatch(r"0\d+", part) for part in parts):
        return "Write the numbers without zeros before them: some programs take those for octal"
    if ":" not in address and re.search(r"[A-Za-z]", address):
        return "Write addresses, not names: a security group knows no DNS"
    example = "2001:db8::/32" if ":" in address else "203.0.113.0/24"
    return f'Write networks like "{example}"' + (
        f"; what stands after the slash is 0 to {128 if ':' in address else 32}" if prefix else ""
    )
