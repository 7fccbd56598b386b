"""Host: the machine that Dify is installed on, as the steps see it, and Result: what one command came to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

from dify_aws.host.errors import CommandFailed
from dify_aws.host.fact import Fact, Facts

COMMAND_SECONDS: Final = 600.0
"""How long a command may take unless it says otherwise."""

NO_STATUS: Final = -1
"""The status of what ended without one: a signal took it."""


@dataclass(frozen=True, eq=False)
class Result:
    """What a command came to. ``out`` and ``err`` are its bytes, ``stdout`` and ``stderr`` the same as text."""

    command: str
    status: int
    out: bytes = b""
    err: bytes = b""
    seconds: float = 0.0
    secret: bool = False

    @property
    def ok(self) -> bool:
        """Whether it ended with status 0."""
        return self.status == 0

    @cached_property
    def stdout(self) -> str:
        """What it said, as text; what is not UTF-8 is shown as �."""
        return self.out.decode(errors="replace")

    @cached_property
    def stderr(self) -> str:
        """What it said about errors, as text; what is not UTF-8 is shown as �."""
        return self.err.decode(errors="replace")

    @property
    def ending(self) -> str:
        """How it ended, in words."""
        return "was ended by a signal" if self.status == NO_STATUS else f"exit status {self.status}"

    def __reduce__(self) -> tuple[type[Result], tuple[object, ...]]:
        """What may be secret does not leave this process, inside a pickled error for example."""
        out, err = (b"", b"") if self.secret else (self.out, self.err)
        return type(self), (self.command, self.status, out, err, self.seconds, self.secret)

    def __repr__(self) -> str:
        # Never the bytes: a repr ends up in logs, and these may hold secrets.
        return f"<Result {self.ending}, {len(self.out)} + {len(self.err)} bytes, {self.seconds:.1f} s>"


class Host(Protocol):
    """A machine with a shell. Several threads may use it at the same time.

    Scripts are bash, run with ``-euo pipefail``. A script is public (it shows in the process list of the host and in
    messages); what is secret goes in by ``stdin`` and nowhere else.
    """

    @property
    def where(self) -> str:
        """Which host this is, in every message."""
        ...

    @property
    def round_trips(self) -> int:
        """How often it was asked, or told, something and waited for."""
        ...

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
        """Run a script and wait for its end, whatever its exit status.

        Args:
            script: bash, and never a secret in it.
            stdin: what it reads.
            sudo: as root; else as the user of the connection.
            timeout: seconds after which it is ended.
            secret: what it says may hold secrets, so no message and no log shows it.
            again: it does no harm twice: after a lost connection, it is run again.

        Raises:
            CommandTimedOut: it was ended.
            ConnectionLost: nobody knows whether it was done.
            Unreachable, HostKeyMismatch, AuthenticationRefused: the host could not be reached (again).
        """
        ...

    def must(
        self,
        script: str,
        *,
        stdin: bytes | None = None,
        sudo: bool = True,
        timeout: float = COMMAND_SECONDS,
        secret: bool = False,
        again: bool = False,
        advice: str = "",
    ) -> Result:
        """Like :meth:`run`, for what has to end with status 0.

        Args:
            script: as for :meth:`run`, and so are the others.
            stdin: what it reads.
            sudo: as root.
            timeout: seconds.
            secret: its output may hold secrets.
            again: it may be run twice.
            advice: what a person should do if it fails.

        Raises:
            CommandFailed: it ended with another status.
        """
        result = self.run(script, stdin=stdin, sudo=sudo, timeout=timeout, secret=secret, again=again)
        if not result.ok:
            raise CommandFailed(self.where, result, advice=advice)
        return result

    def read(self, path: str) -> bytes | None:
        """The bytes of a file, as root; None if there is none."""
        ...

    def write(self, path: str, data: bytes, *, mode: int = 0o644, owner: str = "root:root") -> None:
        """Make a file be just this, all at once or not at all: nobody ever sees half of it, or a wider mode.

        Args:
            path: absolute; its directory exists.
            data: its bytes. They go in by stdin.
            mode: as for chmod.
            owner: user:group, by name or by number.

        Raises:
            CommandFailed: it could not be written (the disk is full, …); what was there is still there.
        """
        ...

    def ask(self, facts: Iterable[Fact[Any]]) -> Facts:
        """The answers to many questions, in one round trip."""
        ...

    def close(self) -> None:
        """Let go of the host. What runs on it is not waited for."""
        ...
