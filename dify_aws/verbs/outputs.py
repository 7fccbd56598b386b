"""outputs: where everything of a deployment is."""

from __future__ import annotations

from collections.abc import Mapping

from dify_aws.aws.errors.unexpected_answer import reading
from dify_aws.engine.resource import Actual
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.verb import reading_verb
from dify_aws.outputs import Outputs
from dify_aws.topologies.complete_outputs import complete_outputs


@reading_verb("where everything is")
def outputs(deployment: DeploymentContext) -> Outputs:
    """The outputs of the deployment, as found in AWS. Reads only.

    Returns:
        Address, ids, names of secrets, and all else that other programs need to know.

    Raises:
        DifyAwsError: there is no such deployment, or it is not complete.
    """
    return outputs_of(deployment, deployment.stack.find(deployment.aws))


def outputs_of(deployment: DeploymentContext, found: Mapping[str, Actual | None]) -> Outputs:
    """The outputs of resources that were found already.

    Args:
        deployment: whose resources they are.
        found: what there is, by address.

    Raises:
        DifyAwsError: something is missing.
    """
    with reading(deployment.aws.deployment, "tell its outputs"):
        account = deployment.aws.account
        return complete_outputs(deployment.topology, deployment.settings, deployment.stack, found, account)
