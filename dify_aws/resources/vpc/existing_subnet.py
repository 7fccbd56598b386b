"""ExistingSubnet: a subnet that somebody else made and keeps. It is used, and never changed or deleted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.engine.fact import Fact
from dify_aws.engine.resource import Actual
from dify_aws.errors import ChangeRefused
from dify_aws.resources.ec2.offerings import zones_offering
from dify_aws.resources.vpc.existing_vpc import TABLE, described, ours

ROOM: Final = 2
"""Addresses that are free, for the machine or the endpoint and one to make it anew beside the old one."""

EVERYWHERE: Final = "0.0.0.0/0"


@dataclass(frozen=True, kw_only=True, eq=False)
class ExistingSubnet(Fact):
    """A subnet by its id. In the stack it stands where our own would stand: "subnet/public".

    Args:
        subnet_id: AWS's id of it.
        vpc_id: the VPC that it has to be in.
        public: its routes have to lead to an internet gateway.
        instance_type: what its zone has to offer; None asks for nothing.
    """

    subnet_id: str
    vpc_id: str
    public: bool = False
    instance_type: str | None = None

    kind = "existing-subnet"
    free = True
    tables = (TABLE, "zones")
    permissions = frozenset({"ec2:DescribeInstanceTypeOfferings", "ec2:DescribeRouteTables", "ec2:DescribeSubnets"})

    @property
    def address(self) -> str:
        return f"subnet/{self.name}"

    def find(self, aws: Aws) -> Actual | None:
        """The subnet.

        Raises:
            ChangeRefused: it is not there, or not fit; with all that is wrong.
        """
        subnet = described(self.address, aws, "ec2.DescribeSubnets", "Subnets", "SubnetIds", self.subnet_id)
        if wrong := list(self._wrong(aws, subnet)):
            raise ChangeRefused(self.address, f"{self.subnet_id} cannot be used: " + " ".join(wrong))
        facts = {"cidr_block": subnet["CidrBlock"], "availability_zone": subnet["AvailabilityZone"]}
        return Actual(address=self.address, id=self.subnet_id, facts=facts)

    def _wrong(self, aws: Aws, subnet: dict[str, Any]) -> Iterator[str]:
        yield from ours(aws, subnet, f"{self.name}_subnet_id")
        if subnet["VpcId"] != self.vpc_id:
            yield f"it is in {subnet['VpcId']}, and not in {self.vpc_id}."
            return
        if subnet["AvailableIpAddressCount"] < ROOM:
            yield f"it has room for {subnet['AvailableIpAddressCount']} more addresses; {ROOM} are needed."
        if self.public and not self._leads_out(aws):
            yield f"its routes lead to no internet gateway: give {EVERYWHERE} one, or choose a subnet that has it."
        zone = subnet["AvailabilityZone"]
        if self.instance_type and zone not in zones_offering(aws, self.instance_type):
            yield f"{zone} does not offer {self.instance_type}: choose another instance_type, or another subnet."

    def _leads_out(self, aws: Aws) -> bool:
        """By its own route table; without one, the main table of the VPC counts.

        https://docs.aws.amazon.com/vpc/latest/userguide/subnet-route-tables.html
        """
        for filters in (
            {"association.subnet-id": self.subnet_id},
            {"vpc-id": self.vpc_id, "association.main": "true"},
        ):
            parameters = [{"Name": name, "Values": [value]} for name, value in filters.items()]
            if tables := aws.pages("ec2.DescribeRouteTables", "RouteTables", Filters=parameters):
                return any(
                    route.get("DestinationCidrBlock") == EVERYWHERE
                    and route.get("GatewayId", "").startswith("igw-")
                    and route.get("State") != "blackhole"
                    for route in tables[0]["Routes"]
                )
        return False
