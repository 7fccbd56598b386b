"""Benchmark: what an installation takes over a line with 50 ms round trip, by dify_aws and by Ansible.

It runs on the bed of the end-to-end tests, so it needs what that needs: root, on Linux. Each installs on a fresh
machine, and then again on the same one, where nothing is left to do. Of the first, the time that the machine was at
packages, images and containers is taken out: that is the same whoever waits for it.

Waiting is told in round trips: how many times 50 ms a run is longer than without the delay.
Nothing here passes or fails on time; a run that does not do its work ends the benchmark.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.host_work import KINDS, HostWork, watch
from benchmarks.playbook import Playbook, PlaybookFailed
from dify_aws import Settings, offline
from dify_aws.offline.world import World
from tests.e2e.bed.bed import Bed
from tests.e2e.bed.needs import missing
from tests.e2e.connectivity import BedDeployment

FAR: Final = 0.05
"""Seconds there and back."""

SETTINGS: Final = Settings(environment="bench", admin_email="admin@example.com", storage="local")


class WrongResult(Exception):
    """A run did something else than what it is measured for."""


@dataclass(frozen=True)
class First:
    """A first installation: all its seconds, those of the machine by kind, those that remain, and commands sent."""

    seconds: float
    apt: float
    pull: float
    containers: float
    overhead: float
    commands: int | None = None

    @classmethod
    def of(cls, work: HostWork, commands: int | None = None) -> First:
        apt, pull, containers = map(work.busy, KINDS)
        return cls(work.seconds, apt, pull, containers, work.overhead, commands)


@dataclass(frozen=True)
class Again:
    """Installations that find nothing to do: seconds of each, far and near, and commands sent by one."""

    far: tuple[float, ...]
    near: tuple[float, ...]
    commands: int | None = None

    @property
    def round_trips(self) -> float:
        """That are waited for, one after another."""
        return (median(self.far) - median(self.near)) / FAR


@dataclass(frozen=True)
class Measured:
    """Both, of one installer. ``start``: seconds of a run that has nothing to do but to start, if that is known."""

    first: First
    again: Again
    start: float = 0.0


def ours(world: World, again: int) -> Measured:
    """dify_aws, as ``Deployment.install`` is called in a process that is there."""
    with Bed() as bed:
        dify = BedDeployment(world, bed, SETTINGS)
        watch(bed)
        with bed.far(FAR), HostWork(bed) as work:
            first = dify.install()
        near = [_nothing_to_do(dify) for _ in range(again)]
        with bed.far(FAR):
            far = [_nothing_to_do(dify) for _ in range(again)]
    return Measured(
        First.of(work, first.round_trips),
        Again(tuple(seconds for seconds, _ in far), tuple(seconds for seconds, _ in near), far[0][1]),
    )


def _nothing_to_do(dify: BedDeployment) -> tuple[float, int]:
    began = time.perf_counter()
    report = dify.install()
    seconds = time.perf_counter() - began
    if report:
        raise WrongResult(f"there was something left to do:\n{report}")
    return seconds, report.round_trips


def ansibles(world: World, program: Path, again: int) -> Measured:
    """Ansible, as the command that a person gives. In the end dify_aws looks whether the result is the same."""
    with Bed() as bed:
        dify = BedDeployment(world, bed, SETTINGS.replace(environment="playbook"))
        watch(bed)
        with Playbook(program, bed, dify) as playbook:
            start = median(playbook.run(nothing=True)[0] for _ in range(again))
            with bed.far(FAR), HostWork(bed) as work:
                playbook.run()
            if left := dify.install(dry_run=True):
                raise WrongResult(f"the playbook has not made what dify_aws makes:\n{left}")
            near = [_no_change(playbook) for _ in range(again)]
            with bed.far(FAR):
                far = [_no_change(playbook) for _ in range(again)]
    return Measured(First.of(work), Again(tuple(far), tuple(near)), start)


def _no_change(playbook: Playbook) -> float:
    playbook.hang_up()
    seconds, changed = playbook.run()
    if changed:
        raise WrongResult(f"{changed} tasks of the playbook changed something the second time")
    return seconds


def table(measured: Mapping[str, Measured]) -> str:
    """A table with a column for each installer, and how many times as long the last takes as the first."""
    names = list(measured)
    rows: list[tuple[str, list[float]]] = [
        ("first install, s", [it.first.seconds for it in measured.values()]),
        ("  machine at packages, s", [it.first.apt for it in measured.values()]),
        ("  machine at images, s", [it.first.pull for it in measured.values()]),
        ("  machine at containers, s", [it.first.containers for it in measured.values()]),
        ("  the installer's own, s", [it.first.overhead for it in measured.values()]),
        ("second install, s", [median(it.again.far) for it in measured.values()]),
        ("  without the delay, s", [median(it.again.near) for it in measured.values()]),
        ("  round trips waited for", [it.again.round_trips for it in measured.values()]),
        ("  start of the program, s", [it.start for it in measured.values()]),
    ]
    lines = [f"{'':28}" + "".join(f"{name:>12}" for name in [*names, *(["ratio"] if len(names) > 1 else [])])]
    for label, values in rows:
        ratio = f"{values[-1] / values[0]:11.1f}x" if len(values) > 1 and values[0] else ""
        lines.append(f"{label:28}" + "".join(f"{value:12.1f}" for value in values) + ratio)
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write down what was measured if that is wanted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ansible", metavar="PROGRAM", type=Path, help="ansible-playbook; without it, only dify_aws")
    parser.add_argument("--again", type=int, default=3, help="second installations; the median counts (default: 3)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all figures to FILE")
    options = parser.parse_args()
    if lacking := missing():
        print(f"Installations are not measured: the machine to install on needs {', '.join(lacking)}.")
        return
    machine = f"Python {platform.python_version()}, paramiko {version('paramiko')}, {os.cpu_count()} processors"
    measured = {}
    try:
        with offline() as world:
            measured["dify_aws"] = ours(world, options.again)
            if options.ansible:
                machine += f", {_version(options.ansible)}"
                measured["Ansible"] = ansibles(world, options.ansible, options.again)
    except (WrongResult, PlaybookFailed) as failed:
        sys.exit(str(failed))
    print(f"{machine}; {FAR * 1000:.0f} ms round trip. Second install: median of {options.again}.\n")
    print(table(measured))
    print(f"\nOther work on this machine adds to the seconds: its load is {os.getloadavg()[0]:.1f}.")
    if options.json:
        told = {name: asdict(it) | {"round_trips": it.again.round_trips} for name, it in measured.items()}
        options.json.write_text(json.dumps({"machine": machine, "measured": told}, indent=2) + "\n")


def _version(program: Path) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return done.stdout.partition("\n")[0]


if __name__ == "__main__":
    main()
