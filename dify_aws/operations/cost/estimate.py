"""Cost: what a stack costs a month by AWS's list prices, line by line, with every assumption said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from dify_aws.engine.stack import Stack
from dify_aws.operations.cost.bill import Line, Use, lines
from dify_aws.operations.cost.estimate_rendering import estimate_text, render_estimate
from dify_aws.presentation import JsonMixin, NotebookMixin
from dify_aws.prices import PriceSheet


@dataclass(frozen=True, kw_only=True)
class CostRow:
    """One line of the bill. What is not known is None, never zero.

    Args:
        what: in AWS's words.
        addresses: the things that it is for.
        quantity: how many units a month.
        unit: in AWS's words: "Hrs", "GB-Mo".
        unit_price: dollars for one of them.
        by_use: it follows how much the deployment is used, not what it is made of.
        source: where the price is known from.
    """

    what: str
    addresses: tuple[str, ...]
    quantity: Decimal | None = None
    unit: str = ""
    unit_price: Decimal | None = None
    by_use: bool = False
    source: str = ""

    @property
    def monthly(self) -> Decimal | None:
        """Dollars a month."""
        return None if self.quantity is None or self.unit_price is None else self.quantity * self.unit_price


@dataclass(frozen=True)
class Saving:
    """What other settings would cost: ``changes`` as one writes them, ``monthly`` dollars less (None: not known)."""

    changes: str
    monthly: Decimal | None
    remark: str = ""


@dataclass(frozen=True, kw_only=True)
class CostEstimate(JsonMixin, NotebookMixin):
    """What a deployment costs a month in one region.

    It prints as a table, shows itself in a notebook and in rich, and :meth:`to_json` gives it to other programs.

    Args:
        prices_of: the day of the price sheet.
        assumptions: what was taken for granted, in sentences.
        savings: what each flag would change.
        notes: prices that could not be refreshed.
    """

    deployment: str
    region: str
    rows: tuple[CostRow, ...]
    prices_of: str
    assumptions: tuple[str, ...] = ()
    savings: tuple[Saving, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def total(self) -> Decimal:
        """Dollars a month of all rows whose cost is known; :attr:`unknown` are the others."""
        return sum((row.monthly for row in self.rows if row.monthly is not None), Decimal())

    @property
    def unknown(self) -> tuple[CostRow, ...]:
        """The rows whose cost is not known: the total is too low by them."""
        return tuple(row for row in self.rows if row.monthly is None)

    def with_savings(self, savings: Iterable[Saving]) -> CostEstimate:
        """The same estimate, with what other settings would change."""
        return replace(self, savings=tuple(savings))

    def to_dict(self) -> dict[str, Any]:
        """The estimate as plain values; amounts are text, because JSON has no decimal numbers."""
        return {
            "deployment": self.deployment,
            "region": self.region,
            "currency": "USD",
            "prices_of": self.prices_of,
            "total": _plain(self.total),
            "complete": not self.unknown,
            "rows": [
                {
                    "what": row.what,
                    "addresses": list(row.addresses),
                    "quantity": _plain(row.quantity),
                    "unit": row.unit,
                    "unit_price": _plain(row.unit_price),
                    "monthly": _plain(row.monthly),
                    "by_use": row.by_use,
                    "source": row.source,
                }
                for row in self.rows
            ],
            "savings": [
                {"changes": each.changes, "monthly": _plain(each.monthly), "remark": each.remark}
                for each in self.savings
            ],
            "assumptions": list(self.assumptions),
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        return estimate_text(self)

    def __rich__(self) -> Any:
        return render_estimate(self)


def estimate(stack: Stack, sheet: PriceSheet, region: str, use: Use | None = None) -> CostEstimate:
    """What ``stack`` costs a month in ``region``. Asks AWS nothing.

    Args:
        sheet: the prices, such as ``PriceSheet.shipped()``.
        use: how much it is used; the defaults of :class:`Use` if it is not said.
    """
    usage = use or Use()
    rows = priced(
        counted({address: resource.desired() for address, resource in stack.resources.items()}, usage), sheet, region
    )
    return CostEstimate(
        deployment=stack.name,
        region=region,
        rows=rows,
        prices_of=sheet.date,
        assumptions=usage.assumptions(),
        notes=(*sheet.notes, *_without_prices(rows, sheet, region)),
    )


def _without_prices(rows: Iterable[CostRow], sheet: PriceSheet, region: str) -> Iterator[str]:
    if region not in sheet.regions and any(row.monthly is None for row in rows):
        yield f"The price sheet of this version has no prices of {region}: estimate_cost(live=True) asks AWS for them."


def products(stack: Stack, use: Use | None = None) -> frozenset[str]:
    """The names of all products that ``stack`` uses: what a refresh of the prices has to ask for."""
    things = {address: resource.desired() for address, resource in stack.resources.items()}
    return frozenset(line.product for _, line in counted(things, use or Use()) if line)


def regions(stack: Stack, sheet: PriceSheet, use: Use | None = None) -> Mapping[str, Decimal | None]:
    """What ``stack`` would cost a month in each region of the sheet, cheapest first; None where not all is known."""
    estimates = {region: estimate(stack, sheet, region, use) for region in sheet.regions}
    totals = {region: None if each.unknown else each.total for region, each in estimates.items()}
    return dict(sorted(totals.items(), key=lambda item: (item[1] is None, item[1] or Decimal(), item[0])))


def counted(things: Mapping[str, Mapping[str, Any]], use: Use) -> list[tuple[str, Line | None]]:
    """The lines of all ``things`` (attributes by address), each with its address. None: a kind that we cannot count."""
    many = Counter(_kind(address) for address in things)
    rows: list[tuple[str, Line | None]] = []
    for address, values in things.items():
        own = lines(_kind(address), values, use, share=many[_kind(address)])
        rows += [(address, None)] if own is None else [(address, line) for line in own]
    return rows


def priced(bill: Sequence[tuple[str, Line | None]], sheet: PriceSheet, region: str) -> tuple[CostRow, ...]:
    """A row for each product, with its price; what is the same is added up. Unknown first, then the dearest."""
    rows: dict[tuple[str, str], CostRow] = {}
    for address, line in bill:
        if line is None:
            rows[address, ""] = CostRow(what=_kind(address), addresses=(address,))
            continue
        price = sheet.price(line.product, region)
        row = CostRow(
            what=line.what,
            addresses=(address,),
            quantity=line.quantity,
            unit=price.unit if price else _unit(sheet, line.product),
            unit_price=price.dollars if price else None,
            by_use=line.by_use,
            source=price.source if price else "",
        )
        same = rows.get((line.product, line.what))
        rows[line.product, line.what] = _added(same, row) if same else row
    return tuple(sorted(rows.values(), key=lambda row: (row.monthly is not None, -(row.monthly or 0), row.what)))


def _added(one: CostRow, other: CostRow) -> CostRow:
    both = None if one.quantity is None or other.quantity is None else one.quantity + other.quantity
    return replace(one, addresses=one.addresses + other.addresses, quantity=both)


def fixed(things: Mapping[str, Mapping[str, Any]], sheet: PriceSheet, region: str) -> Decimal | None:
    """What ``things`` (attributes by address) cost a month however little they are used. None: not known."""
    total = Decimal()
    for row in priced(counted(things, Use()), sheet, region):
        if row.by_use:
            continue
        if row.monthly is None:
            return None
        total += row.monthly
    return total


def _unit(sheet: PriceSheet, name: str) -> str:
    product = sheet.product(name)
    return product.unit if product else ""


def _kind(address: str) -> str:
    return address.partition("/")[0]


def _plain(amount: Decimal | None) -> str | None:
    return None if amount is None else format(round(amount, 6).normalize(), "f")
