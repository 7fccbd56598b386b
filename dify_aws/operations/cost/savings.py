"""Savings: what other settings would cost less, found by really estimating them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.errors import SettingsError
from dify_aws.operations.cost.bill import Use
from dify_aws.operations.cost.estimate import CostEstimate, Saving, estimate, products
from dify_aws.prices import PriceSheet
from dify_aws.settings import Settings
from dify_aws.topologies.account import Account
from dify_aws.topologies.single_host.topology import topology_of

SIZES: Final = ("nano", "micro", "small", "medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge")
"""Each has twice the one before it. https://docs.aws.amazon.com/ec2/latest/instancetypes/gp.html"""

AMD: Final = {"t3": "t3a", "m6i": "m6a", "m7i": "m7a"}
"""Families with a cheaper equivalent of the same size and processor architecture."""

SHORT_RETENTION: Final = 7


@dataclass(frozen=True)
class Alternative:
    """Other settings, and what has to be known before one chooses them."""

    changes: Mapping[str, Any]
    remark: str = ""

    def __str__(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.changes.items())


def estimate_settings(settings: Settings, account: Account, sheet: PriceSheet, use: Use | None = None) -> CostEstimate:
    """What a deployment with these settings costs a month, and what each flag would save. Asks AWS nothing.

    Args:
        account: where it stands.
        sheet: the prices, such as ``PriceSheet.shipped()``.
        use: how much it is used.
    """

    def cost(of: Settings) -> CostEstimate:
        return estimate(topology_of(of).stack(of, account), sheet, of.region, use)

    now = cost(settings)
    savings = []
    for changes, other in _others(settings):
        then = cost(other)
        # A row that neither knows is no difference; one that only one of them knows hides it.
        same = {row.what for row in now.unknown} == {row.what for row in then.unknown}
        savings.append(Saving(str(changes), now.total - then.total if same else None, changes.remark))
    return now.with_savings(savings)


def products_of(settings: Settings, account: Account, use: Use | None = None) -> frozenset[str]:
    """The products that :func:`estimate_settings` needs prices of: what a refresh of the sheet has to ask for."""
    others = [other for _, other in _others(settings)]
    return frozenset().union(*(products(topology_of(each).stack(each, account), use) for each in (settings, *others)))


def _others(settings: Settings) -> Iterator[tuple[Alternative, Settings]]:
    for changes in alternatives(settings):
        try:
            other = settings.replace(**changes.changes)
        except SettingsError:
            # Less than Dify needs.
            continue
        yield changes, other


def alternatives(settings: Settings) -> Iterator[Alternative]:
    """Settings that may cost less and still make a Dify; some of them Dify is too large for."""
    if settings.nat_gateway:
        yield Alternative({"nat_gateway": False}, "nothing in the private subnet uses it yet")
    family, _, size = settings.instance_type.partition(".")
    if size in SIZES[1:]:
        smaller = f"{family}.{SIZES[SIZES.index(size) - 1]}"
        if settings.profile == "full":
            yield Alternative({"profile": "compact", "instance_type": smaller}, "half the memory, fewer services")
        else:
            yield Alternative({"instance_type": smaller}, "half the memory")
    if family in AMD:
        yield Alternative({"instance_type": f"{AMD[family]}.{size}"}, "an AMD processor; not in every zone")
    if settings.data_volume_gib > 10:
        half = max(10, settings.data_volume_gib // 2)
        yield Alternative({"data_volume_gib": half}, "only for a new one: a volume does not shrink")
    if settings.log_retention_days > SHORT_RETENTION:
        yield Alternative({"log_retention_days": SHORT_RETENTION})
    other = "tunnel" if settings.ssh == "lease" else "lease"
    yield Alternative({"ssh": other}, "both ways in are free")
