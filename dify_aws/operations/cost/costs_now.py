"""costs_now: what of an environment costs money at this moment, in one line for a run that was interrupted."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from dify_aws.engine.resource import Actual
from dify_aws.operations.cost.estimate import fixed
from dify_aws.operations.cost.estimate_rendering import dollars
from dify_aws.prices.sheet import PriceSheet


def costs_now(found: Mapping[str, object], sheet: PriceSheet, region: str) -> str:
    """What costs money however little it is used. Asks AWS nothing.

    Args:
        found: what there is, by address.
        sheet: the prices.
        region: where it is.

    Returns:
        One line; empty if nothing is known to be there.
    """
    there = {address: actual.values for address, actual in found.items() if isinstance(actual, Actual)}
    amounts = {address: fixed({address.partition(" ")[0]: values}, sheet, region) for address, values in there.items()}
    paid = [address for address, amount in amounts.items() if amount != 0]
    if not paid:
        return "Nothing that is there now has a fixed cost." if there else ""
    known = sum((amount for amount in amounts.values() if amount is not None), Decimal())
    text = f"costs money now: {', '.join(paid)}: ${dollars(known)} a month by list prices"
    unknown = [address for address in paid if amounts[address] is None]
    return text + (f", without {', '.join(unknown)} (price not known)." if unknown else ".")
