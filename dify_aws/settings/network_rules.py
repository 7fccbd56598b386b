"""Rules for networks: the range of a VPC, and who reaches the web server."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, ip_network
from typing import Final

from dify_aws.settings import networks
from dify_aws.settings.rules import Broken, text

_CIDRS_AT_MOST: Final = 30


def vpc_cidr(value: object) -> str:
    """A private IPv4 range that AWS takes for a VPC and that holds two subnets."""
    written = text(value)
    try:
        network = IPv4Network(written if "/" in written else "", strict=False)
    except ValueError:
        raise Broken(("is not a range of IPv4 addresses", 'Write one like "10.0.0.0/16"')) from None
    faults = []
    if str(network.network_address) != written.split("/")[0]:
        faults.append(("is an address in a range, not a range", f'Write "{network}"'))
    if not networks.is_private(network):
        faults.append(
            ("is not private (RFC 1918)", f"Choose a range within {', '.join(str(one) for one in networks.PRIVATE)}")
        )
    if network.prefixlen < networks.LARGEST:
        faults.append(("is larger than AWS allows", f"Choose /{networks.LARGEST} or smaller"))
    if network.prefixlen > networks.SMALLEST:
        faults.append(
            (
                "is too small for two subnets",
                f"Choose /{networks.SMALLEST} or larger: it is cut in four, and AWS makes no subnet smaller than /28",
            )
        )
    if faults:
        raise Broken(*faults)
    return str(network)


def web_cidrs(value: object) -> tuple[str, ...]:
    """IPv4 and IPv6 networks, each once, in AWS's notation.

    A security group has room for 60 rules of each family, and each network takes two, for 80 and 443
    (https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html#vpc-limits-security-groups).
    """
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Iterable) or isinstance(value, Mapping | bytes):
        raise Broken(("is not a list of networks", 'Write one like ["203.0.113.0/24", "2001:db8::/32"]'))
    found, faults = [], []
    for one in value:
        try:
            found.append(ip_network(text(one), strict=False))
        except ValueError:
            faults.append((f"has {one!r}, which is not a network", 'Write networks like "203.0.113.0/24"'))
            continue
        if str(found[-1].network_address) != str(ip_network(str(one).split("/")[0]).network_address):
            faults.append((f"has {one!r}, an address in a network, not a network", f'Write "{found[-1]}"'))
    for version in (4, 6):
        if len({one for one in found if one.version == version}) > _CIDRS_AT_MOST:
            faults.append(
                (
                    f"has more than {_CIDRS_AT_MOST} IPv{version} networks",
                    "Join neighbours into larger networks: a security group holds 60 rules, and each network takes two",
                )
            )
    if faults:
        raise Broken(*faults)
    return tuple(dict.fromkeys(str(one) for one in found))
