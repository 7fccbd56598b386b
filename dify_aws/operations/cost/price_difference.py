"""PriceDifference: what a plan changes in the monthly bill."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from dify_aws.engine.plan import Action, Plan
from dify_aws.engine.resource import Actual
from dify_aws.operations.cost.estimate import fixed
from dify_aws.operations.cost.estimate_rendering import dollars
from dify_aws.prices import PriceSheet

PRICED: Final = frozenset(
    {"instance_type", "running", "root_volume_gib", "size_gib", "volume_type", "iops", "throughput_mib"}
)
"""The attributes that a price depends on."""


@dataclass(frozen=True)
class PriceDifference:
    """Dollars a month that each action adds (None: not known), without what depends on use, such as storage in S3."""

    by_address: Mapping[str, Decimal | None]
    prices_of: str

    @property
    def monthly(self) -> Decimal:
        """Dollars a month, of all that is known."""
        return sum((amount for amount in self.by_address.values() if amount is not None), Decimal())

    @property
    def unknown(self) -> tuple[str, ...]:
        """The addresses whose difference is not known."""
        return tuple(address for address, amount in self.by_address.items() if amount is None)

    def __str__(self) -> str:
        text = f"{dollars(self.monthly, signed=True)} $/month by AWS's list prices (sheet of {self.prices_of}), "
        text += "without what depends on use."
        if self.unknown:
            text += f" Not known is what these cost: {', '.join(self.unknown)}. estimate_cost(live=True) asks AWS."
        return text


def plan_difference(plan: Plan, sheet: PriceSheet, found: Iterable[Actual]) -> PriceDifference:
    """What ``plan`` adds to the bill of a month: what comes, less what goes.

    Args:
        sheet: the prices.
        found: what is there now (:func:`~dify_aws.operations.cost.waste.owned`), which a plan does not tell in full.
    """
    there = {actual.id: actual.values for actual in found}
    return PriceDifference(
        {
            action.address: amount
            for action in plan.actions
            if (amount := _difference(action, there.get(action.id, {}), sheet, plan.region)) != 0
        },
        sheet.date,
    )


def _difference(action: Action, now: Mapping[str, Any], sheet: PriceSheet, region: str) -> Decimal | None:
    desired = {change.attribute: change.after for change in action.changes}
    # A place that two things share is told with the id behind it.
    address = action.address.partition(" ")[0]

    def cost(values: Mapping[str, Any]) -> Decimal | None:
        return fixed({address: values}, sheet, region)

    match action.verb:
        case "keep":
            return Decimal()
        case "create":
            return cost(desired)
        case "delete":
            before = cost(now)
            return None if before is None else -before
        case "update":
            before, after = cost(now), cost({**now, **desired})
            return after - before if before is not None and after is not None else _unpriced(desired)


def _unpriced(desired: Mapping[str, Any]) -> Decimal | None:
    """No difference if nothing changes that AWS has a price for, however little we know of the thing."""
    return None if desired.keys() & PRICED else Decimal()
