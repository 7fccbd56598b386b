"""Plans of the resources in AWS alone, for tests that install no Dify."""

from __future__ import annotations

from dify_aws import Deployment, Plan


def aws_plan(deployment: Deployment) -> Plan:
    """What a run would change in AWS, without what an installation would change on the machine.

    Args:
        deployment: whose environment is planned.
    """
    return deployment.stack.plan(deployment.aws)
