"""Unlock: who has the lock of a deployment, and how it is taken away from a run that was killed."""

from __future__ import annotations

from dify_aws.aws import Aws
from dify_aws.operations.lock.errors import LockUnreadable
from dify_aws.operations.lock.lock_owner import LockOwner
from dify_aws.operations.lock.lock_table import LockTable


def lock_owner_of(aws: Aws) -> LockOwner | None:
    """Which run is at work on the deployment; None if none is, or if its lease has run out. Reads only."""
    table = LockTable(aws)
    lock_state = table.look()
    lock_owner = lock_state.lock_owner if lock_state else None
    return lock_owner if lock_owner is not None and lock_owner.expires > table.now() else None


def unlock(aws: Aws, lock_id: str) -> LockOwner | None:
    """Take the lock from the run that has it, dead or alive: one that lives stops before its next step.

    Args:
        lock_id: the id in AlreadyLocked or LockUnreadable: nobody takes another lock than the one that was seen.

    Returns:
        Whose it was; None if there is no lock (any more).

    Raises:
        AlreadyLocked: it is another one that is there.
        LockUnreadable: the one that is there cannot be read, and has another id.
    """
    table = LockTable(aws)
    try:
        lock_state = table.look()
    except LockUnreadable as unreadable:
        if unreadable.lock_id != lock_id or not table.remove_unreadable(lock_id):
            raise
        return None
    lock_owner = lock_state.lock_owner if lock_state else None
    if lock_owner is None:
        return None
    if lock_owner.id != lock_id:
        raise lock_owner.as_error()
    return lock_owner if table.remove(lock_id) else None
