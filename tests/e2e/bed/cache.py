"""Cache: what takes a download or a minute to make, made once a machine and kept outside the project."""

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

UNUSED_DAYS = 7


@dataclass(frozen=True)
class Cache:
    """A folder of parts. A part is named after what it is made from, so a changed recipe makes it anew."""

    folder: Path

    @classmethod
    def of_this_machine(cls) -> "Cache":
        """$DIFY_AWS_E2E_CACHE, else dify-aws-e2e in the caches of this user."""
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = Path(os.environ.get("DIFY_AWS_E2E_CACHE") or caches / "dify-aws-e2e")
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder.resolve())

    def part(self, name: str, recipe: Any, make: Callable[[Path], None]) -> Path:
        """The folder of a part.

        Args:
            name: what it is.
            recipe: all that it is made from, as JSON can hold it, be it the source of what makes it.
            make: fills the empty folder that it is given; called once, by one process, and again if it was cut short.
        """
        digest = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:12]
        part = self.folder / f"{name}-{digest}"
        with self._alone(name):
            if not part.exists():
                making = self.folder / f".making-{name}"
                shutil.rmtree(making, ignore_errors=True)
                making.mkdir()
                make(making)
                making.rename(part)
            os.utime(part)
            self._forget_others(name, part)
        return part

    @contextmanager
    def _alone(self, name: str) -> Iterator[None]:
        with (self.folder / f".lock-{name}").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _forget_others(self, name: str, used: Path) -> None:
        # Not at once: another clone may still be at the version before.
        for other in self.folder.glob(f"{name}-*"):
            if other != used and time.time() - other.stat().st_mtime > UNUSED_DAYS * 86400:
                shutil.rmtree(other, ignore_errors=True)
