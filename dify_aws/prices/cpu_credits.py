"""The price of CPU credits that a burstable type uses beyond those it earns ("unlimited").

https://aws.amazon.com/ec2/instance-types/t3/
"""

from __future__ import annotations

from decimal import Decimal

from dify_aws.instance_types import surplus_vcpu_hours
from dify_aws.prices.nat_gateway import HOURS_A_MONTH
from dify_aws.prices.sheet import PriceSheet


def surplus_product(instance_type: str) -> str:
    """The name of the product in the price sheet, as "cpu-credits/t3"."""
    return f"cpu-credits/{instance_type.partition('.')[0]}"


def surplus_month(instance_type: str, region: str) -> Decimal | None:
    """Dollars that surplus credits cost in a month in which all processors are busy all the time; None: not known."""
    price = PriceSheet.shipped().price(surplus_product(instance_type), region)
    hours = surplus_vcpu_hours(instance_type, HOURS_A_MONTH)
    return price.dollars * Decimal(hours) if price and hours else None
