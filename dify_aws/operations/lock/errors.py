"""Errors of the lock: another run has it, nobody can read it, or this run has lost it."""

from __future__ import annotations

from datetime import datetime

from dify_aws.errors import DifyAwsError


class AlreadyLocked(DifyAwsError):
    """Another run is at work on the deployment. Nothing was changed.

    ``lock_id`` is the argument of ``unlock``; ``owner``, ``reason``, ``since`` and ``until`` (UTC) describe that run.
    """

    def __init__(
        self, deployment: str, *, lock_id: str, owner: str, reason: str, since: datetime, until: datetime
    ) -> None:
        self.lock_id = lock_id
        self.owner = owner
        self.reason = reason
        self.since = since
        self.until = until
        super().__init__(
            f"{deployment} is locked: {owner} has been at {reason} since {since:%Y-%m-%d %H:%M:%S} UTC. "
            f"Wait for the end of that run. If it is dead, the lock is free at {until:%Y-%m-%d %H:%M:%S} UTC; a run "
            f'that lives goes on to renew it. If you know better: unlock("{lock_id}").'
        )


class LockUnreadable(DifyAwsError):
    """The lock item was edited, and nobody can tell whose it is. Nothing was changed. ``unlock`` takes ``lock_id``."""

    def __init__(self, deployment: str, table: str, *, lock_id: str, wrong: str) -> None:
        self.lock_id = lock_id
        super().__init__(
            f"the lock of {deployment} in the table {table} cannot be read: {wrong}. Somebody has edited it, so nobody "
            f'can tell whether a run is at work. If you know that none is, take it away: unlock("{lock_id}").'
        )


class LockLost(DifyAwsError):
    """The lock was taken from this run, by ``unlock`` or because it could not be renewed in time."""

    def __init__(self, deployment: str, why: str) -> None:
        super().__init__(
            f"this run has lost its lock on {deployment}: {why}. Another run may be at work there, so this one stops. "
            "Nothing is lost: run again to go on from here."
        )
