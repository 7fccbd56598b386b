"""Rendering: a diagnosis as a terminal and a notebook show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dify_aws.operations.diagnosis.diagnosis import SIGNS, Condition, Diagnosis

if TYPE_CHECKING:
    from rich.console import Group

COLOURS: Final[dict[Condition, str]] = {"ok": "green", "warning": "yellow", "wrong": "red", "unknown": "magenta"}


def render_diagnosis(diagnosis: Diagnosis) -> Group:
    """The diagnosis for a terminal."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in diagnosis:
        cell = Text(finding.evidence)
        if finding.remedy:
            cell.append(f"\n→ {finding.remedy}", "bold")
        table.add_row(Text(f"{SIGNS[finding.condition]} {finding.subject}", COLOURS[finding.condition]), cell)
    return Group(
        Text(diagnosis.title(), "bold"), *([table] if diagnosis.findings and not diagnosis.is_of_nothing else [])
    )
