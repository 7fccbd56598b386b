"""Trails: a bucket has to let CloudTrail write before there can be one, and the index of tags lists them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dify_aws.offline.world import World
from tests.offline.refusals import refused

ARN = "arn:aws:cloudtrail:ap-northeast-1:123456789012:trail/calls"
TAGS: Any = [{"Key": "who", "Value": "me"}]


def let(world: World, bucket: str, **other: Any) -> None:
    """Put a policy on the bucket that lets the trail write, but for what is said otherwise."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudtrail.amazonaws.com"},
        "Action": ["s3:GetBucketAcl", "s3:PutObject"],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/AWSLogs/123456789012/*"],
        "Condition": {"StringEquals": {"aws:SourceArn": ARN}},
        **other,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.session.client("s3").put_bucket_policy(Bucket=bucket, Policy=policy)


@pytest.fixture
def cloudtrail(world: World) -> Any:
    s3 = world.session.client("s3")
    for name in ("trail-logs", "trail-closed"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
    let(world, "trail-logs")
    return world.session.client("cloudtrail")


def make(cloudtrail: Any) -> None:
    cloudtrail.create_trail(Name="calls", S3BucketName="trail-logs", TagsList=TAGS)


@pytest.mark.parametrize(
    "other",
    [
        {"Principal": "*"},
        {"Principal": {"Service": "config.amazonaws.com"}},
        {"Action": "s3:GetBucketAcl"},
        {"Resource": ["arn:aws:s3:::trail-logs", "arn:aws:s3:::trail-logs/AWSLogs/210987654321/*"]},
        {"Condition": {"StringEquals": {"aws:SourceArn": ARN.replace("calls", "another")}}},
        {"Effect": "Deny"},
    ],
    ids=["anybody", "another service", "no writing", "another account", "another trail", "forbidden"],
)
def test_a_policy_that_does_not_let_it_write_is_refused(world: World, cloudtrail: Any, other: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html"""
    let(world, "trail-logs", **other)
    with refused("InsufficientS3BucketPolicyException"):
        make(cloudtrail)


def test_it_cannot_move_to_a_bucket_that_does_not_let_it(cloudtrail: Any) -> None:
    make(cloudtrail)
    with refused("InsufficientS3BucketPolicyException"):
        cloudtrail.update_trail(Name="calls", S3BucketName="trail-closed")
    with refused("S3BucketDoesNotExistException"):
        cloudtrail.update_trail(Name="calls", S3BucketName="nowhere")


def test_a_name_is_unique(cloudtrail: Any) -> None:
    make(cloudtrail)
    with refused("TrailAlreadyExistsException"):
        make(cloudtrail)


@pytest.mark.parametrize(
    ("arguments", "listed"),
    [
        ({"ResourceTypeFilters": ["cloudtrail"]}, [ARN]),
        ({"TagFilters": [{"Key": "who", "Values": ["me"]}]}, [ARN]),
        ({"TagFilters": [{"Key": "who"}]}, [ARN]),
        ({"ResourceTypeFilters": ["s3"]}, []),
        ({"TagFilters": [{"Key": "who", "Values": ["you"]}]}, []),
    ],
    ids=str,
)
def test_the_index_of_tags_lists_it(world: World, cloudtrail: Any, arguments: Any, listed: list[str]) -> None:
    make(cloudtrail)
    found = world.session.client("resourcegroupstaggingapi").get_resources(**arguments)["ResourceTagMappingList"]
    assert [each["ResourceARN"] for each in found] == listed
