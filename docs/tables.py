"""Fills the tables of README.md, README.ja.md, settings.md and permissions.md from the code, between marks in them.

Run it when a setting, a permission or a price has changed (a test tells): python docs/tables.py
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from decimal import Decimal
from inspect import getdoc
from pathlib import Path
from typing import Any, Final

import dify_aws
from dify_aws.engine.resource import kinds
from dify_aws.operations.cost.savings import estimate_settings
from dify_aws.prices import PriceSheet
from dify_aws.topologies.account import Account

HERE: Final = Path(__file__).parent

JAPANESE: Final[Mapping[str, str]] = json.loads((HERE / "bill.ja.json").read_text())
"""The words of the bill in README.ja.md; one that is missing is an error."""


def main(folder: Path = HERE) -> None:
    """Write the tables into the pages."""
    for page in ("../README.md", "../README.ja.md", "settings.md", "permissions.md"):
        file = folder / page
        file.write_text(filled(file.read_text()))


def filled(text: str) -> str:
    """The text of a page, with what stands between its marks made anew."""
    tables = {
        "costs": costs,
        "costs-ja": lambda: costs(JAPANESE.__getitem__),
        "settings": settings,
        "actions": actions,
    }
    return re.sub(
        r"(<!-- (\S+): made by docs/tables.py -->).*?(<!-- end -->)",
        lambda found: f"{found[1]}\n\n{tables[found[2]]()}\n\n{found[3]}",
        text,
        flags=re.DOTALL,
    )


def costs(said: Callable[[str], str] = str) -> str:
    """The bill of the default settings: what is fixed, what follows use, and the NAT gateway by itself."""
    wished = dify_aws.Settings(environment="dev", nat_gateway=False)
    account, sheet = Account("123456789012", "aws", wished.region), PriceSheet.shipped()
    without = estimate_settings(wished, account, sheet)
    whole = estimate_settings(wished.replace(nat_gateway=True), account, sheet).total
    used = [row for row in without.rows if row.by_use]
    by_use = sum((row.monthly or Decimal() for row in used), Decimal())
    rows = [
        *(
            (said(row.what), f"{row.quantity:,.4g} {said(row.unit)}", row.monthly)
            for row in without.rows
            if not row.by_use
        ),
        (f"**{said('fixed')}**", "", without.total - by_use),
        (
            f"{said('by use')}: " + said("; ").join(said(row.what) for row in used),
            f"[{said('assumed')}](docs/cost.md#how-much-it-is-used)",
            by_use,
        ),
        (f"**{said('in all, with `nat_gateway=False`')}**", "", without.total),
        (
            said("NAT gateway and its address (`nat_gateway=True`, the default)"),
            said("without traffic"),
            whole - without.total,
        ),
        (f"**{said('in all, with it')}**", "", whole),
    ]
    head = [f"| {said('what')} | {said('how much')} | {said('$ a month')} |", "| --- | --- | ---: |"]
    return "\n".join([*head, *(f"| {what} | {quantity} | {cost:.2f} |" for what, quantity, cost in rows)])


def settings() -> str:
    """A row for each setting: its name, what it is by default, and what the docstring says of it."""
    meanings = dict(re.findall(r":param (\w+): (.*?)(?=\n:)", getdoc(dify_aws.Settings) or "", re.DOTALL))
    rows = ["| setting | default | what it is |", "| --- | --- | --- |"]
    for setting in fields(dify_aws.Settings):
        meaning = " ".join(meanings[setting.name].replace("``", "`").split())
        rows.append(f"| `{setting.name}` | {_default(setting)} | {meaning[0].upper()}{meaning[1:]} |")
    return "\n".join(rows)


def _default(setting: Field[Any]) -> str:
    if setting.default is not MISSING:
        value = list(setting.default) if isinstance(setting.default, tuple) else setting.default
        return "none" if value is None else f"`{json.dumps(value)}`"
    return "**has to be given**" if setting.default_factory is MISSING else "`{}`"


def actions() -> str:
    """A row for each kind of resource: the actions that its verbs need."""
    rows = ["| kind | actions |", "| --- | --- |"]
    for name, permissions in sorted(_needed().items()):
        rows.append(f"| {name} | {', '.join(f'`{each}`' for each in sorted(permissions))} |")
    return "\n".join(rows)


def _needed() -> dict[str, frozenset[str]]:
    ours = {name: kind for name, kind in kinds().items() if kind.__module__.startswith("dify_aws.resources.")}
    return {name: kind.permissions for name, kind in ours.items()}


if __name__ == "__main__":
    main()
