"""Hosts for tests of steps: this machine without any SSH, and one that is nothing but data."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import COMMAND_SECONDS, Host, Result
from dify_aws.host.shell import ShellHost


class LocalHost(ShellHost):
    """This machine, with commands as SshHost would send them. ``bin`` goes before everything else that is found."""

    where = "local"

    def __init__(self, bin: Path | None = None, environ: Mapping[str, str] | None = None) -> None:
        self.scripts: list[str] = []
        self.environ = dict(environ or {})
        self.path = f"{bin}:{os.environ['PATH']}" if bin else os.environ["PATH"]

    @property
    def round_trips(self) -> int:
        return len(self.scripts)

    def execute(self, script: str, command: str, *, stdin: bytes, timeout: float, secret: bool) -> Result:
        self.scripts.append(script)
        began = time.monotonic()
        ended = subprocess.run(
            ["/bin/sh", "-c", command.removeprefix("sudo -n -H -- ")],
            input=stdin,
            capture_output=True,
            env={**self.environ, "PATH": self.path},
            check=False,
        )
        return Result(script, ended.returncode, ended.stdout, ended.stderr, time.monotonic() - began, secret)

    def close(self) -> None:
        """There is nothing to let go of."""


class ScriptedHost(Host):
    """A host that answers questions with what it was told, by the name of the fact, and notes what is done to it."""

    where = "told"

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self.answers = answers
        self.does: list[dict[str, Any]] = []

    @property
    def round_trips(self) -> int:
        return 0

    def run(
        self,
        script: str,
        *,
        stdin: bytes | None = None,
        sudo: bool = True,
        timeout: float = COMMAND_SECONDS,
        secret: bool = False,
        again: bool = False,
    ) -> Result:
        self.does.append({"run": script} | ({"stdin": stdin.decode()} if stdin else {}))
        return Result(script, 0)

    def read(self, path: str) -> bytes | None:
        raise AssertionError(f"a step reads {path} by itself; it should ask for it as a fact")

    def write(self, path: str, data: bytes, *, mode: int = 0o644, owner: str = "root:root") -> None:
        self.does.append({"write": path, "data": data.decode(), "mode": f"{mode:04o}", "owner": owner})

    def ask(self, facts: Iterable[Fact[Any]]) -> Facts:
        return Facts(self.where, {fact: self.answers[fact.name] for fact in facts})

    def close(self) -> None:
        """There is nothing to let go of."""


class MemoryHost(ScriptedHost):
    """A host whose whole state is a dict: the script "get KEY" is a question, "set KEY VALUE" an order.

    ``before`` is called with each order; what it raises, the order does not survive. ``after`` likewise, but then it is
    carried out.
    """

    where = "memory"

    def __init__(self, **state: str) -> None:
        super().__init__({})
        self.state = state
        self.requested: list[list[str]] = []
        self.orders: list[str] = []
        self.before: Callable[[str], None] = lambda order: None
        self.after: Callable[[str], None] = lambda order: None
        self._lock = threading.Lock()

    @property
    def round_trips(self) -> int:
        return len(self.requested) + len(self.orders)

    def ask(self, facts: Iterable[Fact[Any]]) -> Facts:
        with self._lock:
            requested = list(dict.fromkeys(facts))
            self.requested.append([fact.script.removeprefix("get ") for fact in requested])
            return Facts(
                self.where,
                {fact: Answer(self.state.get(fact.script.removeprefix("get "), "").encode()) for fact in requested},
            )

    def must(self, script: str, **how: Any) -> Result:
        with self._lock:
            self.orders.append(script)
        self.before(script)
        _, key, value = script.split()
        with self._lock:
            self.state[key] = value
        self.after(script)
        return Result(script, 0)
