"""Picture of a diagnosis: how rich and a notebook show what is the matter."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final

from dify_aws.operations.diagnosis.diagnosis import SIGNS, Condition, Diagnosis

if TYPE_CHECKING:
    from rich.console import Group

COLOURS: Final[dict[Condition, str]] = {"ok": "green", "warning": "yellow", "wrong": "red", "unknown": "magenta"}
HTML_COLOURS: Final[dict[Condition, str]] = COLOURS | {"warning": "darkorange"}
LEFT: Final = "text-align:left"


def render_diagnosis(diagnosis: Diagnosis) -> Group:
    """The diagnosis for a terminal."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in diagnosis:
        told = Text(finding.evidence)
        if finding.remedy:
            told.append(f"\n→ {finding.remedy}", "bold")
        table.add_row(Text(f"{SIGNS[finding.condition]} {finding.subject}", COLOURS[finding.condition]), told)
    return Group(Text(diagnosis.title(), "bold"), *([table] if diagnosis.findings else []))


def diagnosis_html(diagnosis: Diagnosis) -> str:
    """The diagnosis for a notebook: a table that reads in light and in dark."""

    def text(told: str) -> str:
        return escape(told).replace("\n", "<br>")

    rows = "".join(
        f'<tr style="vertical-align:top"><td style="{LEFT}"><span style="color:{HTML_COLOURS[finding.condition]}">'
        f"{SIGNS[finding.condition]} {finding.condition}</span></td>"
        f'<td style="{LEFT}"><b>{escape(finding.subject)}</b></td><td style="{LEFT}">{text(finding.evidence)}'
        f"{f'<br><b>→ {text(finding.remedy)}</b>' if finding.remedy else ''}</td></tr>"
        for finding in diagnosis
    )
    return f"<p><b>{escape(diagnosis.title())}</b></p>" + (f"<table>{rows}</table>" if rows else "")
