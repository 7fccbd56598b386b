"""LeaseTag: what a rule of a security group says of who leased it, and until when.

A tag proves nothing: whoever may tag can write one, on any rule and with any end. So it counts only on a rule that a
lease could have made (TCP, port 22, from one address), and only if its end is no later than that of the longest lease.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any, Final, Self

from dify_aws.aws.create_request import tag_map

PREFIX: Final = "dify-aws:lease/"
OWNER_LENGTH: Final = 200
SSH: Final = 22
LEASED_GROUP: Final = "security-group/host"
"""The address of the one security group whose rules are leased."""

MOST_MINUTES: Final = 12 * 60
"""Longer than anybody works without a pause. Who works longer renews."""

LONGEST: Final = timedelta(minutes=MOST_MINUTES)
WRITTEN: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
NOT_IN_TAGS: Final = re.compile(r"[^\w +=.:/@-]")
"""What EC2 does not take in a tag. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html"""


@dataclass(frozen=True)
class LeaseTag:
    """One lease on a rule. Several runs at one address share the rule, each with a tag of its own.

    Args:
        id: of the lease, in the key of the tag.
        expires: until when, in UTC; to the second, as EventBridge Scheduler counts.
        owner: who leased it, for people to read.
    """

    id: str
    expires: datetime
    owner: str

    @property
    def key(self) -> str:
        return PREFIX + self.id

    @property
    def value(self) -> str:
        return f"{self.expires.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ} {in_a_tag(self.owner)}".strip()

    @classmethod
    def read(cls, tags: object) -> tuple[Self, ...]:
        """The leases among the tags of a rule, whatever their end. A tag that nobody can read is none."""
        return tuple(cls._readable(tag_map(tags)))

    @classmethod
    def _readable(cls, tags: dict[str, str]) -> Iterable[Self]:
        for key, value in tags.items():
            expires, _, owner = value.partition(" ")
            # What has another form was not written by us; and there is no 31st of February.
            with suppress(ValueError):
                if key.startswith(PREFIX) and WRITTEN.fullmatch(expires):
                    yield cls(key.removeprefix(PREFIX), datetime.fromisoformat(expires), owner)


def in_a_tag(owner: str) -> str:
    """An owner as the tag has it."""
    return NOT_IN_TAGS.sub("-", owner)[:OWNER_LENGTH].strip()


def leasable(rule: Mapping[str, Any]) -> bool:
    """Whether a lease could have made a rule: it lets in one address, by TCP, on port 22 and no other.

    Args:
        rule: as DescribeSecurityGroupRules has it.
    """
    if rule.get("IsEgress") or (rule.get("IpProtocol"), rule.get("FromPort"), rule.get("ToPort")) != ("tcp", SSH, SSH):
        return False
    network = rule.get("CidrIpv4") or rule.get("CidrIpv6")
    # A group or a prefix list is as many addresses as its owner wants.
    return network is not None and ip_network(network, strict=False).num_addresses == 1


def leases_on(rule: Mapping[str, Any], at: datetime) -> tuple[LeaseTag, ...]:
    """The leases that a rule is on at a moment: none if no lease could have made it, and none that ends too late.

    Args:
        rule: as DescribeSecurityGroupRules has it, with its tags.
        at: the moment, by AWS's clock.
    """
    if not leasable(rule):
        return ()
    return tuple(lease for lease in LeaseTag.read(rule.get("Tags")) if at < lease.expires <= at + LONGEST)


def marked(tags: object) -> bool:
    """Whether a tag of a lease is among these, readable or not."""
    return any(key.startswith(PREFIX) for key in tag_map(tags))
