"""Stages of a single host: what each stage of the installation needs of AWS. Read it from top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from dify_aws.engine.node import Node, Referable
from dify_aws.engine.resource import Actual
from dify_aws.outputs import Outputs
from dify_aws.runtimes.compose.stages import order
from dify_aws.runtimes.compose.stages.stage import PREFIX, Stage
from dify_aws.settings import Settings
from dify_aws.topologies.account import Account
from dify_aws.topologies.single_host.outputs import partial_outputs
from dify_aws.topologies.single_host.resources import SingleHostResources, single_host_resources
from dify_aws.topologies.topology import HostInstaller

CONNECTION: Final = f"{PREFIX}connection"
SECRETS: Final = f"{PREFIX}secrets"
DOMAIN: Final = f"{PREFIX}domain"


def single_host_stages(settings: Settings, account: Account, installer: HostInstaller) -> Iterator[Node]:
    """The stages as nodes of the walk over the resources. Asks AWS nothing.

    Args:
        settings: what is desired.
        account: where it is.
        installer: does the work.
    """
    there = single_host_resources(settings, account)

    def node(name: str, needs: tuple[Referable, ...], work: Callable[[Outputs], None]) -> Node:
        def run(found: Mapping[str, Actual]) -> None:
            work(partial_outputs(settings, found))

        return Node(name, needs, run)

    connection = node(
        CONNECTION,
        (there.host, there.address, there.private_key, there.host_group, *there.ssh_access, *there.network.ways_out),
        installer.connect,
    )
    secrets = node(SECRETS, (there.application,), installer.read_secrets)
    domain = node(DOMAIN, (there.address,), installer.check_domain)
    yield from (connection, secrets, domain)

    needs = _needs(there, connection=connection, secrets=secrets, domain=domain)
    nodes: dict[Stage, Node] = {}
    for stage in order.STAGES:
        before = (*needs.get(stage, ()), *(nodes[each] for each in stage.needs))
        nodes[stage] = node(stage.address, before, partial(installer.run, stage.name))
        yield nodes[stage]


def _needs(
    there: SingleHostResources, *, connection: Node, secrets: Node, domain: Node
) -> Mapping[Stage, tuple[Referable, ...]]:
    """What each stage needs beside other stages. The NAT gateway, the alarms and their topic: none does."""
    return {
        order.BASE_SYSTEM: (connection,),
        order.DATA_DIRECTORIES: (secrets,),
        order.CLOUDWATCH_AGENT: there.logs,
        order.FILES: (there.bucket, there.address, *there.logs),
        # Whoever opens the page is served by then; so the domain has to lead there.
        order.NGINX: (domain,),
    }
