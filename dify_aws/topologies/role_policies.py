"""Policies: what the programs on the machine, and EventBridge Scheduler, may do in AWS, which is little.

Code that users install as plugins runs in a container that can reach the machine's role. So the role opens no secret,
reads no backup, deletes none, and knows no other bucket.
"""

from __future__ import annotations

from typing import Any

from dify_aws.engine.resource import Input
from dify_aws.settings import Settings
from dify_aws.topologies.account import Account
from dify_aws.topologies.names import BACKUPS, LOGS, UPLOADS, bucket_name, log_group_name


def host_policy(settings: Settings, account: Account) -> dict[str, Any]:
    """Uploads of this bucket, putting (only) backups, these log groups, and the metrics of this namespace."""
    bucket = account.bucket_arn(bucket_name(settings, account))
    # A bucket's name that was given up may be taken by anybody: what Dify writes is never for another account.
    ours = {"StringEquals": {"aws:ResourceAccount": account.id}}
    groups = [account.arn("logs", f"log-group:{log_group_name(settings, log)}") for log in LOGS]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Uploads",
                "Effect": "Allow",
                "Action": ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"],
                "Resource": [f"{bucket}/{UPLOADS}*"],
                "Condition": ours,
            },
            {
                # Dify asks whether the bucket is there when it starts, and lists what it stored.
                "Sid": "ListUploads",
                "Effect": "Allow",
                "Action": ["s3:ListBucket"],
                "Resource": [bucket],
                "Condition": ours,
            },
            {
                "Sid": "Backups",
                "Effect": "Allow",
                "Action": ["s3:PutObject"],
                "Resource": [f"{bucket}/{BACKUPS}*"],
                "Condition": ours,
            },
            {
                "Sid": "Logs",
                "Effect": "Allow",
                "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
                "Resource": [*groups, *(f"{group}:*" for group in groups)],
            },
            {
                # CloudWatch knows no ARN of a metric; the namespace is the only narrowing there is.
                "Sid": "Metrics",
                "Effect": "Allow",
                "Action": ["cloudwatch:PutMetricData"],
                "Resource": ["*"],
                "Condition": {"StringEquals": {"cloudwatch:namespace": settings.metric_namespace}},
            },
        ],
    }


def closing_policy(group_arn: Input[str]) -> dict[str, Any]:
    """Take rules out of this one security group; put none in."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Close",
                "Effect": "Allow",
                "Action": ["ec2:RevokeSecurityGroupIngress"],
                "Resource": [group_arn],
            },
        ],
    }
