"""Trail: the record that CloudTrail keeps of every call to AWS's API in the account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dify_aws.aws import Aws
from dify_aws.aws.create_request import tag_list
from dify_aws.aws.errors.error_meaning import is_deleted
from dify_aws.aws.retry_rule import RetryRule
from dify_aws.engine.resource import Actual, Input
from dify_aws.errors import AwsError
from dify_aws.resources.deletion import delete
from dify_aws.resources.named_resource import NamedResource, tags_of
from dify_aws.resources.observe import observe


@dataclass(frozen=True, kw_only=True, eq=False)
class Trail(NamedResource):
    """A trail of CloudTrail, with the calls that change or read what an account has (its management events).

    Its id is its name. The first trail of an account costs nothing but the storage.
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-create-and-update-a-trail.html

    Args:
        trail_name: its name in CloudTrail; "deployment--name" by default.
        bucket: the bucket that it writes to, whose policy lets it.
        multi_region: the calls of all regions, and of those that AWS will open.
        log_file_validation: signed digests, by which a record that was changed or removed is seen.
        logging: it is switched on.
    """

    trail_name: str | None = None
    bucket: Input[str]
    multi_region: bool = True
    log_file_validation: bool = True
    logging: bool = True

    kind = "trail"
    # The first trail of an account; what it writes is counted with its bucket.
    free = True
    initial = frozenset({"trail_name"})
    tables = ("trails",)
    indexed_as = "cloudtrail"
    in_arn = ":trail/"
    retry_rules = (
        RetryRule(
            r"cloudtrail\.(Create|Update)Trail",
            "InsufficientS3BucketPolicyException|S3BucketDoesNotExistException",
            "",
            60,
            "The bucket, or the policy that lets CloudTrail write to it, was made a moment ago.",
        ),
    )
    permissions = frozenset(
        {
            "cloudtrail:AddTags",
            "cloudtrail:CreateTrail",
            "cloudtrail:DeleteTrail",
            "cloudtrail:GetTrail",
            "cloudtrail:GetTrailStatus",
            "cloudtrail:ListTags",
            "cloudtrail:StartLogging",
            "cloudtrail:StopLogging",
            "cloudtrail:UpdateTrail",
            "tag:GetResources",
        }
    )

    def named(self, aws: Aws) -> str:
        return self.trail_name or aws.physical_name(self.address)

    @classmethod
    def name_in(cls, arn: str) -> str:
        return arn.rpartition("/")[2]

    @classmethod
    def look(cls, aws: Aws, name: str) -> Actual | None:
        described = aws.read_cache.read("trails", lambda: _described(aws, name), name)
        if described is None:
            return None
        arn = described.get("TrailARN") or aws.arn("cloudtrail", f"trail/{name}")
        tags = tags_of(
            aws,
            name,
            arn,
            lambda: aws.call("cloudtrail.ListTags", ResourceIdList=[arn])["ResourceTagList"][0]["TagsList"],
        )
        values = {
            "bucket": described["S3BucketName"],
            "multi_region": described["IsMultiRegionTrail"],
            "log_file_validation": described["LogFileValidationEnabled"],
            "logging": described["IsLogging"],
        }
        return observe(cls, name, tags, values, arn=arn)

    def create(self, aws: Aws) -> Actual | None:
        name = self.named(aws)
        answer = aws.create(
            "cloudtrail.CreateTrail",
            self.address,
            keep=self.keep,
            Name=name,
            S3BucketName=self.bucket,
            IsMultiRegionTrail=self.multi_region,
            EnableLogFileValidation=self.log_file_validation,
        )
        return self.made(
            aws, name, {"arn": answer.get("TrailARN") or aws.arn("cloudtrail", f"trail/{name}")}, logging=False
        )

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        if names & {"bucket", "multi_region", "log_file_validation"}:
            aws.call(
                "cloudtrail.UpdateTrail",
                Name=actual.id,
                S3BucketName=self.bucket,
                IsMultiRegionTrail=self.multi_region,
                EnableLogFileValidation=self.log_file_validation,
            )
        if "logging" in names:
            aws.call("cloudtrail.StartLogging" if self.logging else "cloudtrail.StopLogging", Name=actual.id)

    def retag(self, aws: Aws, actual: Actual, tags: Mapping[str, str]) -> None:
        aws.call("cloudtrail.AddTags", ResourceId=actual["arn"], TagsList=tag_list(tags))

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        delete(aws, "cloudtrail.DeleteTrail", Name=actual.id)


def _described(aws: Aws, name: str) -> dict[str, Any] | None:
    # By ARN: by its name, CloudTrail would also tell a trail of another region that records this one.
    arn = aws.arn("cloudtrail", f"trail/{name}")
    try:
        described = aws.call("cloudtrail.GetTrail", Name=arn)["Trail"]
        status = aws.call("cloudtrail.GetTrailStatus", Name=arn)
    except AwsError as error:
        if not is_deleted(error):
            raise
        return None
    return {**described, "IsLogging": status["IsLogging"]}
