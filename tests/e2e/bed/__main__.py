"""``python -m tests.e2e.bed``: raise a bed to look around in, until the input ends; with ``--fill``, only the cache."""

import sys
import time
from pathlib import Path

from tests.e2e.bed.agent import Agent
from tests.e2e.bed.archive import Archive
from tests.e2e.bed.base import Base
from tests.e2e.bed.bed import Bed
from tests.e2e.bed.cache import Cache
from tests.e2e.bed.keys import Keys
from tests.e2e.bed.needs import missing
from tests.e2e.bed.root import Root
from tests.e2e.bed.store import Store

BEGAN = time.monotonic()


def _say(text: str) -> None:
    sys.stdout.write(f"{time.monotonic() - BEGAN:6.1f} s  {text}\n")
    sys.stdout.flush()


def _show(folder: Path) -> None:
    _say(str(folder))


def main() -> None:
    """Fill the cache, saying how long each part takes; then raise a bed."""
    if lacking := missing():
        sys.exit(f"the bed needs {', '.join(lacking)}")
    cache = Cache.of_this_machine()
    keys, base = Keys.kept(cache), Base.kept(cache)
    _show(base.folder)
    _show(Root.kept(cache, keys, base).folder)
    _show(Archive.kept(cache, keys, base).folder)
    _show(Agent.kept(cache, keys).folder)
    _show(Store.kept(cache).folder)
    if "--fill" in sys.argv:
        return
    with Bed() as bed:
        key = bed.folder / "key"
        key.touch(0o600)
        key.write_text(bed.key)
        _say(f"ssh -i {key} -p {bed.port} {bed.user}@{bed.host}")
        sys.stdin.read()


if __name__ == "__main__":
    main()
