"""Offerings: which Availability Zones offer an instance type, and what a zone offers in its place."""

from __future__ import annotations

import re
from typing import Final

from dify_aws.aws import Aws

TABLE: Final = "zones"
"""The table of the read cache with the zones that offer a type."""

FAMILIES: Final = ("t3", "t3a", "t4g", "t2", "m7i", "m7a", "m7g", "m6i", "m6a", "m6g", "m5", "m5a")
"""Families of general purpose, which a person may take for one another."""


def zones_offering(aws: Aws, instance_type: str) -> list[str]:
    """The zones of the region that offer the type, by name. One call a run.

    Local Zones and Wavelength Zones, which have longer names ("us-west-2-lax-1a"), are left out.
    """
    offers = aws.read_cache.read(
        TABLE,
        lambda: aws.pages(
            "ec2.DescribeInstanceTypeOfferings",
            "InstanceTypeOfferings",
            LocationType="availability-zone",
            Filters=[{"Name": "instance-type", "Values": [instance_type]}],
        ),
        instance_type,
    )
    zones = sorted(str(offer["Location"]) for offer in offers)
    return [zone for zone in zones if re.fullmatch(re.escape(aws.region) + "[a-z]", zone)]


def offered_instead(aws: Aws, instance_type: str, zone: str) -> list[str]:
    """Types of general purpose and of the same size that the zone offers. Asked only when something is wrong."""
    size = instance_type.partition(".")[2]
    alike = [f"{family}.{size}" for family in FAMILIES if f"{family}.{size}" != instance_type]
    offers = aws.pages(
        "ec2.DescribeInstanceTypeOfferings",
        "InstanceTypeOfferings",
        LocationType="availability-zone",
        Filters=[{"Name": "location", "Values": [zone]}, {"Name": "instance-type", "Values": alike}],
    )
    found = {str(offer["InstanceType"]) for offer in offers}
    return [each for each in alike if each in found]
