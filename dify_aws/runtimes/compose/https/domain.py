"""Domain: whether the records of a domain lead to the machine, which the certificate authority will ask before all."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

from dify_aws.errors import DifyAwsError


class DomainElsewhere(DifyAwsError):
    """A domain does not lead to the machine, or not only. Nothing was installed for it."""


def points_to(domain: str, addresses: Iterable[str], expected: str) -> None:
    """Make sure that a domain leads to one address, and nowhere else.

    Args:
        domain: the host name.
        addresses: all that its A and AAAA records say, as they were looked up.
        expected: the public address of the machine.

    Raises:
        DomainElsewhere: with the record that has to be made, and those that have to go. Of two, the authority (and
            every visitor) takes one by chance; and of IPv4 and IPv6, it prefers IPv6:
            https://letsencrypt.org/docs/ipv6-support/
    """
    found = {ip_address(address) for address in addresses}
    desired = ip_address(expected)
    if found == {desired}:
        return
    others = sorted(found - {desired}, key=str)
    leads = f"to {', '.join(map(str, others))}{' as well' if desired in found else ''}" if others else "nowhere"
    lines = [f"{domain} has to lead to {desired}, and leads {leads}.", "Where the DNS of the domain is kept:"]
    if desired not in found:
        lines.append(f"  make    {domain}. 300 IN {_kind(desired)} {desired}")
    for other in others:
        first = "  (Let's Encrypt would go there first)" if other.version > desired.version else ""
        lines.append(f"  remove  {domain}. IN {_kind(other)} {other}{first}")
    if others:
        lines.append("If these are addresses of a proxy or a content network, switch it off for this name.")
    lines.append("A change is known everywhere after the TTL of the old record at the latest. Then run again.")
    raise DomainElsewhere("\n".join(lines))


def _kind(address: IPv4Address | IPv6Address) -> str:
    return "A" if address.version == 4 else "AAAA"
