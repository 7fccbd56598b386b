"""Benchmark: how long somebody at a command line waits: for the help, and for the first line of a command.

Each run is a process of its own. The first line of a command names what it works on; it comes before AWS is asked.
Nothing here passes or fails on time.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Final

ROOT: Final = Path(__file__).parents[1]
COMMANDS: Final = {
    "dify-aws --help": ["--help"],
    "dify-aws --version": ["--version"],
    "dify-aws status, first line": ["status", "--environment", "dev", "--offline"],
    "dify-aws plan, first line": ["plan", "--environment", "dev", "--offline"],
}
REACH: Final = {"dify-aws --help": 0.35, "dify-aws status, first line": 1.0, "dify-aws plan, first line": 1.0}
"""Seconds that each is to reach on a machine that does nothing else."""


def measured(words: list[str]) -> tuple[float, float]:
    """Seconds until the first line, on stdout or stderr, and seconds of processor time of the whole process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    command = [sys.executable, "-m", "dify_aws", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment) as process:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise RuntimeError(f"{' '.join(words)} said nothing and ended with {process.wait()}")
        seconds = time.perf_counter() - began
        process.stdout.read()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each command; the median counts (default: 5)")
    options = parser.parse_args()
    print("| command | seconds | processor seconds | to reach |\n| --- | ---: | ---: | ---: |")
    for name, words in COMMANDS.items():
        runs = [measured(words) for _ in range(options.runs)]
        seconds, processor = (median(values) for values in zip(*runs, strict=True))
        print(f"| {name} | {seconds:.2f} | {processor:.2f} | {REACH.get(name, '')} |")


if __name__ == "__main__":
    main()
