"""SingleHost: everything of one Dify on one instance, with its databases in containers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from dify_aws.engine.node import Node
from dify_aws.engine.resource import Actual
from dify_aws.engine.stack import Stack
from dify_aws.outputs import Outputs
from dify_aws.settings import Settings
from dify_aws.topologies.account import Account
from dify_aws.topologies.single_host.outputs import ADDRESSES, build_outputs
from dify_aws.topologies.single_host.resources import environment
from dify_aws.topologies.single_host.stages import single_host_stages
from dify_aws.topologies.topology import HostInstaller, ResourceAddresses, Topology


class SingleHost:
    """See :class:`dify_aws.topologies.topology.Topology`."""

    @property
    def addresses(self) -> ResourceAddresses:
        """See Topology."""
        return ADDRESSES

    def stack(self, settings: Settings, account: Account) -> Stack:
        """See Topology."""
        return environment(settings, account)

    def stages(self, settings: Settings, account: Account, installer: HostInstaller) -> Iterable[Node]:
        """See Topology."""
        return single_host_stages(settings, account, installer)

    def outputs(self, settings: Settings, found: Mapping[str, Actual]) -> Outputs:
        """See Topology."""
        return build_outputs(settings, found)


SINGLE_HOST: Final[Topology] = SingleHost()


def topology_of(settings: Settings) -> Topology:
    """The layout that settings ask for. Today there is one.

    Args:
        settings: what is desired.
    """
    del settings
    return SINGLE_HOST
