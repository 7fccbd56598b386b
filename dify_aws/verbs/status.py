"""status: what there is of a deployment, at a glance."""

from __future__ import annotations

from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.verb import reading_verb
from dify_aws.operations.status import Status, read_status


@reading_verb("instance, address, number of pending changes, lock, open access")
def status(deployment: DeploymentContext) -> Status:
    """What there is of the deployment, its lock, and who is let in to the machine. Reads only.

    Returns:
        The status, as a value to print, save and compare.

    Raises:
        AwsError: AWS could not be asked.
        UnexpectedAnswer: its answer cannot be read.
    """
    return read_status(deployment.aws, deployment.settings, deployment.stack)
