"""LockOwner: which run has the lock of a deployment, as it stands in the table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Self

from dify_aws.operations.lock.errors import AlreadyLocked
from dify_aws.operations.lock.process_identity import ProcessIdentity
from dify_aws.printable import printable
from dify_aws.topologies.foundation import LOCK_KEY

OWNER_ATTRIBUTES: Final = ("id", "owner", "reason", "acquired", "expires", "process")
"""The attributes of an item that are gone when the lock is given back."""


LOCK_ID: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,99}")
"""An id that an error can quote and a command line can take; ours are 32 hexadecimal digits."""


@dataclass(frozen=True)
class LockOwner:
    """A run and its lock. All times are AWS's own, in UTC: no clock of any machine counts."""

    deployment: str
    id: str
    owner: str
    reason: str
    acquired: datetime
    expires: datetime
    process: ProcessIdentity | None = None

    @property
    def has_ended(self) -> bool:
        """Whether its process ran on this machine and is dead. False if it may live, here or elsewhere."""
        return self.process is not None and self.process.has_ended()

    def __str__(self) -> str:
        return printable(
            f"{self.owner}: {self.reason} since {self.acquired:%Y-%m-%d %H:%M:%S} UTC, "
            f"until {self.expires:%Y-%m-%d %H:%M:%S} UTC unless it is renewed (lock {self.id})"
        )

    def as_error(self) -> AlreadyLocked:
        """The error for who comes second."""
        return AlreadyLocked(
            self.deployment,
            lock_id=self.id,
            owner=self.owner,
            reason=self.reason,
            since=self.acquired,
            until=self.expires,
        )

    def item(self) -> dict[str, Any]:
        """As DynamoDB takes it."""
        texts = {LOCK_KEY: self.deployment, "id": self.id, "owner": self.owner, "reason": self.reason}
        if self.process is not None:
            texts["process"] = str(self.process)
        times = {"acquired": self.acquired, "expires": self.expires}
        return {name: {"S": text} for name, text in texts.items()} | {
            name: timestamp(moment) for name, moment in times.items()
        }

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> Self:
        """From an item of DynamoDB.

        Raises:
            ValueError: it is no lock that a run of ours has written.
        """
        try:
            return cls._read(item)
        except (LookupError, TypeError, OverflowError, OSError) as error:
            raise ValueError(f"an attribute is missing or of another type ({type(error).__name__})") from error

    @classmethod
    def _read(cls, item: Mapping[str, Any]) -> Self:
        if LOCK_ID.fullmatch(item["id"]["S"]) is None:
            raise ValueError("its id is none")
        return cls(
            deployment=item[LOCK_KEY]["S"],
            id=item["id"]["S"],
            owner=item["owner"]["S"],
            reason=item["reason"]["S"],
            acquired=datetime.fromtimestamp(float(item["acquired"]["N"]), UTC),
            expires=datetime.fromtimestamp(float(item["expires"]["N"]), UTC),
            process=ProcessIdentity.read(item["process"]["S"]) if "process" in item else None,
        )


def timestamp(moment: datetime) -> dict[str, str]:
    """A moment as DynamoDB takes it: in seconds, to the millisecond."""
    return {"N": f"{moment.timestamp():.3f}"}
