"""Prices: what a NAT gateway costs, so that a plan can say so."""

from __future__ import annotations

from typing import Final

HOURS_A_MONTH: Final = 730

NAT_GATEWAY_HOUR: Final = {
    "ap-northeast-1": 0.062,
    "ap-northeast-2": 0.059,
    "ap-northeast-3": 0.062,
    "ap-south-1": 0.056,
    "ap-southeast-1": 0.059,
    "ap-southeast-2": 0.059,
    "ca-central-1": 0.05,
    "eu-central-1": 0.052,
    "eu-north-1": 0.046,
    "eu-west-1": 0.048,
    "eu-west-2": 0.05,
    "eu-west-3": 0.05,
    "sa-east-1": 0.093,
    "us-east-1": 0.045,
    "us-east-2": 0.045,
    "us-west-1": 0.048,
    "us-west-2": 0.045,
}
"""Dollars an hour, without traffic. https://aws.amazon.com/vpc/pricing/"""

PUBLIC_IPV4_HOUR: Final = 0.005
"""Dollars an hour for each public IPv4 address, in every region."""


def nat_gateway_month(region: str) -> str:
    """What a NAT gateway and its address cost a month without traffic, in words."""
    hour = NAT_GATEWAY_HOUR.get(region)
    if hour is None:
        return "between $33 and $68 a month, depending on the region"
    return f"about ${(hour + PUBLIC_IPV4_HOUR) * HOURS_A_MONTH:.0f} a month"
