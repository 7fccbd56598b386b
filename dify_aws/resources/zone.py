"""Zone: the Availability Zone that a deployment lives in. A fact: nobody makes it, and it does not move."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dify_aws.aws import Aws
from dify_aws.engine.resource import Actual, Fact
from dify_aws.errors import ChangeRefused
from dify_aws.resources.subnet import Subnet
from dify_aws.resources.volume import Volume


@dataclass(frozen=True, kw_only=True, eq=False)
class Zone(Fact):
    """Where to put things; its id is the name of the zone.

    With the data volume, which cannot move; else with the subnet; else in the first zone that offers the instance type.

    Args:
        instance_type: what the zone must offer.
        volume: the address of the volume that decides ("volume/data").
        subnet: the address of the subnet that decides if there is no volume ("subnet/public").
    """

    instance_type: str
    volume: str
    subnet: str

    kind = "zone"
    tables = ("volumes", "subnets", "zones")
    permissions = frozenset(
        {
            "ec2:DescribeInstanceTypeOfferings",
            "ec2:DescribeSubnets",
            "ec2:DescribeVolumes",
        }
    )

    def find(self, aws: Aws) -> Actual | None:
        zone = self._settled(aws) or self._first_offered(aws)
        return Actual(address=self.address, id=zone)

    def _settled(self, aws: Aws) -> str | None:
        placed = [*Volume.owned(aws), *Subnet.owned(aws)]
        zones = {actual.address: str(actual["availability_zone"]) for actual in placed}
        return zones.get(self.volume) or zones.get(self.subnet)

    def _first_offered(self, aws: Aws) -> str:
        offers = aws.census.read(
            "zones",
            lambda: aws.pages(
                "ec2.DescribeInstanceTypeOfferings",
                "InstanceTypeOfferings",
                LocationType="availability-zone",
                Filters=[{"Name": "instance-type", "Values": [self.instance_type]}],
            ),
            self.instance_type,
        )
        for zone in sorted(str(offer["Location"]) for offer in offers):
            # Local Zones and Wavelength Zones have longer names: "us-west-2-lax-1a".
            if re.fullmatch(re.escape(aws.region) + "[a-z]", zone):
                return zone
        raise ChangeRefused(
            self.address,
            f"no Availability Zone of {aws.region} offers {self.instance_type}. Choose another instance type "
            f"(`aws ec2 describe-instance-type-offerings --region {aws.region}` lists them) or another region.",
        )
