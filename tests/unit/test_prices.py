"""What the sheet of prices promises: each price has a date, a source and a question; what is not in it is not known."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

import pytest

from dify_aws.aws.price_list import NoPrice, read
from dify_aws.prices import Price, PriceSheet
from dify_aws.prices.nat_gateway import nat_gateway_month
from dify_aws.regions import REGIONS

SHEET = PriceSheet.shipped()
TOKYO = "ap-northeast-1"

LIKELY = {
    "Tokyo": "ap-northeast-1",
    "Osaka": "ap-northeast-3",
    "Singapore": "ap-southeast-1",
    "Seoul": "ap-northeast-2",
    "Sydney": "ap-southeast-2",
    "Mumbai": "ap-south-1",
    "N. Virginia": "us-east-1",
    "Ohio": "us-east-2",
    "Oregon": "us-west-2",
    "Ireland": "eu-west-1",
    "Frankfurt": "eu-central-1",
    "London": "eu-west-2",
}


@pytest.mark.parametrize("region", LIKELY.values(), ids=LIKELY)
def test_every_product_has_a_price_where_dify_is_likely_to_run(region: str) -> None:
    """But for the instance types that a region does not offer."""
    missing = [
        name
        for name in SHEET.products
        if not SHEET.price(name, region) and not name.startswith("instance/") and not name.endswith("/*")
    ]
    assert not missing
    assert SHEET.price("instance/t3.medium", region)


@pytest.mark.parametrize(
    ("smaller", "larger"),
    [
        ("t2.small", "t2.medium"),
        ("t2.medium", "t2.large"),
        ("t2.large", "t2.xlarge"),
        ("m6g.large", "m6g.xlarge"),
        ("m6g.xlarge", "m6g.2xlarge"),
        ("m7g.large", "m7g.xlarge"),
        ("m7g.xlarge", "m7g.2xlarge"),
    ],
)
@pytest.mark.parametrize("region", LIKELY.values(), ids=LIKELY)
def test_xen_and_graviton_types_have_a_price(region: str, smaller: str, larger: str) -> None:
    """In every region of the sheet; a size costs twice the one below it, so a wrong digit shows."""
    below, above = SHEET.price(f"instance/{smaller}", region), SHEET.price(f"instance/{larger}", region)
    assert below
    assert above
    assert abs(above.dollars / below.dollars - 2) < Decimal("0.04")


def test_the_regions_are_regions() -> None:
    assert set(SHEET.regions) <= REGIONS


def test_each_price_is_dated_and_says_where_it_is_known_from() -> None:
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", SHEET.date)
    prices = [price for product in SHEET.products.values() for price in product.prices.values()]
    assert all(price.dollars > 0 and price.unit and price.source for price in prices)
    # Whoever reads the sheet can tell what was compared with AWS from what was not.
    assert {"2026-09-05" in price.source for price in prices} == {True, False}


def test_what_is_not_in_the_sheet_is_not_known() -> None:
    assert SHEET.price("instance/u-24tb1.metal", TOKYO) is None
    assert SHEET.price("ebs/gp3", "sa-east-1") is None
    assert SHEET.product("teapot") is None


def test_each_product_says_how_it_is_queried_in_the_price_list() -> None:
    """The region is in every question, and no placeholder is left in any."""
    for name, product in SHEET.products.items():
        question = product.question(name, TOKYO)
        assert TOKYO in [value for _, _, value in question], name
        assert not [value for _, _, value in question if "{" in value], name


def test_a_type_that_is_not_in_the_sheet_can_be_queried_like_the_others() -> None:
    product = SHEET.product("instance/c7i.large")
    assert product is not None
    question = product.question("instance/c7i.large", TOKYO)
    assert ("instanceType", "TERM_MATCH", "c7i.large") in question
    assert not product.prices, "it only stands for that type"


def test_no_two_products_are_queried_alike() -> None:
    requested = [product.question(name, TOKYO) for name, product in SHEET.products.items()]
    assert len(set(requested)) == len(requested)


def test_newer_prices_replace_those_of_one_region_only() -> None:
    newer = SHEET.with_prices("2027-01-01", {("ebs/gp3", TOKYO): Price(Decimal(1), "GB-Mo", "test")}, ("a note",))

    found = newer.price("ebs/gp3", TOKYO)
    assert found
    assert (found.dollars, newer.date, newer.notes) == (Decimal(1), "2027-01-01", ("a note",))
    assert newer.price("ebs/gp3", "eu-west-1") == SHEET.price("ebs/gp3", "eu-west-1")
    assert SHEET.date != newer.date


def test_a_new_type_has_a_price_where_it_was_requested() -> None:
    newer = SHEET.with_prices("2027-01-01", {("instance/c7i.large", TOKYO): Price(Decimal(1), "Hrs", "test")})

    assert newer.price("instance/c7i.large", TOKYO)
    assert newer.price("instance/c7i.large", "eu-west-1") is None


def test_a_nat_gateway_in_words() -> None:
    assert nat_gateway_month(TOKYO) == "about $49 a month"
    assert nat_gateway_month("sa-east-1") == "between $33 and $68 a month, depending on the region"


# The answers of GetProducts are JSON documents in a list. These have the form of recorded ones; what we do not read is
# left out.


def document(*steps: dict[str, Any], terms: str = "OnDemand") -> str:
    dimensions = {f"SKU.TERM.{place}": step for place, step in enumerate(steps)}
    offer = {"SKU.TERM": {"offerTermCode": "TERM", "sku": "SKU", "priceDimensions": dimensions, "termAttributes": {}}}
    product = {"productFamily": "Storage", "attributes": {"regionCode": TOKYO}, "sku": "SKU"}
    return json.dumps({"product": product, "serviceCode": "AmazonS3", "terms": {terms: offer}, "version": "1"})


def step(dollars: str, unit: str = "GB-Mo", currency: str = "USD", begins: str = "0") -> dict[str, Any]:
    return {"unit": unit, "beginRange": begins, "endRange": "Inf", "pricePerUnit": {currency: dollars}, "appliesTo": []}


@pytest.mark.parametrize(
    ("answers", "dollars"),
    [
        pytest.param([document(step("0.0250000000"))], "0.025", id="one"),
        pytest.param([document(step("0.022", begins="51200"), step("0.025"))], "0.025", id="the-first-step"),
        pytest.param([document(step("0"), step("0.285", begins="25"))], "0.285", id="a-free-step-is-not-the-price"),
        pytest.param([document(step("0")), document(step("0.114"))], "0.114", id="a-counter-of-the-free-tier"),
    ],
)
def test_one_price_is_read_out_of_an_answer(answers: list[str], dollars: str) -> None:
    assert read(answers, "GB-Mo", "test") == Price(Decimal(dollars), "GB-Mo", "test")


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        pytest.param([], "no such product", id="none"),
        pytest.param([document(step("0.025"), terms="Reserved")], "no such product", id="only-reserved"),
        pytest.param([document(step("1")), document(step("2"))], "2 products", id="two"),
        pytest.param(
            [document(step("0.025", currency="CNY"))], "tells it in CNY, not in dollars", id="another-currency"
        ),
        pytest.param([document(step("0.025", unit="Hrs"))], "for each Hrs, not GB-Mo", id="another-unit"),
    ],
)
def test_what_the_price_list_does_not_tell_clearly_is_no_price(answers: list[str], why: str) -> None:
    with pytest.raises(NoPrice, match=why):
        read(answers, "GB-Mo", "test")
