"""Rule: traffic that a security group lets through, as EC2 takes it and as EC2 describes it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from dify_aws.engine.resource import Input


@dataclass(frozen=True)
class Rule:
    """Traffic that is let through.

    Args:
        peer: a network ("0.0.0.0/0", "::/0"), a security group (``group.id``), or a prefix list ("pl-…").
        port: the port; None for all.
        to_port: the last port, where it is a range.
        protocol: "tcp", "udp", "icmp", …; "-1" for all.
        description: shown in the console; a different one is not a different rule.
    """

    peer: Input[str]
    port: int | None = None
    to_port: int | None = None
    protocol: str = "tcp"
    description: str = field(default="", compare=False)

    def __str__(self) -> str:
        last = "" if self.to_port is None else f"-{self.to_port}"
        ports = "all" if self.port is None else f"{self.port}{last}"
        return f"{'all' if self.protocol == '-1' else self.protocol}/{ports} {self.peer}"

    def permission(self) -> dict[str, Any]:
        """The rule as AuthorizeSecurityGroupIngress takes it."""
        peer = str(self.peer)
        description = {"Description": self.description} if self.description else {}
        permission: dict[str, Any] = {"IpProtocol": self.protocol}
        if self.protocol != "-1":
            last = self.port if self.to_port is None else self.to_port
            permission |= {"FromPort": -1 if self.port is None else self.port, "ToPort": -1 if last is None else last}
        if peer.startswith("sg-"):
            permission["UserIdGroupPairs"] = [{"GroupId": peer, **description}]
        elif peer.startswith("pl-"):
            permission["PrefixListIds"] = [{"PrefixListId": peer, **description}]
        elif ":" in peer:
            permission["Ipv6Ranges"] = [{"CidrIpv6": peer, **description}]
        else:
            permission["IpRanges"] = [{"CidrIp": peer, **description}]
        return permission


EVERYWHERE = Rule("0.0.0.0/0", protocol="-1")
"""All traffic to anywhere: what AWS lets a new group send."""

PEERS: Final = {
    "IpRanges": "CidrIp",
    "Ipv6Ranges": "CidrIpv6",
    "PrefixListIds": "PrefixListId",
    "UserIdGroupPairs": "GroupId",
}
"""Where the peers are in a permission of a security group, and what names each."""


def rules_in(permissions: Iterable[Mapping[str, Any]]) -> Iterator[Rule]:
    """The rules in the permissions of DescribeSecurityGroups, which puts those of one protocol and port together."""
    for permission in permissions:
        peers = [
            (each[name], each.get("Description", ""))
            for member, name in PEERS.items()
            for each in permission.get(member, ())
        ]
        protocol, first, last = permission["IpProtocol"], permission.get("FromPort"), permission.get("ToPort")
        for peer, description in peers:
            yield _rule(peer, protocol, first, last, description)


def as_described(rule: Rule) -> dict[str, Any]:
    """An ingress rule as DescribeSecurityGroupRules has it."""
    first = -1 if rule.port is None else rule.port
    last = first if rule.to_port is None else rule.to_port
    network = {"CidrIpv4": rule.peer} if "/" in str(rule.peer) else {}
    return {"IsEgress": False, "IpProtocol": rule.protocol, "FromPort": first, "ToPort": last, **network}


def rule_of(rule: Mapping[str, Any]) -> Rule:
    """A rule, of what DescribeSecurityGroupRules tells."""
    peer = (
        rule.get("CidrIpv4")
        or rule.get("CidrIpv6")
        or rule.get("PrefixListId")
        or rule.get("ReferencedGroupInfo", {}).get("GroupId")
        or ""
    )
    return _rule(peer, rule["IpProtocol"], rule.get("FromPort"), rule.get("ToPort"), rule.get("Description", ""))


def _rule(peer: str, protocol: str, first: int | None, last: int | None, description: str) -> Rule:
    # AWS has -1 for all ports, and leaves the ports of all protocols out.
    port = None if protocol == "-1" or first == -1 else first
    to_port = None if protocol == "-1" or last in (-1, first) else last
    return Rule(peer, port, to_port, protocol, description)
