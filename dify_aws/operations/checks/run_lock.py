"""RunLock: whether another run is at work on the deployment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dify_aws.errors import LockUnreadable
from dify_aws.operations.checks.scene import Scene
from dify_aws.operations.diagnosis import Finding, ok, warning, wrong
from dify_aws.operations.lock import holder_of

PERMISSIONS: Final = frozenset({"dynamodb:GetItem"})


def run_lock(scene: Scene) -> Iterator[Finding]:
    """Who has the lock."""
    try:
        holder = holder_of(scene.aws)
    except LockUnreadable as unreadable:
        way_out = f'If you know that no run is at work: unlock("{unreadable.lock_id}").'
        yield wrong("lock", str(unreadable), way_out)
        return
    if holder is None:
        yield ok("lock", "no run has it")
    else:
        way_out = f"Wait for its end. If that run is dead: it ends by itself, or unlock({holder.id!r})."
        yield warning("lock", str(holder), way_out)
