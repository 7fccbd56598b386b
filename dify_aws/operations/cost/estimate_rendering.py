"""Rendering: an estimate of cost as plain text, and as a terminal and a notebook show it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from rich.console import Group

    from dify_aws.operations.cost.estimate import CostEstimate, CostRow, Saving

UNKNOWN: Final = "unknown"
HEADINGS: Final = ("what", "for", "quantity", "unit", "$ a unit", "$ a month")
RIGHT: Final = frozenset({2, 4, 5})
"""The columns of numbers."""


def dollars(amount: Decimal | None, *, signed: bool = False) -> str:
    """An amount of dollars, with cents; "unknown" where it is."""
    if amount is None:
        return UNKNOWN
    return f"{amount:+,.2f}" if signed else f"{amount:,.2f}"


def number(amount: Decimal | None) -> str:
    """A number without zeros at its end: 0.0544, 730, 1.5."""
    return UNKNOWN if amount is None else format(round(amount, 6).normalize(), ",f")


def estimate_text(estimate: CostEstimate) -> str:
    """The estimate as a table of plain text."""
    table = [HEADINGS, *(_cells(row) for row in estimate.rows), _total(estimate)]
    widths = [max(len(row[column]) for row in table) for column in range(len(HEADINGS))]
    body = [
        "  ".join(
            cell.rjust(width) if column in RIGHT else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
    return "\n".join([title(estimate), *body, *_remarks(estimate)])


def render_estimate(estimate: CostEstimate) -> Group:
    """The estimate for a terminal."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", show_footer=True)
    for column, (heading, footer) in enumerate(zip(HEADINGS, _total(estimate), strict=True)):
        justify: Literal["left", "right"] = "right" if column in RIGHT else "left"
        table.add_column(heading, footer, footer_style="bold", justify=justify, overflow="fold")
    for row in estimate.rows:
        table.add_row(*(Text(cell, "yellow" if cell == UNKNOWN else "") for cell in _cells(row)))
    return Group(Text(title(estimate), "bold"), table, *(Text(line, "dim") for line in _remarks(estimate)))


def title(estimate: CostEstimate) -> str:
    """One line: what it is, and what it costs."""
    least = "at least " if estimate.unknown else ""
    return (
        f"{estimate.deployment} in {estimate.region}: {least}${dollars(estimate.total)} a month "
        f"(AWS's list prices, sheet of {estimate.prices_of})"
    )


def _cells(row: CostRow) -> tuple[str, ...]:
    first, *others = row.addresses
    things = f"{first} and {len(others)} more" if others else first
    return row.what, things, number(row.quantity), row.unit, number(row.unit_price), dollars(row.monthly)


def _total(estimate: CostEstimate) -> tuple[str, ...]:
    more = f"and {len(estimate.unknown)} unknown" if estimate.unknown else ""
    return "total", more, "", "", "", dollars(estimate.total)


def _remarks(estimate: CostEstimate) -> list[str]:
    lines = [f"assumed: {each}" for each in estimate.assumptions]
    for source in sorted({row.source for row in estimate.rows if row.source}):
        lines.append(f"priced {source}: {', '.join(row.what for row in estimate.rows if row.source == source)}")
    lines += [f"saves {_saved(each)}" for each in estimate.savings]
    return lines + [f"note: {each}" for each in estimate.notes]


def _saved(saving: Saving) -> str:
    amount = UNKNOWN if saving.monthly is None else f"${dollars(saving.monthly)} a month"
    return f"{amount}: {saving.changes}" + (f" ({saving.remark})" if saving.remark else "")
