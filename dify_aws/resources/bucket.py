"""Bucket: S3 storage that nobody else can read, and that forgets nothing by accident."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.aws.birth import tag_list, tag_map
from dify_aws.aws.policy import PolicyDocument, Statement
from dify_aws.engine.resource import Actual
from dify_aws.errors import AwsError, ChangeRefused
from dify_aws.resources.gone import delete
from dify_aws.resources.lifecycle import LifecycleRule, lifecycle_rule
from dify_aws.resources.named import NamedResource
from dify_aws.resources.sighting import sighted


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
    in_arn = ":s3:::"
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
    def look(cls, aws: Aws, name: str) -> Actual | None:
        return aws.census.read("buckets", lambda: _look(aws, name), name)

    def create(self, aws: Aws) -> Actual | None:
        # us-east-1 is where S3 began: it does not take its own name as a location.
        place = {} if aws.region == "us-east-1" else {"LocationConstraint": aws.region}
        bucket = self.named(aws)
        aws.create(
            "s3.CreateBucket",
            self.address,
            keep=self.keep,
            Bucket=bucket,
            ObjectOwnership=self.ownership,
            CreateBucketConfiguration=place,
        )
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
            statements = [*([_tls_only(aws, bucket)] if self.tls_only else []), *sorted(self.statements, key=str)]
            if statements:
                aws.call("s3.PutBucketPolicy", Bucket=bucket, Policy=PolicyDocument.of(statements).text())
            else:
                delete(aws, "s3.DeleteBucketPolicy", Bucket=bucket)
        if "lifecycle" in names:
            rules = {"Rules": [rule.said() for rule in sorted(self.lifecycle, key=str)]}
            if rules["Rules"]:
                aws.call("s3.PutBucketLifecycleConfiguration", Bucket=bucket, LifecycleConfiguration=rules)
            else:
                delete(aws, "s3.DeleteBucketLifecycle", Bucket=bucket)

    def retag(self, aws: Aws, actual: Actual, tags: Mapping[str, str]) -> None:
        # PutBucketTagging replaces the whole set, so what others put there is said again.
        everything = tag_list({**actual.tags, **tags})
        aws.call("s3.PutBucketTagging", Bucket=actual.id, Tagging={"TagSet": everything})

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        _empty(aws, actual.id)
        delete(aws, "s3.DeleteBucket", Bucket=actual.id)


PUBLIC_ACCESS_BLOCKS: Final = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")

SETTINGS: Final = {
    "versioning": ("GetBucketVersioning", "Status", ""),
    "block_public_access": (
        "GetPublicAccessBlock",
        "PublicAccessBlockConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
    ),
    "encryption": (
        "GetBucketEncryption",
        "ServerSideEncryptionConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError",
    ),
    "ownership": ("GetBucketOwnershipControls", "OwnershipControls", "OwnershipControlsNotFoundError"),
    "policy": ("GetBucketPolicy", "Policy", "NoSuchBucketPolicy"),
    "lifecycle": ("GetBucketLifecycleConfiguration", "Rules", "NoSuchLifecycleConfiguration"),
}
"""For each setting the call that tells it, where in the answer, and the error that means "not set"."""


def _look(aws: Aws, bucket: str) -> Actual | None:
    try:
        tags = tag_map(_asked(aws, "s3.GetBucketTagging", bucket, "TagSet", "NoSuchTagSet"))
    except AwsError as error:
        if error.code == "NoSuchBucket":
            return None
        if error.status == 403:
            raise ChangeRefused(
                "bucket",
                f"S3 does not let us see the bucket {bucket}: it belongs to another account (give it another name), "
                f"or s3:GetBucketTagging is not allowed to whoever runs this. {error}",
            ) from error
        raise
    # S3 has a call for each setting and none for all of them; one after another they are the longest wait of a plan.
    with ThreadPoolExecutor(len(SETTINGS)) as pool:
        asked = {
            name: pool.submit(_asked, aws, f"s3.{call}", bucket, *rest) for name, (call, *rest) in SETTINGS.items()
        }
    told = {name: answer.result() for name, answer in asked.items()}
    blocks = told["block_public_access"] or {}
    statements = PolicyDocument.read(told["policy"]).statements
    values = {
        "versioning": told["versioning"] == "Enabled",
        "encryption": _first(told["encryption"], lambda r: r["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]),
        "block_public_access": all(blocks.get(name) for name in PUBLIC_ACCESS_BLOCKS),
        "ownership": _first(told["ownership"], lambda r: r["ObjectOwnership"]),
        "tls_only": _tls_only(aws, bucket) in statements,
        "statements": frozenset(statements) - {_tls_only(aws, bucket)},
        "lifecycle": frozenset(lifecycle_rule(rule) for rule in told["lifecycle"] or ()),
    }
    return sighted(Bucket, bucket, tag_list(tags), values, arn=f"arn:{aws.partition}:s3:::{bucket}")


def _asked(aws: Aws, operation: str, bucket: str, result: str, none: str) -> Any:
    """One setting of a bucket; None where S3 answers with an error that means "not set"."""
    try:
        return aws.call(operation, Bucket=bucket).get(result)
    except AwsError as error:
        if error.code != none:
            raise
        return None


def _first(configuration: Mapping[str, Any] | None, read: Callable[[Any], str]) -> str:
    rules = (configuration or {}).get("Rules") or ()
    return read(rules[0]) if rules else ""


def _tls_only(aws: Aws, bucket: str) -> Statement:
    arn = f"arn:{aws.partition}:s3:::{bucket}"
    return Statement(
        Sid="TlsOnly",
        Effect="Deny",
        Principal="*",
        Action="s3:*",
        Resource=[arn, f"{arn}/*"],
        Condition={"Bool": {"aws:SecureTransport": "false"}},
    )


def _empty(aws: Aws, bucket: str) -> None:
    """Delete every version of every object, every delete marker, and every upload that was never finished."""
    try:
        while True:
            page = aws.call("s3.ListObjectVersions", Bucket=bucket, MaxKeys=1000)
            items = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            if not items:
                break
            doomed = [{"Key": item["Key"], "VersionId": item["VersionId"]} for item in items]
            answer = aws.call("s3.DeleteObjects", Bucket=bucket, Delete={"Objects": doomed, "Quiet": True})
            for failed in answer.get("Errors", ()):
                raise AwsError("s3.DeleteObjects", failed["Code"], f"{failed['Key']}: {failed.get('Message', '')}")
        for upload in aws.pages("s3.ListMultipartUploads", "Uploads", Bucket=bucket):
            delete(aws, "s3.AbortMultipartUpload", Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    except AwsError as error:
        if error.code != "NoSuchBucket":
            raise
