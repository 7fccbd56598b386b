"""Terminal: the three streams of a command. What a program reads goes to stdout, what a person follows to stderr."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, Protocol, TextIO, runtime_checkable

from dify_aws.cli.markdown import markdown
from dify_aws.encoding import encodable, encodable_json
from dify_aws.engine.plan import Plan
from dify_aws.engine.progress import Progress
from dify_aws.operations.cost.estimate import CostEstimate
from dify_aws.operations.diagnosis.diagnosis import Diagnosis
from dify_aws.operations.run.command_line import OutputFormat
from dify_aws.printable import printable

if TYPE_CHECKING:
    from rich.console import Console

LOG_WIDTH: Final = 160
"""Columns where there is no terminal that says how many it has: a log is searched by line."""


@runtime_checkable
class JsonResult(Protocol):
    """A value that other programs can read."""

    def to_json(self) -> str:
        """It, as JSON."""
        ...


@dataclass
class Terminal:
    """Where a command reads and writes.

    Args:
        stdin: where answers are read from.
        stdout: where the result is written.
        stderr: where everything else is written.
        environ: the environment variables; FORCE_COLOR, NO_COLOR and COLUMNS count.
        wording: puts messages of the library into the words of the command line.
    """

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    wording: Callable[[str], str] = lambda text: text

    def show(self, value: JsonResult | Mapping[str, Any] | str, form: OutputFormat = "text") -> None:
        """Show the result on stdout. Colours and tables are for terminals, or for where FORCE_COLOR asks for them."""
        if form == "json":
            text = value.to_json() if isinstance(value, JsonResult) else json.dumps(value, indent=2, ensure_ascii=False)
            text = encodable_json(text, self.stdout)
        elif form == "markdown":
            text = markdown(self._worded(value))
        else:
            self._show(value, self.stdout)
            return
        encodable(self.stdout).write(printable(text).rstrip("\n") + "\n")
        self.stdout.flush()

    def show_on_stderr(self, value: object) -> None:
        """Show what a question is about, where a person reads it."""
        self._show(value, self.stderr)

    def say(self, text: str) -> None:
        """Tell a person something on stderr."""
        encodable(self.stderr).write(printable(self.wording(text)) + "\n")
        self.stderr.flush()

    def progress(self) -> Progress:
        """Shows a run on stderr, live in a terminal and line by line in a log."""
        redraws = self.stderr.isatty() and self.environ.get("TERM") != "dumb"
        return Progress(self._console(self.stderr), redraws=redraws)

    def ask(self, question: str) -> str | None:
        """What somebody types; None at the end of the input, as where there is nobody."""
        encodable(self.stderr).write(printable(question))
        self.stderr.flush()
        answer = self.stdin.readline()
        if not answer.endswith("\n"):
            self.say("")
        return answer.strip() if answer else None

    def descriptors(self) -> tuple[int, int, int]:
        """The three streams, for another process."""
        return self.stdin.fileno(), self.stdout.fileno(), self.stderr.fileno()

    def _show(self, value: object, stream: TextIO) -> None:
        value = self._worded(value)
        if (stream.isatty() or self.environ.get("FORCE_COLOR")) and hasattr(value, "__rich__"):
            self._console(stream).print(value)
        else:
            encodable(stream).write(printable(str(value)).rstrip("\n") + "\n")
        stream.flush()

    def _worded(self, value: object) -> Any:
        """A result whose notes and advice are in the words of the command line; values are AWS's, and stay."""
        match value:
            case Plan() | CostEstimate():
                return replace(value, notes=tuple(self.wording(note) for note in value.notes))
            case Diagnosis():
                advised = tuple(replace(each, remedy=self.wording(each.remedy)) for each in value.findings)
                return replace(value, findings=advised)
            case _:
                return value

    def _console(self, stream: TextIO) -> Console:
        from rich.console import Console

        return Console(
            file=encodable(stream), highlight=False, width=self._width(stream), _environ=dict(self.environ), emoji=False
        )

    def _width(self, stream: TextIO) -> int:
        """The columns of the terminal; those of COLUMNS, or of a log, where there is none."""
        if stream.isatty():
            try:
                return os.get_terminal_size(stream.fileno()).columns or 80
            except (OSError, ValueError):
                return 80
        columns = self.environ.get("COLUMNS", "")
        return int(columns) if columns.isdecimal() and 0 < int(columns) < 10_000 else LOG_WIDTH
