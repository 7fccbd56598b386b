"""The price of a NAT gateway in words, because it is the one thing that many pay for and do not use."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from dify_aws.prices.sheet import PriceSheet

HOURS_A_MONTH: Final = 730
"""As AWS's own calculator counts. https://calculator.aws/"""


def nat_gateway_month(region: str) -> str:
    """What a NAT gateway and its address cost a month without traffic, in words."""
    sheet = PriceSheet.shipped()
    hourly = [sheet.price(name, region) for name in ("nat-gateway/hour", "public-ipv4")]
    known = [price.dollars for price in hourly if price]
    if len(known) < len(hourly):
        return "between $33 and $68 a month, depending on the region"
    return f"about ${sum(known, Decimal()) * HOURS_A_MONTH:.0f} a month"
