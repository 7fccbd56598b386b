"""Bucket: S3 storage that nobody else can read, and that forgets nothing by accident."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.aws.actions import action_of
from dify_aws.aws.create_request import tag_list
from dify_aws.aws.physical_name import physical_name
from dify_aws.aws.policy import PolicyDocument, Statement
from dify_aws.aws.retry_rule import RetryRule
from dify_aws.engine.resource import Actual
from dify_aws.errors import AwsError, ChangeRefused
from dify_aws.resources.deletion import delete
from dify_aws.resources.named_resource import NamedResource, indexed_tags
from dify_aws.resources.observe import observe
from dify_aws.resources.s3.bucket_contents import delete_objects, is_empty
from dify_aws.resources.s3.bucket_settings import (
    PUBLIC_ACCESS_BLOCKS,
    SETTLE_SECONDS,
    STEADY_ANSWERS,
    bucket_values,
    read_setting,
    read_settings,
    tls_only,
)
from dify_aws.resources.s3.lifecycle import LifecycleRule

TAGS_REFUSED: Final = frozenset({"UnsupportedArgument", "NotImplemented"})
"""Not every region takes tags in CreateBucket yet.
https://github.com/hashicorp/terraform-provider-aws/issues/45566"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Bucket(NamedResource):
    """An S3 bucket. Its id is its name. It holds data, so it is kept unless the data is given up by name.

    Args:
        bucket_name: its name, unique in the world; "deployment--name--account-region" by default.
        versioning: old versions of objects are kept.
        encryption: "AES256" (SSE-S3).
        block_public_access: all four blocks of S3.
        ownership: "BucketOwnerEnforced" switches ACLs off.
        tls_only: its policy refuses requests without TLS.
        statements: what else its policy says.
        lifecycle: what happens to objects as they grow old; rules added by hand are drift.
    """

    bucket_name: str | None = None
    versioning: bool = True
    encryption: str = "AES256"
    block_public_access: bool = True
    ownership: str = "BucketOwnerEnforced"
    tls_only: bool = True
    statements: Iterable[Mapping[str, Any]] = ()
    lifecycle: Iterable[LifecycleRule] = ()
    keep: bool = True

    kind = "bucket"
    initial = frozenset({"bucket_name"})
    unordered = frozenset({"lifecycle", "statements"})
    tables = ("buckets",)
    indexed_as = "s3"
    in_arn = ":s3:::"
    settle_seconds = SETTLE_SECONDS
    steady_answers = STEADY_ANSWERS
    retry_rules = (
        RetryRule(
            r"s3\.CreateBucket",
            "OperationAborted",
            "",
            3600,
            "a bucket of this name was deleted, and S3 takes up to an hour until the name is free again. "
            "https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html",
        ),
        RetryRule(
            r"s3\..*",
            "OperationAborted",
            "",
            120,
            "S3 is still busy with a change of the same bucket, or with its deletion.",
        ),
    )
    permissions = frozenset(
        {
            "s3:AbortMultipartUpload",
            "s3:CreateBucket",
            "s3:DeleteBucket",
            "s3:DeleteBucketPolicy",
            "s3:DeleteObject",
            "s3:DeleteObjectVersion",
            "s3:GetBucketOwnershipControls",
            "s3:GetBucketPolicy",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetBucketTagging",
            "s3:GetBucketVersioning",
            "s3:GetEncryptionConfiguration",
            "s3:GetLifecycleConfiguration",
            "s3:ListBucketMultipartUploads",
            "s3:ListBucketVersions",
            "s3:PutBucketOwnershipControls",
            "s3:PutBucketPolicy",
            "s3:PutBucketPublicAccessBlock",
            "s3:PutBucketTagging",
            "s3:PutBucketVersioning",
            "s3:PutEncryptionConfiguration",
            "s3:PutLifecycleConfiguration",
            "s3:TagResource",
            "tag:GetResources",
        }
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "statements", tuple(Statement(each) for each in self.statements))
        super().__post_init__()

    def named(self, aws: Aws) -> str:
        return self.bucket_name or aws.physical_name(self.address, f"{aws.account}-{aws.region}")

    @classmethod
    def our_form(cls, aws: Aws, name: str) -> bool:
        place = f"-{aws.account}-{aws.region}"
        return name == physical_name(aws.deployment) + place or (super().our_form(aws, name) and name.endswith(place))

    @classmethod
    def look(cls, aws: Aws, name: str) -> Actual | None:
        return aws.read_cache.read("buckets", lambda: _look(aws, name), name)

    def is_interrupted_creation(self, aws: Aws, actual: Actual) -> bool:
        """See NamedResource. The reason is in docs/decisions/untagged-bucket.md.

        Its name holds our account and region, it is as CreateBucket leaves it, and there is nothing in it.
        """
        ours = actual.id.endswith(f"-{aws.account}-{aws.region}")
        return ours and actual["untouched"] and is_empty(aws, actual.id)

    def create(self, aws: Aws) -> Actual | None:
        bucket = self.named(aws)
        try:
            self._make(aws, bucket)
        except AwsError as error:
            if error.code not in TAGS_REFUSED:
                raise
            self._make(aws, bucket, tagged=False)
            self._tag(aws, bucket, aws.ownership(self.address, keep=self.keep))
        # S3 encrypts new buckets and blocks public access to them by itself.
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html
        return self.made(
            aws,
            bucket,
            {"arn": f"arn:{aws.partition}:s3:::{bucket}"},
            versioning=False,
            encryption="AES256",
            block_public_access=True,
            tls_only=False,
            statements=frozenset(),
            lifecycle=frozenset(),
        )

    def _make(self, aws: Aws, bucket: str, *, tagged: bool = True) -> None:
        # us-east-1 is where S3 began: it does not take its own name as a location.
        place = {} if aws.region == "us-east-1" else {"LocationConstraint": aws.region}
        aws.create(
            "s3.CreateBucket",
            self.address,
            keep=self.keep,
            tagged=tagged,
            Bucket=bucket,
            ObjectOwnership=self.ownership,
            CreateBucketConfiguration=place,
        )

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        bucket = actual.id
        if "block_public_access" in names:
            blocks = dict.fromkeys(PUBLIC_ACCESS_BLOCKS, self.block_public_access)
            aws.call("s3.PutPublicAccessBlock", Bucket=bucket, PublicAccessBlockConfiguration=blocks)
        if "ownership" in names:
            rules = {"Rules": [{"ObjectOwnership": self.ownership}]}
            aws.call("s3.PutBucketOwnershipControls", Bucket=bucket, OwnershipControls=rules)
        if "encryption" in names:
            default = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": self.encryption}}
            aws.call("s3.PutBucketEncryption", Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [default]})
        if "versioning" in names:
            status = {"Status": "Enabled" if self.versioning else "Suspended"}
            aws.call("s3.PutBucketVersioning", Bucket=bucket, VersioningConfiguration=status)
        if names & {"tls_only", "statements"}:
            statements = [*([tls_only(aws, bucket)] if self.tls_only else []), *sorted(self.statements, key=str)]
            if statements:
                aws.call("s3.PutBucketPolicy", Bucket=bucket, Policy=PolicyDocument.of(statements).text())
            else:
                delete(aws, "s3.DeleteBucketPolicy", Bucket=bucket)
        if "lifecycle" in names:
            rules = {"Rules": [rule.parameters() for rule in sorted(self.lifecycle, key=str)]}
            if rules["Rules"]:
                aws.call("s3.PutBucketLifecycleConfiguration", Bucket=bucket, LifecycleConfiguration=rules)
            else:
                delete(aws, "s3.DeleteBucketLifecycle", Bucket=bucket)

    def retag(self, aws: Aws, actual: Actual, tags: Mapping[str, str]) -> None:
        # PutBucketTagging replaces the whole set, so what others put there is said again.
        self._tag(aws, actual.id, {**actual.tags, **tags})

    def _tag(self, aws: Aws, bucket: str, tags: Mapping[str, str]) -> None:
        aws.call("s3.PutBucketTagging", Bucket=bucket, Tagging={"TagSet": tag_list(tags)})

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        delete_objects(aws, actual.id)
        delete(aws, "s3.DeleteBucket", Bucket=actual.id)


def _look(aws: Aws, bucket: str) -> Actual | None:
    arn = f"arn:{aws.partition}:s3:::{bucket}"
    try:
        tags: object = indexed_tags(aws, arn)
        if tags is None:
            tags = read_setting(aws, bucket, "GetBucketTagging", "TagSet", "NoSuchTagSet")
        settings = read_settings(aws, bucket)
    except AwsError as error:
        if error.code == "NoSuchBucket":
            return None
        if error.status == 403:
            raise ChangeRefused(
                "bucket",
                f"S3 does not let us see the bucket {bucket}: it belongs to another account (give it another name), "
                f"or {action_of(error.operation)} is not allowed to whoever runs this. {error}",
            ) from error
        raise
    return observe(
        Bucket,
        bucket,
        tags,
        bucket_values(aws, bucket, settings),
        arn=arn,
        # As CreateBucket leaves one: not even a tag of AWS's own.
        untouched=not tags and not any(settings[name] for name in ("versioning", "policy", "lifecycle")),
    )
