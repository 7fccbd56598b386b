"""Complete outputs: those of a deployment of which everything exists, and what to do about one of which it does not."""

from __future__ import annotations

from collections.abc import Mapping

from dify_aws.engine.fact import Fact
from dify_aws.engine.resource import Actual
from dify_aws.engine.stack import Stack
from dify_aws.errors import DifyAwsError
from dify_aws.outputs import Outputs
from dify_aws.settings import Settings
from dify_aws.topologies.topology import Topology


def complete_outputs(
    topology: Topology, settings: Settings, stack: Stack, found: Mapping[str, Actual | None], account: str
) -> Outputs:
    """The outputs of a deployment.

    Args:
        topology: its layout.
        settings: what is desired.
        stack: all its resources.
        found: what there is of them, by address.
        account: which account this is.

    Raises:
        DifyAwsError: something does not exist, or nothing does.
    """
    existing = {address: actual for address, actual in found.items() if actual is not None}
    where = f"{settings.deployment} in {settings.region}"
    if not [address for address in existing if not isinstance(stack.resources.get(address), Fact)]:
        raise DifyAwsError(f"there is no {where}, in this account ({account}). apply() makes it.")
    if missing := [address for address in stack.resources if address not in existing]:
        raise DifyAwsError(f"{where} is not complete: no {', '.join(missing)}. apply() makes the rest of it.")
    return topology.outputs(settings, existing)
