"""Product: one thing that AWS has a price for, and how its Price List is asked for exactly that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, TypeAlias

CONTAINS: Final = "~"
"""At the end of a field: its value is a part of AWS's. Usage types begin with the region, each in its own manner."""

Filter: TypeAlias = tuple[str, str, str]
"""Field, type ("TERM_MATCH" or "CONTAINS") and value, as GetProducts takes them."""


@dataclass(frozen=True)
class Price:
    """Dollars for one ``unit`` (in AWS's words: "Hrs", "GB-Mo"), and where that is known from."""

    dollars: Decimal
    unit: str
    source: str


@dataclass(frozen=True, kw_only=True)
class Product:
    """One product in every region.

    Args:
        name: ours, such as "ebs/gp3". "instance/*" stands for all that have no name of their own here.
        service: AWS's service code.
        unit: what the price is for. An answer in another unit is not this product.
        filters: the fields that tell it from all others; ``{region}`` and ``{name}`` (what follows the slash) in a
            value are filled in, and a field that ends with ``~`` has to contain its value.
        prices: by region.
    """

    name: str
    service: str
    unit: str
    filters: Mapping[str, str]
    prices: Mapping[str, Price] = field(default_factory=dict)

    def question(self, name: str, region: str) -> tuple[Filter, ...]:
        """What to ask the Price List for the product called ``name`` in ``region``."""
        own = name.partition("/")[2]
        return tuple(
            (
                key.removesuffix(CONTAINS),
                "CONTAINS" if key.endswith(CONTAINS) else "TERM_MATCH",
                value.format(region=region, name=own),
            )
            for key, value in self.filters.items()
        )
