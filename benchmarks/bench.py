"""Benchmark: what apply, plan and destroy cost as whole processes: calls to AWS, seconds, processor time, memory.

Each step is a Python process of its own (step.py) against a fresh offline server on the loopback address, with nothing
and with 50 ms added to each answer. In that server every state is reached at once, so waiting for AWS is not in it; the
server's own work on the same machine is (in the wall seconds, not in the processor's).
Nothing here passes or fails on time; a step that does not do its work ends the benchmark.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from http.client import HTTPConnection
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Final
from urllib.parse import urlsplit

from dify_aws.offline.server import Served, serve

STEP: Final = Path(__file__).with_name("step.py")
ADDED_MS: Final = (0, 50)
IMPORT_RUNS: Final = 5
IMPORTS: Final = {"python -c pass": "pass", "import boto3": "import boto3", "import dify_aws": "import dify_aws"}
FORGET: Final = "DELETE"

STEPS: Final = {"apply": "apply", "plan after it": "plan", "second apply": "apply", "destroy": "destroy"}
"""The steps in their order, and what step.py calls them."""

REACH: Final = {
    "apply": "140 calls, 6 s",
    "plan after it": "44 calls, 1.2 s, 150 MB",
    "destroy": "110 calls, 6 s",
    "import dify_aws": "0.4 s",
}
"""What each is to reach. The seconds of a plan are a fifth of Terraform's."""

TERRAFORM: Final = {
    ("apply", 0): "250 calls, 60 s",
    ("plan after it", 0): "116 calls, 6.2 s, 676 MB",
    ("plan after it", 50): "116 calls, 7.4 s",
    ("destroy", 0): "204 calls, 27 s",
}
"""Terraform 1.11 with AWS provider 5.100, for the same environment (46 resources) against a moto server."""


class StepFailed(Exception):
    """A measured process did not do its work; what it said is the message."""


@dataclass(frozen=True)
class Cost:
    """What one process took: seconds on the wall, seconds of processor (user and system), and MiB at its largest.

    Linux counts in the memory of the process that started it, so ``mib`` is never less than what this one holds.
    """

    wall: float
    cpu: float
    mib: float


@dataclass(frozen=True)
class Run:
    """One run of one step: its cost, and the calls that the server saw of it, by operation."""

    cost: Cost
    calls: Mapping[str, int]


def measured(arguments: Sequence[str], environment: Mapping[str, str]) -> Cost:
    """Run Python with ``arguments`` to its end. Raises StepFailed if it does not end well."""
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, *arguments], env=environment, stdout=said, stderr=said)
        # Not RUSAGE_CHILDREN: its maximum is that of the largest child so far, the server included.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise StepFailed(f"{' '.join(arguments)} ended with {process.returncode}:\n{said.read().decode()}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 2**20)


def stranger(url: str = "") -> dict[str, str]:
    """The environment of a process that knows nothing of this person's AWS, only the server at ``url``."""
    # Without its bytecode, Python compiles the library anew in each process, which nobody who installed it sees.
    personal = ("AWS_", "DIFY_AWS_", "MOTO_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(personal)}
    return kept | {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": url,
        "NO_PROXY": "127.0.0.1",
    }


def calls(server: Served, method: str = "GET") -> dict[str, int]:
    """How often each operation was called since the last FORGET."""
    connection = HTTPConnection(urlsplit(server.url).netloc)
    connection.request(method, "/dify-aws/calls")
    answer = connection.getresponse().read()
    connection.close()
    return dict(Counter(json.loads(answer or "[]")))


def repetition(added_ms: int) -> dict[str, Run]:
    """Every step once, on a server that has nothing."""
    runs: dict[str, Run] = {}
    with serve(latency_ms=added_ms) as server:
        environment = stranger(server.url)
        # Nothing is there to destroy: it reads, and moto loads its services, which is not what is measured.
        measured([str(STEP), "destroy"], environment)
        for step, verb in STEPS.items():
            calls(server, FORGET)
            cost = measured([str(STEP), verb], environment)
            runs[step] = Run(cost, calls(server))
    return runs


def imports() -> dict[str, list[Cost]]:
    """What starting Python with one import costs. In turns, so that a busy moment of the machine meets them all."""
    costs: dict[str, list[Cost]] = {name: [] for name in IMPORTS}
    for _ in range(IMPORT_RUNS):
        for name, code in IMPORTS.items():
            costs[name].append(measured(["-c", code], stranger()))
    return costs


def table(rows: Sequence[Sequence[str]], words: Set[int]) -> str:
    """Columns as wide as their widest cell; those in ``words`` begin at the left, figures end at the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = (
        "  ".join(
            cell.ljust(widths[column]) if column in words else cell.rjust(widths[column])
            for column, cell in enumerate(row)
        )
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def seconds(costs: Sequence[Cost]) -> list[str]:
    """The medians of wall and processor, as cells."""
    return [f"{median(cost.wall for cost in costs):.2f}", f"{median(cost.cpu for cost in costs):.2f}"]


def report(steps: Mapping[tuple[str, int], Sequence[Run]], imported: Mapping[str, Sequence[Cost]]) -> str:
    """The table of medians, beside what is to be reached and what Terraform takes."""
    rows = [["", "added ms", "calls", "wall s", "CPU s", "MiB", "to reach", "Terraform, for scale"]]
    for (step, added), runs in steps.items():
        count = f"{median(sum(run.calls.values()) for run in runs):.0f}"
        memory = f"{median(run.cost.mib for run in runs):.0f}"
        connectivity, scale = REACH.get(step, ""), TERRAFORM.get((step, added), "")
        rows.append([step, str(added), count, *seconds([run.cost for run in runs]), memory, connectivity, scale])
    rows += [[name, "", "", *seconds(costs), "", REACH.get(name, ""), ""] for name, costs in imported.items()]
    return table(rows, words={0, 6, 7})


def by_operation(steps: Mapping[tuple[str, int], Sequence[Run]]) -> str:
    """How often each step called each operation in its first run, the most called first."""
    first = {step: runs[0].calls for (step, added), runs in steps.items() if added == ADDED_MS[0]}
    names = sorted({name for told in first.values() for name in told})
    names.sort(key=lambda name: -sum(told.get(name, 0) for told in first.values()))
    rows = [[name, *(str(told.get(name, "")) for told in first.values())] for name in names]
    return table([["", *first], *rows], words={0})


def main() -> None:
    """Measure, print, and write down what was measured if that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="repetitions; the median is shown (default: 3)")
    parser.add_argument("--calls", action="store_true", help="show the calls of each step by operation")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write every run to FILE")
    options = parser.parse_args()
    if options.runs < 1:
        parser.error("--runs counts from 1")
    machine = f"Python {platform.python_version()}, moto {version('moto')}, {os.cpu_count()} processors"
    print(f"Median of {options.runs} runs (imports: {IMPORT_RUNS}). {machine}.\n", flush=True)
    try:
        repeated = [{added: repetition(added) for added in ADDED_MS} for _ in range(options.runs)]
        imported = imports()
    except StepFailed as failed:
        sys.exit(str(failed))
    steps = {(step, added): [each[added][step] for each in repeated] for step in STEPS for added in ADDED_MS}
    print(report(steps, imported))
    print(f"\nOther work on this machine adds to the seconds: its load is {os.getloadavg()[0]:.1f}.")
    if options.calls:
        print(f"\nCalls by operation:\n{by_operation(steps)}")
    if options.json:
        told = {
            "machine": machine,
            "steps": [
                {"step": step, "added_ms": added, "runs": [asdict(run) for run in runs]}
                for (step, added), runs in steps.items()
            ],
            "imports": {
                name: [{"wall": cost.wall, "cpu": cost.cpu} for cost in costs] for name, costs in imported.items()
            },
        }
        options.json.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
