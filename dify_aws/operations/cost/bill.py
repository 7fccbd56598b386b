"""Bill: what AWS counts for each thing, as quantities of products. Prices are put to them elsewhere.

A kind is here with its lines, or says of itself that it is ``free``; any other has a cost that is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Final, TypeAlias

from dify_aws.engine.resource import kinds
from dify_aws.prices.cpu_credits import surplus_product
from dify_aws.prices.nat_gateway import HOURS_A_MONTH

Values: TypeAlias = Mapping[str, Any]
"""The attributes of a thing: as desired, or as found."""

GP3_IOPS: Final = 3000
GP3_THROUGHPUT: Final = 125
"""What a gp3 volume comes with. https://docs.aws.amazon.com/ebs/latest/userguide/general-purpose.html"""

FREE_INTERNET_GB: Final = 100
"""What an account may send to the internet each month for nothing. https://aws.amazon.com/ec2/pricing/on-demand/"""

LOG_COMPRESSION: Final = Decimal("0.15")
"""What stays of a log when CloudWatch has compressed it; AWS's calculator reckons with it too."""


@dataclass(frozen=True, kw_only=True)
class Use:
    """What cannot be read off the settings: how much a deployment is used. All of it is an assumption, and is listed.

    Args:
        hours: hours a month that the machine runs.
        uploads_gb: GB in the bucket, in S3's standard class.
        instant_retrieval_gb: GB in the bucket that are old enough for the class Glacier Instant Retrieval.
        glacier_gb: GB in the bucket that are old enough for the class Glacier Flexible Retrieval.
        logs_gb: GB of logs a month, all groups together.
        internet_gb: GB a month from the machine to the internet.
        nat_gb: GB a month through the NAT gateway.
        metrics: the metrics of the CloudWatch agent, each a name and its dimensions.
        surplus_vcpu_hours: hours a month, summed over the processors, that a burstable type computes beyond the credits
            it has earned; only with cpu_credits="unlimited".
    """

    hours: int = HOURS_A_MONTH
    uploads_gb: int = 50
    instant_retrieval_gb: int = 0
    glacier_gb: int = 0
    logs_gb: int = 10
    internet_gb: int = 20
    nat_gb: int = 0
    metrics: int = 8
    surplus_vcpu_hours: int = 0

    def __post_init__(self) -> None:
        for each in fields(self):
            if getattr(self, each.name) < 0:
                raise ValueError(f"{each.name} = {getattr(self, each.name)}: less than nothing cannot be used")

    def assumptions(self) -> tuple[str, ...]:
        """The same in sentences."""
        return (
            f"The machine runs {self.hours} of {HOURS_A_MONTH} hours a month.",
            f"The bucket holds {self.uploads_gb} GB in S3 Standard, {self.instant_retrieval_gb} GB in Glacier Instant "
            f"Retrieval and {self.glacier_gb} GB in Glacier; requests to it are not counted.",
            f"{self.logs_gb} GB of logs a month; CloudWatch keeps {LOG_COMPRESSION:%} of it after compression.",
            f"{self.internet_gb} GB a month go to the internet ({FREE_INTERNET_GB} GB are free), "
            f"{self.nat_gb} GB through the NAT gateway.",
            f"The CloudWatch agent sends {self.metrics} metrics.",
            f"A burstable type computes {self.surplus_vcpu_hours} vCPU hours a month beyond its CPU credits.",
            "List prices on demand: without tax, free tier and discounts.",
        )


@dataclass(frozen=True)
class Line:
    """Some of a product, a month. ``quantity`` None: nobody can know. ``by_use``: it depends on how it is used."""

    product: str
    what: str
    quantity: Decimal | None
    by_use: bool = False


def lines(kind: str, values: Values, use: Use, *, share: int = 1) -> tuple[Line, ...] | None:
    """What AWS counts for one thing of ``kind``. None: not known.

    Args:
        share: among how many of its kind the whole use is shared.
    """
    if (known := kinds().get(kind)) is not None and known.free:
        return ()
    counted = COUNTED.get(kind)
    return tuple(counted(values, use, share)) if counted else None


def _instance(values: Values, use: Use, share: int) -> Iterator[Line]:
    kind = values.get("instance_type", "?")
    if values.get("running", True):
        yield Line(f"instance/{kind}", f"EC2 {kind}", Decimal(use.hours))
    if values.get("cpu_credits") == "unlimited" and use.surplus_vcpu_hours:
        hours = Decimal(use.surplus_vcpu_hours)
        yield Line(surplus_product(kind), "CPU credits beyond those that are earned", hours, by_use=True)
    yield Line("ebs/gp3", "root disk, gp3", _number(values.get("root_volume_gib")))
    billed = max(0, use.internet_gb - FREE_INTERNET_GB)
    if billed:
        yield Line("internet", f"traffic to the internet beyond {FREE_INTERNET_GB} GB", Decimal(billed), by_use=True)


def _volume(values: Values, use: Use, share: int) -> Iterator[Line]:
    kind = values.get("volume_type", "gp3")
    yield Line(f"ebs/{kind}", f"data volume, {kind}", _number(values.get("size_gib")))
    if (values.get("iops") or 0) > GP3_IOPS:
        yield Line("ebs/iops", "IOPS that were paid for", _number(values["iops"] - GP3_IOPS))
    if (values.get("throughput_mib") or 0) > GP3_THROUGHPUT:
        yield Line("ebs/throughput", "MiB/s that were paid for", _number(values["throughput_mib"] - GP3_THROUGHPUT))


def _address(values: Values, use: Use, share: int) -> Iterator[Line]:
    # AWS counts it every hour, in use or not. https://aws.amazon.com/vpc/pricing/
    yield Line("public-ipv4", "public IPv4 address", Decimal(HOURS_A_MONTH))


def _nat_gateway(values: Values, use: Use, share: int) -> Iterator[Line]:
    yield Line("nat-gateway/hour", "NAT gateway", Decimal(HOURS_A_MONTH))
    if use.nat_gb:
        yield Line("nat-gateway/gb", "traffic through the NAT gateway", Decimal(use.nat_gb), by_use=True)


def _bucket(values: Values, use: Use, share: int) -> Iterator[Line]:
    classes = (
        ("STANDARD", "S3 Standard", use.uploads_gb),
        ("GLACIER_IR", "S3 Glacier Instant Retrieval", use.instant_retrieval_gb),
        ("GLACIER", "S3 Glacier", use.glacier_gb),
    )
    for name, what, amount in classes:
        if amount:
            yield Line(f"s3/{name}", what, Decimal(amount) / share, by_use=True)


def _log_group(values: Values, use: Use, share: int) -> Iterator[Line]:
    if use.logs_gb:
        ingested = Decimal(use.logs_gb) / share
        yield Line("logs/ingested", "CloudWatch Logs, taken in", ingested, by_use=True)
        # A group without retention grows for ever: there is no month to tell.
        months = values["retention_days"] / Decimal(30) if values.get("retention_days") else None
        stored = ingested * months * LOG_COMPRESSION if months is not None else None
        yield Line("logs/stored", "CloudWatch Logs, kept", stored, by_use=True)


def _alarm(values: Values, use: Use, share: int) -> Iterator[Line]:
    yield Line("alarm", "CloudWatch alarm", Decimal(1))
    # The metrics come from the agent on the machine; the alarms stand for it, because nothing else of it is in AWS.
    if use.metrics:
        yield Line("metric", "metrics of the CloudWatch agent", Decimal(use.metrics) / share, by_use=True)


def _secret(values: Values, use: Use, share: int) -> Iterator[Line]:
    yield Line("secret", "secret in Secrets Manager", Decimal(1))


COUNTED: Final[Mapping[str, Callable[[Values, Use, int], Iterator[Line]]]] = {
    "alarm": _alarm,
    "bucket": _bucket,
    "elastic-ip": _address,
    "instance": _instance,
    "log-group": _log_group,
    "nat-gateway": _nat_gateway,
    "secret": _secret,
    "volume": _volume,
}


def _number(value: object) -> Decimal | None:
    return Decimal(value) if isinstance(value, int) else None
