"""InstanceProfileAssociation: which instance profile an instance has. It can be replaced while the instance runs."""

from __future__ import annotations

from dify_aws.aws import Aws
from dify_aws.engine.resource import Input


def attach_profile(aws: Aws, instance: str, profile: Input[str] | None) -> None:
    """Give an instance a profile, in place of the one that it has.

    Args:
        aws: the deployment.
        instance: its id.
        profile: the ARN of the profile.
    """
    filters = [{"Name": "instance-id", "Values": [instance]}]
    found = aws.pages("ec2.DescribeIamInstanceProfileAssociations", "IamInstanceProfileAssociations", Filters=filters)
    associations = [each["AssociationId"] for each in found if each["State"] in ("associating", "associated")]
    arn = {"Arn": profile}
    if associations:
        aws.call("ec2.ReplaceIamInstanceProfileAssociation", AssociationId=associations[0], IamInstanceProfile=arn)
    else:
        aws.call("ec2.AssociateIamInstanceProfile", InstanceId=instance, IamInstanceProfile=arn)
