"""Fills the tables of README.md, settings.md and permissions.md from the code, between the marks that stand there.

Run it when a setting, a permission or a price has changed (a test tells): python docs/tables.py
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, Field, fields
from decimal import Decimal
from inspect import getdoc
from pathlib import Path
from typing import Any, Final

import dify_aws
from dify_aws.blueprints.account import Account
from dify_aws.engine.resource import kinds
from dify_aws.operations.savings import estimate_settings
from dify_aws.prices import PriceSheet

HERE: Final = Path(__file__).parent

READS: Final = ("Describe", "Get", "List")

NARROWED: Final[Mapping[str, list[str]]] = {
    "cloudtrail": ["arn:aws:cloudtrail:*:*:trail/dify-*"],
    "dynamodb": ["arn:aws:dynamodb:*:*:table/dify-*"],
    "iam": [
        "arn:aws:iam::*:role/dify-aws/*",
        "arn:aws:iam::*:instance-profile/dify-aws/*",
        "arn:aws:iam::*:oidc-provider/*",
        "arn:aws:iam::*:role/aws-service-role/ec2-instance-connect.amazonaws.com/*",
    ],
    "s3": ["arn:aws:s3:::dify-*", "arn:aws:s3:::dify-*/*"],
    "secretsmanager": ["arn:aws:secretsmanager:*:*:secret:dify/*"],
    "sns": ["arn:aws:sns:*:*:dify-*"],
}
"""The services whose things can be told by a name that begins with ours; the rest get their ids from AWS."""

UNNARROWED: Final = re.compile(r"iam:(Get|List).*|s3:(Get|Put)AccountPublicAccessBlock|sns:Unsubscribe")
"""IAM judges a question about a role that does not exist by its name without its path; for the others there is no ARN.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsns.html"""


def main(folder: Path = HERE) -> None:
    """Write the tables into the pages."""
    for page in ("../README.md", "settings.md", "permissions.md"):
        file = folder / page
        file.write_text(filled(file.read_text()))


def filled(text: str) -> str:
    """The text of a page, with what stands between its marks made anew."""
    tables = {
        "costs": costs,
        "settings": settings,
        "actions": actions,
        "policy": policy,
        "reading-policy": reading_policy,
    }
    return re.sub(
        r"(<!-- (\S+): made by docs/tables.py -->).*?(<!-- end -->)",
        lambda found: f"{found[1]}\n\n{tables[found[2]]()}\n\n{found[3]}",
        text,
        flags=re.DOTALL,
    )


def costs() -> str:
    """The bill of the default settings: what is fixed, what follows use, and the NAT gateway by itself."""
    wished = dify_aws.Settings(environment="dev", nat_gateway=False)
    account, sheet = Account("123456789012", "aws", wished.region), PriceSheet.shipped()
    without = estimate_settings(wished, account, sheet)
    whole = estimate_settings(wished.replace(nat_gateway=True), account, sheet).total
    used = [row for row in without.rows if row.by_use]
    by_use = sum((row.monthly or Decimal() for row in used), Decimal())
    fixed = [(row.what, f"{row.quantity:,.4g} {row.unit}", row.monthly) for row in without.rows if not row.by_use]
    rows = [
        *fixed,
        ("**fixed**", "", without.total - by_use),
        (f"by use: {'; '.join(row.what for row in used)}", "[assumed](docs/cost.md#how-much-it-is-used)", by_use),
        ("**in all, with `nat_gateway=False`**", "", without.total),
        ("NAT gateway and its address (`nat_gateway=True`, the default)", "without traffic", whole - without.total),
        ("**in all, with it**", "", whole),
    ]
    head = ["| what | how much | $ a month |", "| --- | --- | ---: |"]
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


def policy() -> str:
    """The policy of who applies and destroys."""
    return _document(_every())


def reading_policy() -> str:
    """The policy of who only plans."""
    return _document(action for action in _every() if action.partition(":")[2].startswith(READS))


def _every() -> set[str]:
    return {action for permissions in _needed().values() for action in permissions}


def _needed() -> dict[str, frozenset[str]]:
    ours = {name: kind for name, kind in kinds().items() if kind.__module__.startswith("dify_aws.resources.")}
    return {name: kind.permissions for name, kind in ours.items()}


def _place(action: str) -> str:
    """The service whose things the action is narrowed to; "" for all things."""
    service = action.partition(":")[0]
    return service if service in NARROWED and not UNNARROWED.fullmatch(action) else ""


def _document(actions: Iterable[str]) -> str:
    wanted = set(actions)
    statements = [_statement(service, wanted) for service in ("", *NARROWED)]
    document = {"Version": "2012-10-17", "Statement": [each for each in statements if each["Action"]]}
    return f"```json\n{json.dumps(document, indent=2)}\n```"


def _statement(service: str, wanted: set[str]) -> dict[str, object]:
    allowed = sorted(action for action in wanted if _place(action) == service)
    return {"Effect": "Allow", "Action": allowed, "Resource": NARROWED.get(service, ["*"])}


if __name__ == "__main__":
    main()
