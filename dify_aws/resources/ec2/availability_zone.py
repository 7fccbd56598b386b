"""Zone: the Availability Zone that a deployment lives in. A fact: nobody makes it, and where data is, it is fixed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, TypeGuard

from dify_aws.aws import Aws
from dify_aws.change import Change
from dify_aws.engine.fact import Alternative, Fact
from dify_aws.engine.resource import Actual
from dify_aws.errors import AwsError, ChangeRefused
from dify_aws.resources.ec2.instance import Instance
from dify_aws.resources.ec2.offerings import TABLE, offered_instead, zones_offering
from dify_aws.resources.ec2.volume import Volume
from dify_aws.resources.vpc.subnet import Subnet

NO_CAPACITY: Final = "InsufficientInstanceCapacity"

ALL_REFUSED: Final = (
    "AWS has no room for {type} at this moment in any zone of {region} that offers it; nothing is wrong with the "
    "settings. Wait and run again: all of these zones are tried again, and it often passes within the hour. Or choose "
    "another instance_type (`aws ec2 describe-instance-type-offerings --location-type availability-zone` lists them), "
    "or another region."
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Zone(Fact):
    """Where to put things; its id is the name of the zone.

    The one that was chosen; else that of the data volume, which cannot move; else that of a subnet; else the first zone
    that offers the instance type. If AWS has no capacity for the type there, another zone can be in its place as long
    as there is neither a volume nor a machine, and none was chosen.

    Args:
        instance_type: what the zone must offer.
        volume: the address of the volume that decides ("volume/data").
        subnet: the address of the subnet that decides if there is no volume ("subnet/public").
        chosen: the zone that the settings name, if they do.
        instance: the address of the machine: where it runs already, its type is offered.
        refused: what AWS answered in the zones that have been tried in vain, by zone.
    """

    instance_type: str
    volume: str
    subnet: str
    chosen: str | None = None
    instance: str = "instance/host"
    refused: Mapping[str, AwsError] = field(default_factory=dict)

    kind = "zone"
    free = True
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
        if self.chosen:
            return self._seen(self.chosen, wrong=self._wrong(aws, self.chosen))
        settled = self._stable(aws)
        wrong = self._wrong(aws, settled) if settled else ""
        zone = settled or self._first_offered(aws)
        return self._seen(zone, wrong, () if wrong or _ties(aws) else self._others(aws, zone))

    def _seen(self, zone: str, wrong: str, others: tuple[str, ...] = ()) -> Actual:
        return Actual(address=self.address, id=zone, facts={"wrong": wrong, "others": others})

    def note(self, actual: Actual) -> str:
        if not actual["others"]:
            return ""
        return (
            f"The zone is {actual.id}. If AWS has no capacity for {self.instance_type} there, the run goes on in "
            f"{' or '.join(actual['others'])}: what was made in {actual.id} (the subnets and what is in them; no data) "
            "is deleted and made again there."
        )

    def alternative(self, aws: Aws, actual: Actual, failures: Mapping[str, Exception]) -> Alternative | None:
        error = failures.get(self.instance)
        if not actual["others"] or len(failures) > 1 or not _lacks_capacity(error):
            return None
        # Nobody else is at work, and still: where data is, nothing is taken for granted.
        aws.read_cache.forget("volumes", "instances")
        if _ties(aws):
            return None
        refused = {**self.refused, actual.id: error}
        return Alternative(replace(self, refused=refused), f"no capacity for {self.instance_type} in {actual.id}")

    def explained(self, aws: Aws, actual: Actual, failures: Mapping[str, Exception]) -> Mapping[str, Exception]:
        error = failures.get(self.instance)
        if not self.refused or not _lacks_capacity(error):
            return failures
        answers = {**self.refused, actual.id: error}
        each = "; ".join(
            f"{zone}: {answer.code}" + (f" (request id {answer.request_id})" if answer.request_id else "")
            for zone, answer in answers.items()
        )
        advice = ALL_REFUSED.format(type=self.instance_type, region=aws.region)
        tried = AwsError(error.operation, error.code, f"{each}. {error.message}", status=error.status, advice=advice)
        return {**failures, self.instance: tried}

    def check(self, actual: Actual, changes: Mapping[str, Change]) -> None:
        if actual["wrong"]:
            raise ChangeRefused(self.address, str(actual["wrong"]))

    def _stable(self, aws: Aws) -> str | None:
        placed = [*Volume.owned(aws), *Subnet.owned(aws)]
        zones = {actual.address: str(actual["availability_zone"]) for actual in placed}
        # A run that died may have left any one of the subnets.
        zone = zones.get(self.volume) or zones.get(self.subnet) or min(zones.values(), default=None)
        return None if zone in self.refused else zone

    def _others(self, aws: Aws, zone: str) -> tuple[str, ...]:
        return tuple(other for other in zones_offering(aws, self.instance_type) if other not in {zone, *self.refused})

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
        if self._stable(aws) != zone:
            return f"{zone} does not offer {self.instance_type}: choose another availability_zone ({elsewhere})."
        return (
            f"{zone} does not offer {self.instance_type}, and the subnet or the data volume is there and cannot move. "
            f"Choose a type that {zone} offers ({instead}), or move the data volume to another zone by a snapshot "
            f"(docs/instance-types.md; {elsewhere})."
        )

    def _first_offered(self, aws: Aws) -> str:
        zones = [zone for zone in zones_offering(aws, self.instance_type) if zone not in self.refused]
        if not zones:
            raise ChangeRefused(
                self.address,
                f"no Availability Zone of {aws.region} offers {self.instance_type}. Choose another instance type "
                f"(`aws ec2 describe-instance-type-offerings --region {aws.region}` lists them) or another region.",
            )
        return zones[0]


def _ties(aws: Aws) -> bool:
    """Whether there is what cannot leave its zone: a volume of the deployment, whatever is on it, or a machine."""
    return any(True for kind in (Volume, Instance) for _ in kind.owned(aws))


def _lacks_capacity(error: Exception | None) -> TypeGuard[AwsError]:
    return isinstance(error, AwsError) and (error.operation, error.code) == ("ec2.RunInstances", NO_CAPACITY)
