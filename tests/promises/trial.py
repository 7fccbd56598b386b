"""Trial: one promise is broken in a copy of the project, and its tests are run there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from tests.promises.promise import ROOT, Promise

SECONDS: Final = 300
TESTS_FAILED: Final = 1
"""The exit status of pytest after which its report can be believed: all was collected, and something failed."""


@contextmanager
def workspace() -> Iterator[Path]:
    """A copy of all that git tracks, in which promises may be broken."""
    with tempfile.TemporaryDirectory(prefix="promises-") as made:
        folder = Path(made)
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        # Where the package is looked for first, before the installed one: so that this copy is what is tested.
        (folder / "dify_aws/templates").symlink_to("../templates")
        yield folder


def judge(promise: Promise, folder: Path) -> str:
    """Break a promise in ``folder``, run its tests, and mend it again.

    Returns:
        What is wrong: a test did not notice, or nothing could be told. "" if each of the tests failed.
    """
    file = folder / promise.file
    text = file.read_text(encoding="utf-8")
    try:
        file.write_text(promise.mutated(text), encoding="utf-8")
    except ValueError as error:
        return str(error)
    try:
        status, failed = run(promise.tests, folder)
    finally:
        file.write_text(text, encoding="utf-8")
    if status == 0:
        return f"survived: all of {', '.join(promise.tests)} passed"
    if status != TESTS_FAILED:
        return f"pytest ended with status {status}: the mutation breaks more than the promise"
    if blind := [test for test in promise.tests if not any(matches(test, node) for node in failed)]:
        return f"not noticed by {', '.join(blind)}"
    return ""


def run(tests: Iterable[str], folder: Path, *, seconds: float = SECONDS, workers: int = 0) -> tuple[int, set[str]]:
    """Run tests in ``folder``; pytest's exit status, and the ids of those that failed."""
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-m", "", "-p", "no:randomly", "-p", "no:cacheprovider"]
    command += ["-n", str(workers)]
    try:
        done = subprocess.run(
            [*command, "-o", "junit_family=xunit1", f"--junitxml={report}", *tests],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        # A test that hangs where it passed before has noticed, too.
        return TESTS_FAILED, set(tests)
    if not report.exists():
        return done.returncode, set()
    cases = ElementTree.parse(report).iter("testcase")
    broken = [each for each in cases if each.find("failure") is not None or each.find("error") is not None]
    return done.returncode, {f"{each.get('file')}::{each.get('name')}" for each in broken}


def matches(test: str, node: str) -> bool:
    """Whether a failed test is (one of) what an entry names: a file, a test, or one of its parameters."""
    return node == test or node.startswith((f"{test}::", f"{test}[", f"{test}/"))
