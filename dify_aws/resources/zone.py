"""Zone: the Availability Zone that a deployment lives in. A fact: nobody makes it, and it does not move."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dify_aws.aws import Aws
from dify_aws.change import Change
from dify_aws.engine.resource import Actual, Fact
from dify_aws.errors import ChangeRefused
from dify_aws.resources.instance import Instance
from dify_aws.resources.offerings import TABLE, offered_instead, zones_offering
from dify_aws.resources.subnet import Subnet
from dify_aws.resources.volume import Volume


@dataclass(frozen=True, kw_only=True, eq=False)
class Zone(Fact):
    """Where to put things; its id is the name of the zone.

    The one that was chosen; else that of the data volume, which cannot move; else that of the subnet; else the first
    zone that offers the instance type.

    Args:
        instance_type: what the zone must offer.
        volume: the address of the volume that decides ("volume/data").
        subnet: the address of the subnet that decides if there is no volume ("subnet/public").
        chosen: the zone that the settings name, if they do.
        instance: the address of the machine: where it runs already, its type is offered.
    """

    instance_type: str
    volume: str
    subnet: str
    chosen: str | None = None
    instance: str = "instance/host"

    kind = "zone"
    tables = ("volumes", "subnets", "instances", TABLE)
    permissions = frozenset(
        {
            "ec2:DescribeInstanceTypeOfferings",
            "ec2:DescribeInstances",
            "ec2:DescribeSubnets",
            "ec2:DescribeVolumes",
        }
    )

    def find(self, aws: Aws) -> Actual | None:
        zone = self.chosen or self._settled(aws)
        if zone:
            return Actual(address=self.address, id=zone, facts={"wrong": self._wrong(aws, zone)})
        return Actual(address=self.address, id=self._first_offered(aws), facts={"wrong": ""})

    def check(self, actual: Actual, changes: Mapping[str, Change]) -> None:
        if actual["wrong"]:
            raise ChangeRefused(self.address, str(actual["wrong"]))

    def _settled(self, aws: Aws) -> str | None:
        placed = [*Volume.owned(aws), *Subnet.owned(aws)]
        zones = {actual.address: str(actual["availability_zone"]) for actual in placed}
        return zones.get(self.volume) or zones.get(self.subnet)

    def _wrong(self, aws: Aws, zone: str) -> str:
        """Why a zone that is settled cannot be used for the type; "" if it can."""
        for machine in Instance.owned(aws):
            if machine.address == self.instance and machine["instance_type"] == self.instance_type:
                return ""
        offering = zones_offering(aws, self.instance_type)
        if zone in offering:
            return ""
        instead = ", ".join(offered_instead(aws, self.instance_type, zone)) or "other types"
        elsewhere = f"{self.instance_type} is offered in {', '.join(offering)}" if offering else "no zone offers it"
        if self._settled(aws) != zone:
            return f"{zone} does not offer {self.instance_type}: choose another availability_zone ({elsewhere})."
        return (
            f"{zone} does not offer {self.instance_type}, and the subnet or the data volume is there and cannot move. "
            f"Choose a type that {zone} offers ({instead}), or move the data volume to another zone by a snapshot "
            f"(docs/instance-types.md; {elsewhere})."
        )

    def _first_offered(self, aws: Aws) -> str:
        zones = zones_offering(aws, self.instance_type)
        if not zones:
            raise ChangeRefused(
                self.address,
                f"no Availability Zone of {aws.region} offers {self.instance_type}. Choose another instance type "
                f"(`aws ec2 describe-instance-type-offerings --region {aws.region}` lists them) or another region.",
            )
        return zones[0]
