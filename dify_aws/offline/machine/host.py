"""ModelHost: the Host protocol over a model machine: steps change data instead of a real host."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from dify_aws.host import masked_log
from dify_aws.host.errors import CommandFailed, HostClosed
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import COMMAND_SECONDS, Host, Result
from dify_aws.offline.machine import (
    agent,
    certificates,
    disks,
    docker,
    files,
    host_usage,
    kernel,
    packages,
    system,
    units,
)
from dify_aws.offline.machine.ended import Ended, NotModelled, failed
from dify_aws.offline.machine.machine import Machine

Command: TypeAlias = Callable[[Machine, Sequence[str], bytes], Ended]

ANSWERS: Final[Mapping[type[Fact[Any]], Callable[[Machine, Any], Answer]]] = {
    **agent.ANSWERS,
    **certificates.ANSWERS,
    **disks.ANSWERS,
    **docker.ANSWERS,
    **files.ANSWERS,
    **kernel.ANSWERS,
    **packages.ANSWERS,
    **system.ANSWERS,
    **units.ANSWERS,
    **host_usage.ANSWERS,
}
"""The output of the script of each fact, by the class of the fact."""

COMMANDS: Final[Mapping[str, Command]] = {
    **certificates.COMMANDS,
    **docker.COMMANDS,
    **files.COMMANDS,
    **kernel.COMMANDS,
    **packages.COMMANDS,
    **system.COMMANDS,
    **units.COMMANDS,
}
"""Plain commands by name; each gets its whole argv."""

SCRIPTS: Final[Mapping[str, Command]] = {
    **agent.SCRIPTS,
    **disks.SCRIPTS,
    **docker.SCRIPTS,
    **files.SCRIPTS,
    **kernel.SCRIPTS,
    **packages.SCRIPTS,
}
"""Scripts of :func:`dify_aws.host.script.script`, by their body; each is given its arguments, without a name."""

SHELL: Final = frozenset({"|", "||", "&", "&&", ";", ";;", "<", ">", ">>", "<<", "(", ")", "{", "}", "!", "[", "[["})
"""Tokens that need a shell. The model has none."""


class ModelHost(Host):
    """A host that is a model. A command, an option or a question that it does not know raises NotModelled.

    Args:
        machine: what it acts on; two hosts on one machine are two connections.
        before: is called with each script right before it is carried out, and with "write PATH" before a file is
            written; what it raises ends the command with nothing done.
        after: the same, right after it; what it raises, the caller is told in place of the result.
    """

    def __init__(
        self,
        machine: Machine,
        *,
        where: str = "ubuntu@model",
        before: Callable[[str], None] = lambda script: None,
        after: Callable[[str], None] = lambda script: None,
    ) -> None:
        self.machine = machine
        self._where = where
        self._before = before
        self._after = after
        self._acting = threading.RLock()
        self._round_trips = 0
        self._closed = False

    @property
    def where(self) -> str:
        """The host in every message: user@address."""
        return self._where

    @property
    def round_trips(self) -> int:
        """The number of commands and of queries for facts."""
        return self._round_trips

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
        """See :meth:`dify_aws.host.host.Host.run`."""
        with self._acting:
            self._check_fault()
            self._before(script)
            began = self.machine.clock.now()
            masked_log.command(self.where, script, len(stdin or b""))
            ended = self._execute(script, stdin or b"")
            self._after(script)
            result = Result(script, ended.status, ended.out, ended.err, self.machine.clock.now() - began, secret)
            masked_log.result(self.where, result)
            return result

    def read(self, path: str) -> bytes | None:
        """See :meth:`dify_aws.host.host.Host.read`."""
        with self._acting:
            self._check_fault()
            entry = self.machine.files.get(path)
            return entry.data if entry else None

    def write(self, path: str, data: bytes, *, mode: int = 0o644, owner: str = "root:root") -> None:
        """See :meth:`dify_aws.host.host.Host.write`."""
        with self._acting:
            self._check_fault()
            self._before(f"write {path}")
            entry = files.Entry("file", data, mode, files.numbers(owner), self.machine.clock.now())
            try:
                self.machine.files.put(path, entry)
            except FileNotFoundError as error:
                ended = failed(f"mktemp: failed to create file in '{error}': No such file or directory")
                raise CommandFailed(self.where, Result(f"write {path}", 1, err=ended.err)) from None
            self._after(f"write {path}")

    def ask(self, facts: Iterable[Fact[Any]]) -> Facts:
        """See :meth:`dify_aws.host.host.Host.ask`."""
        with self._acting:
            self._check_fault()
            return Facts(self.where, {fact: self._answer(fact) for fact in dict.fromkeys(facts)})

    def close(self) -> None:
        """Close the connection."""
        self._closed = True

    def _check_fault(self) -> None:
        if self._closed:
            raise HostClosed(self.where)
        self._round_trips += 1

    def _answer(self, fact: Fact[Any]) -> Answer:
        if type(fact) not in ANSWERS:
            raise NotModelled(f"the model machine has no answer to {fact.name!r} ({type(fact).__name__})")
        return ANSWERS[type(fact)](self.machine, fact)

    def _execute(self, script: str, stdin: bytes) -> Ended:
        """Like bash -e: one command after the other, until one fails."""
        first, _, body = script.partition("\n")
        if first.startswith("set -- ") and body in SCRIPTS:
            return SCRIPTS[body](self.machine, shlex.split(first)[2:], stdin)
        out = err = b""
        for line in script.splitlines():
            argv = shlex.split(line, comments=True)
            if not argv:
                continue
            ended = self._command(argv)(self.machine, argv, stdin)
            out, err = out + ended.out, err + ended.err
            if ended.status:
                return Ended(ended.status, out, err)
        return Ended(0, out, err)

    def _command(self, argv: Sequence[str]) -> Command:
        if argv[0] not in COMMANDS or SHELL & set(argv):
            raise NotModelled(f"the model machine does not know this command: {shlex.join(argv)}")
        return COMMANDS[argv[0]]
