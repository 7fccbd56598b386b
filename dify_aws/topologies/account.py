"""Account: the little that a blueprint must know of where it is built."""

from __future__ import annotations

from dataclasses import dataclass

from dify_aws.errors import Problem, SettingsError
from dify_aws.settings.aws_rules import NO_BOUNDARY


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

    def boundary(self, arn: str | None) -> str | None:
        """The permissions boundary of a role in this account, as a role takes it: "" for none, None for any.

        Raises:
            SettingsError: it is another account's, and IAM takes none of those.
        """
        if arn == NO_BOUNDARY:
            return ""
        if arn and arn.split(":")[4] not in (self.id, "aws"):
            right = "Write the ARN of a policy of that account, or of one of AWS's (arn:aws:iam::aws:policy/…)"
            raise SettingsError([Problem("permissions_boundary", arn, f"is not of the account {self.id}", right)])
        return arn
