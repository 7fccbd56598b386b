"""RunLock: whether another run is at work on the deployment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dify_aws.operations.diagnosis.checks.check_context import CheckContext
from dify_aws.operations.diagnosis.diagnosis import Finding, ok, warning, wrong
from dify_aws.operations.lock.errors import LockUnreadable
from dify_aws.operations.lock.unlock import lock_owner_of

PERMISSIONS: Final = frozenset({"dynamodb:GetItem"})


def run_lock(context: CheckContext) -> Iterator[Finding]:
    """Who has the lock."""
    try:
        lock_owner = lock_owner_of(context.aws)
    except LockUnreadable as unreadable:
        remedy = f'If you know that no run is at work: unlock("{unreadable.lock_id}").'
        yield wrong("lock", str(unreadable), remedy)
        return
    if lock_owner is None:
        yield ok("lock", "no run has it")
    else:
        remedy = f"Wait for its end. If that run is dead: it ends by itself, or unlock({lock_owner.id!r})."
        yield warning("lock", str(lock_owner), remedy)
