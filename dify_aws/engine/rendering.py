"""Rendering: a plan as a terminal and a notebook show it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from dify_aws.change import Change, shown, unknown
from dify_aws.printable import printable

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, Group, RenderableType
    from rich.text import Text

    from dify_aws.engine.plan import Action, Plan

SIGNS: Final = {"create": "+", "update": "~", "delete": "-", "keep": "="}
COLOURS: Final = {"create": "green", "update": "yellow", "delete": "red", "keep": "cyan"}
LONGEST_VALUE: Final = 100
NARROW: Final = 70
"""Columns under which two columns of a table leave too little room for values."""


def render_plan(plan: Plan) -> Group:
    """The plan for a terminal: what, and beside it how; one colour for each verb."""
    from rich.console import Group
    from rich.text import Text

    title = Text.assemble((plan.deployment, "bold"), f" in {plan.region}: ", (plan.summary(), "bold"))
    notes = [Text(f"note: {printable(note)}", "italic") for note in plan.notes]
    return Group(title, *([_Actions(plan.actions)] if plan.actions else []), *notes)


class _Actions:
    """The actions of a plan: each with how beside it, or below it where there is no room."""

    def __init__(self, actions: Iterable[Action]) -> None:
        self._rows = [
            (f"{SIGNS[action.verb]} {printable(action.address)}", COLOURS[action.verb], _details(action))
            for action in actions
        ]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.padding import Padding
        from rich.table import Table
        from rich.text import Text

        if options.max_width < NARROW:
            for what, colour, details in self._rows:
                yield Text(what, colour)
                if details.plain:
                    yield Padding(details, (0, 0, 0, 4))
            return
        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for what, colour, details in self._rows:
            table.add_row(Text(what, colour), details)
        yield table


def _details(action: Action) -> Text:
    from rich.text import Text

    if action.verb == "create":
        return _desired_values(action.changes)
    text = Text(printable(action.id), "dim")
    if why := action.why():
        text.append(printable(f"  {why}"), "not dim bold" if action.foreign else "not dim")
    for change in action.changes:
        text.append(f"\n{change}", "not dim")
    return text


def _desired_values(changes: tuple[Change, ...]) -> Text:
    """Several to a line, as they were said in Python; what AWS has yet to say is named and dim."""
    from rich.text import Text

    parts = []
    for change in changes:
        value = _value(change.after)
        value.truncate(LONGEST_VALUE, overflow="ellipsis")
        parts.append(Text.assemble((f"{change.attribute}=", "dim"), value))
    return Text("  ").join(parts)


def _value(value: object) -> Text:
    from rich.text import Text

    return Text(shown(value), "dim italic" if unknown(value) else "not dim")
