"""DeploymentContext: what the verbs of a deployment work on: its settings, AWS, and who listens."""

from __future__ import annotations

from functools import cached_property

from dify_aws.aws import Aws, Session
from dify_aws.engine.stack import Stack
from dify_aws.events import Listener, quiet
from dify_aws.operations.access.connectivity import Connectivity, Internet
from dify_aws.operations.access.own_address import OwnAddress
from dify_aws.settings import Settings
from dify_aws.topologies.account import Account
from dify_aws.topologies.single_host.topology import topology_of
from dify_aws.topologies.topology import Topology


class DeploymentContext:
    """The part of :class:`~dify_aws.Deployment` that its verbs are given; the arguments are described there."""

    def __init__(
        self,
        settings: Settings,
        session: Session | None = None,
        listener: Listener | None = None,
        *,
        connectivity: Connectivity | None = None,
        wait: float | None = None,
        address: str | None = None,
    ) -> None:
        self.settings = settings
        self.aws = Aws(session, deployment=settings.deployment, region=settings.region, tags=settings.tags)
        self.listener = listener or quiet
        self.connectivity: Connectivity = (
            connectivity or getattr(self.aws.session, "connectivity", None) or Internet(self.aws.ca_bundle)
        )
        if address is not None:
            self.connectivity = OwnAddress(self.connectivity, address)
        self.wait = wait

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.settings.deployment} in {self.settings.region}>"

    @property
    def account(self) -> Account:
        """The account, partition and region. The first use asks AWS which account this is."""
        return Account(self.aws.account, self.aws.partition, self.aws.region)

    @cached_property
    def stack(self) -> Stack:
        """All desired resources. The first use asks AWS which account this is."""
        return self.topology.stack(self.settings, self.account)

    @property
    def topology(self) -> Topology:
        """How this deployment is laid out."""
        return topology_of(self.settings)
