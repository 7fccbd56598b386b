"""Waste: what is ours, is paid for every month, and is of use to nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dify_aws.aws import Aws
from dify_aws.engine.discovery import is_possible
from dify_aws.engine.discovery import owned as listed
from dify_aws.engine.resource import Actual, kinds
from dify_aws.operations.cost.estimate import fixed
from dify_aws.operations.cost.estimate_rendering import dollars
from dify_aws.prices import PriceSheet
from dify_aws.topologies.kinds import ENVIRONMENT_KINDS


@dataclass(frozen=True)
class WasteRow:
    """One thing that costs ``monthly`` dollars (None: not known) for nothing, why, and what can be done."""

    address: str
    id: str
    monthly: Decimal | None
    why: str
    remedy: str

    def __str__(self) -> str:
        cost = "at an unknown price" if self.monthly is None else f"${dollars(self.monthly)} a month"
        return f"{self.address} ({self.id}), {cost}: {self.why}. {self.remedy}"


def owned(aws: Aws) -> tuple[Actual, ...]:
    """Everything that carries the deployment's tag, as ``aws`` has last looked.

    Right after a plan that is without a call, for the plan has looked; ``aws.begin()`` before it looks anew.
    """
    possible = [kind for _, kind in sorted(kinds().items()) if is_possible(kind, ENVIRONMENT_KINDS)]
    return tuple(actual for kind in possible for actual in listed(kind, aws))


def waste(found: Iterable[Actual], sheet: PriceSheet, region: str) -> tuple[WasteRow, ...]:
    """What of ``found`` is paid for and not used. Asks AWS nothing.

    Args:
        found: what is there, as :func:`owned` tells it.
        sheet: the prices.
        region: where it is.
    """
    things = tuple(found)
    return tuple(
        WasteRow(
            idle[0].address,
            idle[0].id,
            fixed({each.address: each.values for each in idle}, sheet, region),
            why,
            remedy,
        )
        for idle, why, remedy in _idle(things)
    )


def _idle(things: Sequence[Actual]) -> Iterator[tuple[tuple[Actual, ...], str, str]]:
    """A thing of no use and what goes with it, why, and what can be done."""
    gateways = [actual for actual in things if _is(actual, "nat-gateway")]
    taken = {gateway.values["allocation"] for gateway in gateways}
    for gateway in gateways:
        if not _used(gateway, things):
            yield (
                (gateway, *(actual for actual in things if actual.id == gateway.values["allocation"])),
                "no machine of this deployment stands in a subnet that goes out through it",
                "nat_gateway=False takes it and its address away; it can come back when something needs it.",
            )
    for actual in things:
        if _is(actual, "elastic-ip") and not actual.facts["association_id"] and actual.id not in taken:
            yield (actual,), "it points to nothing", "apply() uses it again, and destroy() gives it back."
        if _is(actual, "volume") and actual.facts["state"] == "available":
            yield (
                (actual,),
                "it is attached to no machine",
                "It holds data: apply() attaches it again; destroy(delete_data=True) deletes it with what is in it.",
            )


def _used(gateway: Actual, things: Iterable[Actual]) -> bool:
    """Whether a machine of ours stands in a subnet whose routes lead to the gateway."""
    routed: set[str] = set()
    lock_state: set[str] = set()
    for actual in things:
        if _is(actual, "route-table") and gateway.id in actual.values["routes"].values():
            routed |= set(actual.values["subnets"])
        if _is(actual, "instance"):
            lock_state.add(actual.values["subnet"])
    return bool(routed & lock_state)


def _is(actual: Actual, kind: str) -> bool:
    return actual.address.partition("/")[0] == kind
