"""Writes the tables of README.md, README.ja.md, how-it-works.md, settings.md, permissions.md and
command-line.md from the code.

A table stands between two marks in the page. Run this when a test says that a table is out of date:

    python docs/tables.py
"""

import json
import re
from argparse import Action, ArgumentParser
from collections.abc import Callable, Iterator, Mapping
from configparser import ConfigParser
from dataclasses import MISSING, Field, fields
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import dify_aws
from dify_aws.cli.commands import commands
from dify_aws.engine.resource import kinds
from dify_aws.operations.cost.savings import estimate_settings
from dify_aws.prices import PriceSheet
from dify_aws.settings.descriptions import descriptions
from dify_aws.topologies.account import Account

HERE: Final = Path(__file__).parent

JAPANESE: Final[Mapping[str, str]] = json.loads((HERE / "bill.ja.json").read_text())
"""The labels of the cost table in README.ja.md; a missing one is an error."""


def main(folder: Path = HERE) -> None:
    """Write the tables into the pages."""
    for page in (
        "../README.md",
        "../README.ja.md",
        "how-it-works.md",
        "settings.md",
        "permissions.md",
        "command-line.md",
    ):
        file = folder / page
        file.write_text(filled(file.read_text()))


def filled(text: str) -> str:
    """The text of a page, with what stands between its marks made anew."""
    tables = {
        "costs": costs,
        "costs-ja": lambda: costs(JAPANESE.__getitem__),
        "layers": layers,
        "settings": settings,
        "actions": actions,
        "commands": command_table,
    }
    return re.sub(
        r"(<!-- (\S+): made by docs/tables.py -->).*?(<!-- end -->)",
        lambda found: f"{found[1]}\n\n{tables[found[2]]()}\n\n{found[3]}",
        text,
        flags=re.DOTALL,
    )


def costs(translate: Callable[[str], str] = str) -> str:
    """The monthly cost of the default settings: fixed costs, usage-based costs, and the NAT gateway.

    Args:
        translate: gives the label in the language of the page.
    """
    cheapest = dify_aws.Settings(environment="dev", nat_gateway=False)
    account, sheet = Account("123456789012", "aws", cheapest.region), PriceSheet.shipped()
    without = estimate_settings(cheapest, account, sheet)
    whole = estimate_settings(cheapest.replace(nat_gateway=True), account, sheet).total
    used = [row for row in without.rows if row.by_use]
    by_use = sum((row.monthly or Decimal() for row in used), Decimal())
    rows = [
        *(
            (translate(row.what), f"{row.quantity:,.4g} {translate(row.unit)}", row.monthly)
            for row in without.rows
            if not row.by_use
        ),
        (f"**{translate('fixed costs, total')}**", "", without.total - by_use),
        (
            f"{translate('usage-based costs')}: " + translate("; ").join(translate(row.what) for row in used),
            f"[{translate('assumed usage')}](docs/cost.md#how-much-it-is-used)",
            by_use,
        ),
        (f"**{translate('total with `nat_gateway=False`')}**", "", without.total),
        (
            translate("NAT gateway and its IP address (`nat_gateway=True`, the default)"),
            translate("without traffic"),
            whole - without.total,
        ),
        (f"**{translate('total with NAT gateway')}**", "", whole),
    ]
    head = [f"| {translate('item')} | {translate('quantity')} | {translate('$ per month')} |", "| --- | --- | ---: |"]
    return "\n".join([*head, *(f"| {what} | {quantity} | {cost:.2f} |" for what, quantity, cost in rows)])


def layers() -> str:
    """The layers of the import contract in setup.cfg, from top to bottom, one a line."""
    return "\n".join(["```", *("  ".join(modules) for modules in contract()), "```"])


def contract() -> Iterator[list[str]]:
    """The modules of each layer of dify_aws, from top to bottom."""
    setup = ConfigParser()
    setup.read(HERE.parent / "setup.cfg")
    for layer in setup["importlinter:contract:arrows"]["layers"].split("\n"):
        if modules := re.findall(r"\w+", layer):
            yield modules


def settings() -> str:
    """A row for each setting: its name, its default, and its description in the docstring."""
    meanings = descriptions()
    rows = ["| setting | default | description |", "| --- | --- | --- |"]
    for setting in fields(dify_aws.Settings):
        meaning = meanings[setting.name].replace("``", "`")
        rows.append(f"| `{setting.name}` | {_default(setting)} | {meaning[0].upper()}{meaning[1:]} |")
    return "\n".join(rows)


def _default(setting: Field[Any]) -> str:
    if setting.default is not MISSING:
        value = list(setting.default) if isinstance(setting.default, tuple) else setting.default
        return "none" if value is None else f"`{json.dumps(value)}`"
    return "**required**" if setting.default_factory is MISSING else "`{}`"


def command_table() -> str:
    """A row for each command: what it does, and its own options."""
    rows = ["| command | what it does | its own options |", "| --- | --- | --- |"]
    for command in commands():
        parser = ArgumentParser(add_help=False)
        command.arguments(parser)
        name = f"{command.name} {command.operand}".strip().replace("|", "\\|")
        options = "; ".join(_option(each) for each in parser._actions if each.option_strings)
        rows.append(f"| `{name}` | {command.summary[0].upper()}{command.summary[1:]} | {options} |")
    return "\n".join(rows)


def _option(action: Action) -> str:
    value = f" {action.metavar or ''}".rstrip()
    return f"`{action.option_strings[0]}{value}`: {action.help}"


def actions() -> str:
    """A row for each kind of resource, with the IAM actions that it needs."""
    rows = ["| kind | actions |", "| --- | --- |"]
    for name, permissions in sorted(_needed().items()):
        rows.append(f"| {name} | {', '.join(f'`{each}`' for each in sorted(permissions))} |")
    return "\n".join(rows)


def _needed() -> dict[str, frozenset[str]]:
    shipped = {name: kind for name, kind in kinds().items() if kind.__module__.startswith("dify_aws.resources.")}
    return {name: kind.permissions for name, kind in shipped.items()}


if __name__ == "__main__":
    main()
