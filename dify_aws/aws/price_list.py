"""The Price List of AWS: asked for exactly the products that a sheet has.

The API stands in a few regions only and tells the prices of all; who asks needs ``pricing:GetProducts``.
https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final, cast

from dify_aws.aws.client import Aws
from dify_aws.aws.errors.unexpected_answer import UnexpectedAnswer, reading
from dify_aws.foreign_json import parse_json
from dify_aws.prices import Price, PriceSheet, Product

HOME: Final = "us-east-1"
AT_ONCE: Final = 8


class NoPrice(Exception):
    """The Price List does not tell this price; the text says why."""


def refreshed(aws: Aws, sheet: PriceSheet, names: Iterable[str], *, today: date | None = None) -> PriceSheet:
    """``sheet`` with the prices of today for ``names`` in the region of ``aws``.

    What the Price List does not tell clearly keeps the price that it had, and a note says why.

    Raises:
        PermissionDenied, CredentialsError, AwsError: the Price List could not be asked.
    """
    known = {name: product for name in sorted(set(names)) if (product := sheet.product(name))}
    day = (today or datetime.now(UTC).date()).isoformat()
    home = Aws(aws.session, deployment=aws.deployment, region=HOME)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pending = {name: pool.submit(_ask, home, product, name, aws.region) for name, product in known.items()}
    prices: dict[tuple[str, str], Price] = {}
    notes: list[str] = []
    for name, answer in pending.items():
        try:
            with reading(name, "know its price"):
                prices[name, aws.region] = read(answer.result(), known[name].unit, f"by AWS's Price List API on {day}")
        except (NoPrice, UnexpectedAnswer) as why:
            notes.append(f"{name} in {aws.region} is priced as before, because {why}")
    return sheet.with_prices(day, prices, tuple(notes))


def read(answers: Iterable[str], unit: str, source: str) -> Price:
    """The one price in the documents that GetProducts gave.

    Raises:
        NoPrice: none or several are in it, or it is in another unit or currency.
    """
    rates = [_rate(parse_json(answer, parse_float=Decimal)) for answer in answers]
    # Counters of the free tier are listed like products, with nothing but zeros for a price.
    found = [rate for rate in rates if rate]
    if not found:
        raise NoPrice("AWS's Price List has no such product")
    if len(found) > 1:
        raise NoPrice(f"{len(found)} products of AWS's Price List are called so")
    rate = found[0]
    if rate["unit"] != unit:
        raise NoPrice(f"AWS's Price List tells it for each {rate['unit']}, not {unit}")
    if "USD" not in rate["pricePerUnit"]:
        raise NoPrice(f"AWS's Price List tells it in {', '.join(sorted(rate['pricePerUnit']))}, not in dollars")
    amount = Decimal(rate["pricePerUnit"]["USD"])
    if not amount.is_finite():
        raise NoPrice(f"AWS's Price List tells {amount} dollars")
    return Price(amount, unit, source)


def _ask(home: Aws, product: Product, name: str, region: str) -> list[str]:
    question = product.question(name, region)
    filters = [{"Field": field, "Type": kind, "Value": value} for field, kind, value in question]
    found = cast(
        list[str],
        home.pages(
            "pricing.GetProducts", "PriceList", ServiceCode=product.service, Filters=filters, FormatVersion="aws_v1"
        ),
    )
    # CONTAINS also finds CPUCredits:t3a for CPUCredits:t3.
    ends = {field: value for field, kind, value in question if kind == "CONTAINS"}
    exact = [each for each in found if _ends_with(parse_json(each), ends)]
    return exact or found


def _ends_with(document: Mapping[str, Any], ends: Mapping[str, str]) -> bool:
    attributes = document.get("product", {}).get("attributes", {})
    return all(str(attributes.get(field, "")).endswith(value) for field, value in ends.items())


def _rate(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The first step of the on-demand price that is not free: nobody here comes near the second one."""
    steps = [
        step
        for term in document.get("terms", {}).get("OnDemand", {}).values()
        for step in term["priceDimensions"].values()
        if any(Decimal(amount) for amount in step["pricePerUnit"].values())
    ]
    return min(steps, key=lambda step: Decimal(step.get("beginRange") or 0), default=None)
