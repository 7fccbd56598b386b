"""Stale: what a killed run left. Each bed has a folder with a lock, which tells whether the bed is still there."""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.e2e.bed.command import run
from tests.e2e.bed.fence import Fence

PREFIX = "bed-"
LOCK = "lock"


@contextmanager
def folder(cache: Path) -> Iterator[Path]:
    """A new folder for a bed, in the cache because a disk grows to more than /tmp may hold."""
    made = cache / f"{PREFIX}{secrets.token_hex(4)}"
    making = made.with_name(f".{made.name}")
    making.mkdir(mode=0o700)
    with (making / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Seen by a sweep from now on, when it is locked already.
        making.rename(made)
        try:
            yield made
        finally:
            _remove(made)


def sweep(cache: Path) -> None:
    """Remove what is left of beds whose process was killed. The kernel gives their locks back."""
    for left in cache.glob(f"{PREFIX}*"):
        try:
            lock = os.open(left / LOCK, os.O_RDONLY)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            # One that is still ending is for the next sweep.
            with suppress(OSError):
                Fence(left.name).remove()
                _remove(left)
        finally:
            os.close(lock)


def _remove(left: Path) -> None:
    for image in left.glob("*.img"):
        for line in run("losetup", "--noheadings", "--output=NAME", "--associated", image).split():
            run("losetup", "--detach", line)
    shutil.rmtree(left)
