"""Scene: what every check of a diagnosis may look at. Nothing in it changes anything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from dify_aws.aws import Aws
from dify_aws.aws.date import answered_at
from dify_aws.engine.resource import Actual
from dify_aws.engine.stack import Stack
from dify_aws.errors import DifyAwsError
from dify_aws.operations.access.connectivity import Connectivity
from dify_aws.operations.diagnosis.diagnosis import Finding
from dify_aws.settings import Settings
from dify_aws.topologies.single_host.topology import topology_of
from dify_aws.topologies.topology import ResourceAddresses

Check: TypeAlias = Callable[["CheckContext"], Iterable[Finding]]
"""What it raises becomes a finding that nobody could tell."""


class NotThere(DifyAwsError):
    """What a check is about does not exist, so there is nothing to say of it."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(f"there is no {address} yet")


@dataclass(frozen=True)
class CheckContext:
    """One deployment, its desired state and what AWS has. Threads may share it."""

    aws: Aws
    settings: Settings
    stack: Stack
    connectivity: Connectivity

    @property
    def addresses(self) -> ResourceAddresses:
        """Where the topology has the resources that the checks ask for."""
        return topology_of(self.settings).addresses

    def find(self, address: str) -> Actual | None:
        """What there is at an address of the stack; the census has been there before, as a rule."""
        return self.stack.resources[address].find(self.aws)

    def there(self, address: str) -> Actual:
        """The same, for what cannot be done without.

        Raises:
            NotThere: it does not exist.
        """
        if address not in self.stack.resources or (actual := self.find(address)) is None:
            raise NotThere(address)
        return actual

    def found(self) -> Mapping[str, Actual | None]:
        """All of the stack, by address."""
        return {address: self.find(address) for address in self.stack.resources}

    def now(self) -> datetime:
        """What time it was for AWS when this was first asked; the clock of this machine may be wrong."""
        return self.aws.read_cache.read("time", self.this_moment)

    def this_moment(self) -> datetime:
        """What time it is for AWS just now."""
        return answered_at(self.aws.call("ec2.DescribeRegions", RegionNames=[self.aws.region]))

    def my_address(self) -> str:
        """The public address of this machine, asked for once."""
        return self.aws.read_cache.read("my-address", self.connectivity.my_address)
