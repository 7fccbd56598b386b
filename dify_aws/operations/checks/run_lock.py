"""RunLock: whether another run is at work on the deployment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dify_aws.operations.checks.scene import Scene
from dify_aws.operations.diagnosis import Finding, ok, warning
from dify_aws.operations.lock import holder_of

PERMISSIONS: Final = frozenset({"dynamodb:GetItem"})


def run_lock(scene: Scene) -> Iterator[Finding]:
    """Who has the lock."""
    holder = holder_of(scene.aws)
    if holder is None:
        yield ok("lock", "no run has it")
    else:
        way_out = f"Wait for its end. If that run is dead: it ends by itself, or unlock({holder.id!r})."
        yield warning("lock", str(holder), way_out)
