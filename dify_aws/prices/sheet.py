"""PriceSheet: what everything costs, by product and region, with the date and the source of each price."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Self

from dify_aws.prices.product import Price, Product


@dataclass(frozen=True)
class PriceSheet:
    """AWS's list prices in dollars: on demand, without tax, free tier and discounts.

    A price that is not in it is not known. It is never taken for zero.

    Args:
        date: the day of the newest price in it, as in "2026-11-24".
        products: by name.
        notes: what a refresh could not find out; those prices are the old ones.
    """

    date: str
    products: Mapping[str, Product] = field(repr=False)
    notes: tuple[str, ...] = ()

    @classmethod
    def shipped(cls) -> PriceSheet:
        """The sheet that comes with the package."""
        return _shipped()

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The sheet in ``text``, which is laid out like the ``sheet.json`` of this package."""
        data = json.loads(text, parse_float=Decimal)
        products = [each for name, row in data["products"].items() for each in _products(name, row, data["sources"])]
        return cls(data["date"], MappingProxyType({each.name: each for each in products}))

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that it knows prices of, sorted."""
        return tuple(sorted({region for product in self.products.values() for region in product.prices}))

    def product(self, name: str) -> Product | None:
        """The product called ``name``, or the one that stands for all of its kind; None if we know of neither."""
        return self.products.get(name) or self.products.get(f"{name.partition('/')[0]}/*")

    def price(self, name: str, region: str) -> Price | None:
        """What one unit of a product costs in a region. None: not known."""
        product = self.products.get(name)
        return product.prices.get(region) if product else None

    def with_prices(self, date: str, prices: Mapping[tuple[str, str], Price], notes: tuple[str, ...] = ()) -> Self:
        """The same sheet with newer prices, by name of the product and region."""
        products = dict(self.products)
        for (name, region), price in prices.items():
            product = self.product(name)
            if product is None:
                raise KeyError(name)
            products[name] = replace(product, name=name, prices={**_own(product, name), region: price})
        return replace(self, date=date, products=MappingProxyType(products), notes=notes)


def _own(product: Product, name: str) -> Mapping[str, Price]:
    """The prices of the product, and none if it only stands for that one."""
    return product.prices if product.name == name else {}


@cache
def _shipped() -> PriceSheet:
    return PriceSheet.from_json(files("dify_aws.prices").joinpath("sheet.json").read_text(encoding="utf-8"))


def _products(name: str, row: Mapping[str, Any], sources: Mapping[str, str]) -> list[Product]:
    """The product of a row; for a row that stands for many, itself and each that has prices there."""

    def product(name: str, dollars: Mapping[str, Decimal]) -> Product:
        prices = {
            region: Price(amount, row["unit"], sources[row["checked"].get(region, row["source"])])
            for region, amount in dollars.items()
        }
        return Product(name=name, service=row["service"], unit=row["unit"], filters=row["filters"], prices=prices)

    if not name.endswith("/*"):
        return [product(name, row["prices"])]
    return [product(name, {}), *(product(name[:-1] + own, dollars) for own, dollars in row["prices"].items())]
