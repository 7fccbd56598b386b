"""Account: the little that a blueprint must know of where it is built."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Account:
    """The account, the partition of AWS it is in ("aws", "aws-cn", "aws-us-gov"), and the region."""

    id: str
    partition: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """The ARN of something in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.id}:{resource}"

    def bucket_arn(self, bucket: str) -> str:
        """The ARN of a bucket: it names neither account nor region."""
        return f"arn:{self.partition}:s3:::{bucket}"
