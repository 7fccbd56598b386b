"""LeaseTag: what a rule of a security group says of who leased it, and until when."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Self

from dify_aws.aws.birth import tag_map

PREFIX: Final = "dify-aws:lease/"
OWNER_LENGTH: Final = 200
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
        """The leases among the tags of a rule. A tag that nobody can read is none."""
        return tuple(cls._readable(tag_map(tags)))

    @classmethod
    def _readable(cls, tags: dict[str, str]) -> Iterable[Self]:
        for key, value in tags.items():
            expires, _, owner = value.partition(" ")
            # A date without its zone, or none at all, was not written by us.
            with suppress(ValueError):
                if key.startswith(PREFIX) and (moment := datetime.fromisoformat(expires)).tzinfo:
                    yield cls(key.removeprefix(PREFIX), moment, owner)


def in_a_tag(owner: str) -> str:
    """An owner as the tag has it."""
    return NOT_IN_TAGS.sub("-", owner)[:OWNER_LENGTH].strip()


def leased(tags: object, at: datetime) -> bool:
    """Whether a rule with these tags is on lease at that moment."""
    return any(lease.expires > at for lease in LeaseTag.read(tags))
