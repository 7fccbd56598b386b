"""The end of a bed: nothing of it stays on this machine, however the process that raised it ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.bed import stale
from tests.e2e.bed.cache import Cache
from tests.e2e.bed.command import run
from tests.e2e.bed.kept import PROJECT
from tests.e2e.bed.needs import DEVICES

# Whoever runs the tests in the background of a shell ignores Ctrl-C, and so would this.
RAISE = """
import signal
from tests.e2e.bed.bed import Bed
signal.signal(signal.SIGINT, signal.default_int_handler)
with Bed() as bed:
    print(bed.folder, flush=True)
    {meanwhile}
"""
IDLE, BUSY = "input()", "bed.inside(f'sleep 600; : {bed.folder.name}')"


@contextmanager
def _raised(meanwhile: str = IDLE) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process of its own with a bed, which goes on to do this, and the folder of that bed."""
    process = subprocess.Popen(
        [sys.executable, "-c", RAISE.format(meanwhile=meanwhile)],
        cwd=PROJECT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        assert process.stdout
        try:
            yield process, Path(process.stdout.readline().strip())
        finally:
            process.kill()


def _processes(folder: Path) -> list[str]:
    """Command lines on this machine that name the bed."""
    lines = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(process.read_text().replace("\0", " "))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return [line for line in lines if folder.name in line]


def _left(folder: Path) -> dict[str, object]:
    """What there is of a bed on this machine, of each kind; nothing where there is none."""
    found = {
        "folder": folder.exists(),
        "processes": _processes(folder),
        "loop devices": folder.name in run("losetup", "--list", "--output=BACK-FILE"),
        "groups": [str(path) for path in DEVICES.parent.glob(f"*/{folder.name}")],
        "mounts": folder.name in Path("/proc/mounts").read_text(),
        "links": [name for name in ("subnet", "port1") if Path(f"/sys/class/net/{name}").exists()],
    }
    return {kind: some for kind, some in found.items() if some}


def _soon_no_more_than(kinds: set[str], folder: Path) -> None:
    until = time.monotonic() + 15
    while not (left := _left(folder)).keys() <= kinds:
        assert time.monotonic() < until, left
        time.sleep(0.1)


@pytest.mark.usefixtures("able")
@pytest.mark.parametrize("number", [signal.SIGINT, None], ids=["Ctrl-C", "end"])
def test_nothing_is_left_after_an_end(number: signal.Signals | None) -> None:
    """While it is up there are a folder, processes, loop devices and groups, and no mounts or links out here."""
    with _raised() as (process, folder):
        assert _left(folder).keys() == {"folder", "processes", "loop devices", "groups"}
        if number:
            os.kill(process.pid, number)
        elif process.stdin:
            process.stdin.close()
        process.wait(60)
        assert _left(folder) == {}


@pytest.mark.usefixtures("able")
@pytest.mark.parametrize("meanwhile", [IDLE, BUSY], ids=["idle", "busy"])
def test_the_next_bed_sweeps_what_a_killed_one_left(meanwhile: str) -> None:
    """The kernel ends the processes and frees the devices; the folder and the groups are for the next run."""
    with _raised(meanwhile) as (process, folder):
        while meanwhile == BUSY and not any("sleep 600" in line for line in _processes(folder)):
            time.sleep(0.1)
        stale.sweep(Cache.of_this_machine().folder)
        assert folder.exists()
        process.kill()
        process.wait()
        _soon_no_more_than({"folder", "groups"}, folder)
        stale.sweep(Cache.of_this_machine().folder)
        # Another bed that is raised at this moment may be about it already.
        _soon_no_more_than(set(), folder)
