"""Actions: the IAM action that an API operation needs, where it is not simply service:Operation.

https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
"""

from __future__ import annotations

from typing import Final

UNLIKE_THE_OPERATION: Final = {
    "s3.ListBuckets": "s3:ListAllMyBuckets",
    "s3.HeadBucket": "s3:ListBucket",
    "s3.ListObjectsV2": "s3:ListBucket",
    "s3.ListObjectVersions": "s3:ListBucketVersions",
    "s3.ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "s3.DeleteObjects": "s3:DeleteObject",
    "s3.GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3.PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3.GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3.PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3.GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3.PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3control.GetPublicAccessBlock": "s3:GetAccountPublicAccessBlock",
    "s3control.PutPublicAccessBlock": "s3:PutAccountPublicAccessBlock",
    "s3.DeleteBucketLifecycle": "s3:PutLifecycleConfiguration",
}

SERVICE_PREFIX: Final = {"resourcegroupstaggingapi": "tag", "service-quotas": "servicequotas"}


def action_of(operation: str) -> str:
    """The IAM action for ``service.Operation``.

    >>> action_of("ec2.CreateVpc"), action_of("s3.HeadBucket")
    ('ec2:CreateVpc', 's3:ListBucket')
    """
    if operation in UNLIKE_THE_OPERATION:
        return UNLIKE_THE_OPERATION[operation]
    service, _, name = operation.partition(".")
    return f"{SERVICE_PREFIX.get(service, service)}:{name}"
