"""Rendering: the report of an installation as a terminal and a notebook show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dify_aws.host.report import SIGNS, Outcome, Report, State

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

COLOURS: Final[dict[State, str]] = {
    "done": "green",
    "would change": "yellow",
    "already so": "dim",
    "failed": "red",
    "not tried": "dim",
}
DIFF_COLOURS: Final = {"+": "green", "-": "red", "@": "cyan"}


def render_report(report: Report) -> Group:
    """The report for a terminal: each step in one line, and below it what changed."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for outcome in report:
        seconds = f"{outcome.seconds:.1f} s" if outcome.state == "done" else outcome.state
        table.add_row(
            Text(f"{SIGNS[outcome.state]} {outcome.step}", COLOURS[outcome.state]), seconds, _details(outcome)
        )
    title = Text.assemble((report.where, "bold"), ": ", (report.summary(), "bold"))
    return Group(title, *([table] if report.outcomes else []))


def _details(outcome: Outcome) -> Text:
    from rich.text import Text

    lines = [Text(str(change)) for change in outcome.changes]
    lines += [Text(line, DIFF_COLOURS.get(line[:1], "")) for text in outcome.diffs for line in text.splitlines()]
    lines += [Text(outcome.error, "red")] if outcome.error else []
    return Text("\n").join(lines)
