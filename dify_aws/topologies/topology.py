"""Topology: how one Dify is laid out in AWS. Only topologies know which resources there are, and their addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from dify_aws.engine.node import Node
from dify_aws.engine.resource import Actual
from dify_aws.engine.stack import Stack
from dify_aws.outputs import Outputs
from dify_aws.settings import Settings
from dify_aws.topologies.account import Account


@dataclass(frozen=True, kw_only=True)
class ResourceAddresses:
    """The addresses of the resources that others have to ask for by role.

    Attributes:
        hosts: instances that are installed over SSH, the first one first.
        public_address: what browsers reach.
        key_pair: that the hosts were started with.
        private_key: the secret with the SSH key.
        alarm_topic: where alarms are sent.
    """

    hosts: tuple[str, ...]
    public_address: str
    key_pair: str
    private_key: str
    alarm_topic: str

    @property
    def host(self) -> str:
        """The host of a layout that has one, and the first of several."""
        return self.hosts[0]


class HostInstaller(Protocol):
    """What does the work of the stages. Each method is given the outputs that its node needs, and no others."""

    def connect(self, outputs: Outputs) -> None:
        """Open the connection that all stages share."""

    def read_secrets(self, outputs: Outputs) -> None:
        """Read the secrets of Dify, and make those that are missing."""

    def check_domain(self, outputs: Outputs) -> None:
        """Make sure that the domain leads to the host."""

    def run(self, stage: str, outputs: Outputs) -> None:
        """Bring a stage to its end, by its name."""


class Topology(Protocol):
    """A layout. It never asks AWS anything: it is given what was found."""

    @property
    def addresses(self) -> ResourceAddresses:
        """Where others find the resources that they ask for."""
        ...

    def stack(self, settings: Settings, account: Account) -> Stack:
        """All resources of an environment.

        Args:
            settings: what is desired.
            account: where it is.
        """
        ...

    def stages(self, settings: Settings, account: Account, installer: HostInstaller) -> Iterable[Node]:
        """The stages of the installation as nodes of the walk, each with references to what it needs.

        Args:
            settings: what is desired.
            account: where it is.
            installer: does the work.
        """
        ...

    def outputs(self, settings: Settings, found: Mapping[str, Actual]) -> Outputs:
        """Where everything is.

        Args:
            settings: what is desired.
            found: what there is, by address.

        Raises:
            KeyError: something that belongs to it does not exist yet.
        """
        ...
