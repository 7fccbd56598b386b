"""Buckets: what a new one is like, what a TLS-only policy means, and when one can be deleted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from dify_aws.offline.world import World
from tests.offline.refusals import refused
from tests.support.statements import statements

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BUCKET = "dify-dev-uploads"


@pytest.fixture
def s3(world: World) -> S3Client:
    client = world.session.client("s3")
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
    return client


def test_a_new_bucket_is_safe(s3: S3Client) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html"""
    encryption = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert encryption[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    block = s3.get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"]
    assert set(block.values()) == {True}
    assert len(block) == 4
    ownership = s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"]["Rules"]
    assert ownership == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_it_can_be_changed(s3: S3Client) -> None:
    s3.delete_public_access_block(Bucket=BUCKET)
    with refused("NoSuchPublicAccessBlockConfiguration", status=404):
        s3.get_public_access_block(Bucket=BUCKET)
    ownership: Any = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    s3.put_bucket_ownership_controls(Bucket=BUCKET, OwnershipControls=ownership)
    assert s3.get_bucket_ownership_controls(Bucket=BUCKET)["OwnershipControls"] == ownership


def test_it_is_never_without_encryption(s3: S3Client) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html"""
    rule: Any = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
    s3.delete_bucket_encryption(Bucket=BUCKET)
    rules = s3.get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"


def test_it_can_be_tagged_when_it_is_made(world: World) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html"""
    s3 = world.session.client("s3")
    tags: Any = [{"Key": "owner", "Value": "dify & dev"}, {"Key": "empty", "Value": ""}]
    place: Any = {"LocationConstraint": "ap-northeast-1", "Tags": tags}
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
    assert s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"] == tags


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


TLS_ONLY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def test_a_policy_that_asks_for_tls_lets_tls_through(s3: S3Client, world: World) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/security-best-practices.html"""
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy(TLS_ONLY))
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"v")
    assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"v"
    s3.head_object(Bucket=BUCKET, Key="k")
    s3.delete_object(Bucket=BUCKET, Key="k")
    world.clock.advance(60)
    assert statements(s3.get_bucket_policy(Bucket=BUCKET)["Policy"]) == statements(policy(TLS_ONLY))


def test_a_policy_that_denies_still_denies(s3: S3Client) -> None:
    no_reading = {**TLS_ONLY, "Action": "s3:GetObject"}
    del no_reading["Condition"]
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"v")
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy(TLS_ONLY, no_reading))
    with pytest.raises(ClientError, match="Forbidden"):
        s3.get_object(Bucket=BUCKET, Key="k")
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"w")


def test_a_bucket_with_old_versions_is_not_empty(s3: S3Client) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html"""
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"v")
    s3.delete_object(Bucket=BUCKET, Key="k")
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)
    with refused("BucketNotEmpty", status=409):
        s3.delete_bucket(Bucket=BUCKET)
    versions = s3.list_object_versions(Bucket=BUCKET)
    for each in (*versions["Versions"], *versions["DeleteMarkers"]):
        s3.delete_object(Bucket=BUCKET, Key=each["Key"], VersionId=each["VersionId"])
    s3.delete_bucket(Bucket=BUCKET)


def test_the_index_of_tags_lists_the_buckets_of_its_own_region(world: World) -> None:
    """https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html"""
    for region in ("ap-northeast-1", "us-west-2"):
        configuration: Any = {"LocationConstraint": region, "Tags": [{"Key": "owner", "Value": "us"}]}
        s3 = world.in_region(region).client("s3")
        s3.create_bucket(Bucket=f"lab-{region}", CreateBucketConfiguration=configuration)

    index = world.in_region("us-west-2").client("resourcegroupstaggingapi")
    assert [each["ResourceARN"] for each in index.get_resources()["ResourceTagMappingList"]] == [
        "arn:aws:s3:::lab-us-west-2"
    ]


def test_a_change_is_shown_in_turns_with_what_was_before(s3: S3Client, world: World) -> None:
    """https://github.com/hashicorp/terraform-provider-aws/issues/41764"""

    def shown() -> list[str]:
        seen = []
        for _ in range(4):
            try:
                (rule,) = s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"]
                seen.append(rule["ID"])
            except ClientError as error:
                seen.append(error.response["Error"]["Code"])
        return seen

    for old, new in (("NoSuchLifecycleConfiguration", "one"), ("one", "two")):
        rule: Any = {"ID": new, "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
        s3.put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [rule]})
        assert shown() == [old, new, old, new]
        world.clock.advance(31)
        assert shown() == [new] * 4


def test_a_name_is_free_some_time_after_its_bucket(s3: S3Client, world: World) -> None:
    """https://github.com/aws/aws-cli/issues/2593"""
    s3.delete_bucket(Bucket=BUCKET)
    place: Any = {"LocationConstraint": "ap-northeast-1"}
    with refused("OperationAborted", status=409):
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
    world.clock.advance(101)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)


def test_the_owner_that_is_expected_has_to_be_it(s3: S3Client) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html"""
    us, another = "123456789012", "210987654321"
    s3.put_object(Bucket=BUCKET, Key="k", Body=b"v", ExpectedBucketOwner=us)
    assert s3.get_object(Bucket=BUCKET, Key="k", ExpectedBucketOwner=us)["Body"].read() == b"v"
    with refused("AccessDenied", status=403):
        s3.get_object(Bucket=BUCKET, Key="k", ExpectedBucketOwner=another)
    with refused("AccessDenied", status=403):
        s3.get_bucket_tagging(Bucket=BUCKET, ExpectedBucketOwner=another)
