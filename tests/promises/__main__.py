"""Break each promise of promises.toml, one after the other, and see its tests notice: ``make promises``."""

from __future__ import annotations

import argparse
import os
import queue
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests.promises.promise import ROOT, Promise, promises, sample
from tests.promises.trial import judge, run, workspace


def main() -> int:
    """The exit status: 1 if a promise was broken and no test said so."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.promises")
    parser.add_argument("--sample", type=int, metavar="N", help="only N of them, chosen by the commit")
    parser.add_argument("--match", metavar="TEXT", help="only those with this in the sentence or the file")
    options = parser.parse_args()
    chosen = [each for each in promises() if (options.match or "") in f"{each.promise} {each.file}"]
    if options.sample:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, check=True, text=True)
        chosen = sample(chosen, options.sample, commit.stdout.strip())
    began, survivors = time.monotonic(), 0
    with ExitStack() as stack:
        folders: queue.Queue[Path] = queue.Queue()
        workers = os.cpu_count() or 1
        for _ in range(workers):
            folders.put(stack.enter_context(workspace()))
        if wrong := red_already(chosen, folders):
            print(f"these fail with every promise kept, so they would tell nothing: {', '.join(sorted(wrong))}")
            return 1
        pool = stack.enter_context(ThreadPoolExecutor(workers))
        for promise, verdict in zip(chosen, pool.map(lambda each: tried(each, folders), chosen), strict=True):
            print(f"{'✗' if verdict else '✓'} {promise.promise}" + (f"\n    {verdict}" if verdict else ""), flush=True)
            survivors += bool(verdict)
    print(f"{len(chosen) - survivors} passed, {survivors} failed")
    print(f"in {time.monotonic() - began:.0f} s")
    return int(bool(survivors))


def tried(promise: Promise, folders: queue.Queue[Path]) -> str:
    """The verdict on one promise, in whichever folder is free."""
    folder = folders.get()
    try:
        return judge(promise, folder)
    finally:
        folders.put(folder)


def red_already(chosen: list[Promise], folders: queue.Queue[Path]) -> set[str]:
    """The tests that fail without any mutation."""
    tests = sorted({test for promise in chosen for test in promise.tests})
    folder = folders.get()
    try:
        status, failed = run(tests, folder, seconds=1800, workers=os.cpu_count() or 1)
    finally:
        folders.put(folder)
    return failed or ({f"pytest ended with status {status}"} if status else set())


if __name__ == "__main__":
    sys.exit(main())
