"""Terminal: the three streams of a command. What a program reads goes to stdout, what a person follows to stderr."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol, TextIO, runtime_checkable

from dify_aws.cli.markdown import markdown
from dify_aws.encoding import encodable, encodable_json
from dify_aws.engine.progress import Progress
from dify_aws.operations.run.command_line import OutputFormat
from dify_aws.printable import printable

LOG_WIDTH: Final = 160
"""Columns where there is no terminal that says how many it has: a log is searched by line."""


@runtime_checkable
class Told(Protocol):
    """A value that other programs can read."""

    def to_json(self) -> str:
        """It, as JSON."""
        ...


@dataclass(frozen=True)
class Terminal:
    """Where a command reads and writes."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO

    def show(self, value: Told | Mapping[str, Any] | str, form: OutputFormat = "text") -> None:
        """Tell the result on stdout. Colours and tables are for terminals only."""
        if form == "json":
            told = value.to_json() if isinstance(value, Told) else json.dumps(value, indent=2, ensure_ascii=False)
            told = encodable_json(told, self.stdout)
        elif form == "markdown":
            told = markdown(value)
        elif self.stdout.isatty() and hasattr(value, "__rich__"):
            from rich.console import Console

            Console(file=encodable(self.stdout), highlight=False).print(value)
            return
        else:
            told = str(value)
        encodable(self.stdout).write(printable(told).rstrip("\n") + "\n")
        self.stdout.flush()

    def say(self, text: str) -> None:
        """Tell a person something on stderr."""
        encodable(self.stderr).write(printable(text) + "\n")
        self.stderr.flush()

    def progress(self) -> Progress:
        """Shows a run on stderr, live in a terminal and line by line in a log."""
        from rich.console import Console

        width = None if self.stderr.isatty() else LOG_WIDTH
        return Progress(Console(file=encodable(self.stderr), highlight=False, width=width))

    def asked(self, question: str) -> str:
        """What somebody types; nothing at the end of the input, as where there is nobody."""
        encodable(self.stderr).write(printable(question))
        self.stderr.flush()
        answer = self.stdin.readline()
        if not answer.endswith("\n"):
            self.say("")
        return answer.strip()
