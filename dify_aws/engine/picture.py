"""Picture: a plan as rich and as HTML show it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from dify_aws.change import shown

if TYPE_CHECKING:
    from rich.console import Group

    from dify_aws.engine.plan import Plan

SIGNS = {"create": "+", "update": "~", "delete": "-", "keep": "="}
LEFT = "text-align:left"
COLOURS = {"create": "green", "update": "yellow", "delete": "red", "keep": "cyan"}


def plan_picture(plan: Plan) -> Group:
    """The plan for a terminal: one colour for each verb."""
    from rich.console import Group
    from rich.text import Text

    lines = [Text.assemble((plan.deployment, "bold"), f" in {plan.region}: ", (plan.summary(), "bold"))]
    for action in plan.actions:
        colour = COLOURS[action.verb]
        first, *rest = str(action).splitlines()
        lines.append(Text(first, style=colour))
        lines += [Text(line, style="dim" if action.verb == "create" else "") for line in rest]
    lines += [Text(f"note: {note}", style="italic") for note in plan.notes]
    return Group(*lines)


def plan_html(plan: Plan) -> str:
    """The plan for a notebook: a table that reads in light and in dark."""
    rows = []
    for action in plan.actions:
        changes = "<br>".join(
            f"{escape(change.attribute)}: "
            + (
                escape(shown(change.after))
                if action.verb == "create"
                else escape(f"{shown(change.before)} → {shown(change.after)}")
            )
            for change in action.changes
        )
        sign = f'<span style="color:{COLOURS[action.verb]}">{SIGNS[action.verb]} {action.verb}</span>'
        rows.append(
            f'<tr style="vertical-align:top"><td style="text-align:left">{sign}</td>'
            f'<td style="text-align:left"><b>{escape(action.address)}</b><br>{escape(action.id)}</td>'
            f'<td style="text-align:left">{changes}</td></tr>'
        )
    title = f"<p><b>{escape(plan.deployment)}</b> in {escape(plan.region)}: {escape(plan.summary())}</p>"
    notes = "".join(f"<p><i>note: {escape(note)}</i></p>" for note in plan.notes)
    return title + (f"<table>{''.join(rows)}</table>" if rows else "") + notes
