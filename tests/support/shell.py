"""A terminal that is read by a test, and commands that are given in it."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dify_aws import Deployment
from dify_aws.cli.run import main
from dify_aws.cli.terminal import Terminal


class Screen(io.StringIO):
    """A stream that says it is a terminal, or not."""

    def __init__(self, text: str = "", *, tty: bool = False) -> None:
        super().__init__(text)
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty


@dataclass(frozen=True)
class CommandOutput:
    """What came of a command: its status, and what it told where."""

    status: int
    out: str
    err: str


@dataclass
class Shell:
    """Somebody at a command line, with these environment variables and this way to AWS."""

    session: Any = None
    deployment: type[Deployment] = Deployment
    environ: Mapping[str, str] = field(default_factory=lambda: {"DIFY_AWS_ENVIRONMENT": "dev"})

    def __call__(self, words: str, *, typed: str = "", tty: bool = False) -> CommandOutput:
        """Give one command, and type this when it asks."""
        return self.typed_as(words.split(), typed=typed, tty=tty)

    def typed_as(self, arguments: Sequence[str], *, typed: str = "", tty: bool = False) -> CommandOutput:
        """Give one command whose arguments have spaces in them."""
        terminal = Terminal(Screen(typed), Screen(tty=tty), Screen(), self.environ)
        status = main(
            arguments, environ=self.environ, terminal=terminal, session=self.session, deployment=self.deployment
        )
        assert isinstance(terminal.stdout, Screen)
        assert isinstance(terminal.stderr, Screen)
        return CommandOutput(status, terminal.stdout.getvalue(), terminal.stderr.getvalue())
