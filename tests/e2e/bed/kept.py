"""Kept: the keeper's process, as the bed holds it: started in namespaces of its own, asked, and ended."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tests.e2e.bed.order import Order

PROJECT = Path(__file__).parents[3]
END_SECONDS = 30.0
# New namespaces for mounts, network and processes. The keeper is the first process in there: when it ends, the kernel
# ends all others, takes away the mounts and the networks, and so frees the loop devices. It ends when its standard
# input does, so that it does not outlive us even if we are killed.
ISOLATED = ("unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc")


class BedFailed(Exception):
    """The bed did not do what it was told, which is no fault of what is tested on it."""


class Kept:
    """A keeper that runs. Several threads may ask it; they wait for each other."""

    def __init__(self, order: Order, inherited: Iterable[int]) -> None:
        self._log = Path(order.folder) / "keeper.log"
        self._asking = threading.Lock()
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [*ISOLATED, sys.executable, "-m", "tests.e2e.bed.keeper", order.text],
                cwd=PROJECT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                pass_fds=tuple(inherited),
                # Ctrl-C is for pytest, which then ends us.
                start_new_session=True,
            )

    def ask(self, verb: str, *arguments: Any) -> Any:
        """What one of the keeper's verbs returns.

        Raises:
            BedFailed: it raised, or is no more.
        """
        process = self._process
        assert process.stdin
        assert process.stdout
        with self._asking:
            try:
                process.stdin.write(json.dumps([verb, arguments]) + "\n")
                process.stdin.flush()
                result = process.stdout.readline()
            except BrokenPipeError:
                result = ""
        if not result:
            raise BedFailed(f"the keeper is gone:\n{self._log.read_text()[-3000:]}")
        answer = json.loads(result)
        if "failed" in answer:
            raise BedFailed(f"{verb}: {answer['failed']}")
        return answer["done"]

    def end(self) -> None:
        """End it, and all that it started."""
        process = self._process
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
