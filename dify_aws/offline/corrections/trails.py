"""Trails: names are unique, and the bucket policy must allow CloudTrail to write."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import Any

from moto.cloudtrail.exceptions import S3BucketDoesNotExistException
from moto.cloudtrail.models import cloudtrail_backends
from moto.core.exceptions import JsonRESTError
from moto.core.resource_tagging import TaggedResource
from moto.s3.models import s3_backends

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects
from dify_aws.offline.corrections.iam.policies import listed, statements_in

_BACKEND = "moto.cloudtrail.models:CloudTrailBackend"
_API = "https://docs.aws.amazon.com/awscloudtrail/latest/APIReference"
_POLICY = "https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-s3-bucket-policy-for-cloudtrail.html"
_CLOUDTRAIL = "cloudtrail.amazonaws.com"


@corrects(_BACKEND, "create_trail", says="The name of a trail is unique.", link=f"{_API}/API_CreateTrail.html")
def one_name_one_trail(cloud: Cloud, original: Callable[..., Any], backend: Any, name: str, *rest: Any) -> Any:
    if name in backend.trails:
        raise JsonRESTError("TrailAlreadyExistsException", f"Trail {name} already exists for the user.")
    _check_policy(backend, name, rest[0])
    return original(name, *rest)


@corrects(
    _BACKEND,
    "update_trail",
    says="A trail needs a bucket whose policy allows it to write.",
    link=_POLICY,
)
def a_bucket_that_lets_it(cloud: Cloud, original: Callable[..., Any], backend: Any, **given: Any) -> Any:
    if given["s3_bucket_name"] is not None:
        _check_policy(backend, backend.get_trail(given["name"]).trail_name, given["s3_bucket_name"])
    return original(**given)


def _check_policy(backend: Any, name: str, bucket_name: str) -> None:
    bucket = s3_backends[backend.account_id][backend.partition].buckets.get(bucket_name)
    if bucket is None:
        raise S3BucketDoesNotExistException(f"S3 bucket {bucket_name} does not exist!")
    arn = f"arn:{backend.partition}:cloudtrail:{backend.region_name}:{backend.account_id}:trail/{name}"
    whole = f"arn:{backend.partition}:s3:::{bucket_name}"
    needs = {"s3:GetBucketAcl": whole, "s3:PutObject": f"{whole}/AWSLogs/{backend.account_id}/CloudTrail/x"}
    statements = statements_in(bucket.policy) if bucket.policy else []
    if not all(any(_lets(each, action, on, arn) for each in statements) for action, on in needs.items()):
        raise JsonRESTError(
            "InsufficientS3BucketPolicyException", f"Incorrect S3 bucket policy is detected for bucket: {bucket_name}"
        )


def _lets(statement: dict[str, Any], action: str, on: str, arn: str) -> bool:
    context = {"aws:SourceArn": arn, "s3:x-amz-acl": "bucket-owner-full-control"}
    return (
        statement["Effect"] == "Allow"
        and isinstance(statement["Principal"], dict)
        and statement["Principal"].get("Service") == _CLOUDTRAIL
        and action in statement["Action"]
        and any(fnmatchcase(on, each) for each in statement["Resource"])
        and all(
            any(fnmatchcase(context.get(key, ""), each) for each in listed(wanted))
            for test in statement.get("Condition", {}).values()
            for key, wanted in test.items()
        )
    )


@corrects(
    "moto.resourcegroupstaggingapi.models:ResourceGroupsTaggingAPIBackend",
    "_get_resources_generator",
    says="The tag index of a region lists its trails.",
    link="https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/supported-services.html",
)
def indexed(cloud: Cloud, original: Callable[..., Any], backend: Any, **parameters: Any) -> Iterator[Any]:
    yield from original(**parameters)
    kinds = parameters.get("resource_type_filters")
    if kinds and not {"cloudtrail", "cloudtrail:trail"} & set(kinds):
        return
    trails = cloudtrail_backends[backend.account_id][backend.region_name]
    for trail in trails.trails.values():
        tags = trails.tagging_service.get_tag_dict_for_resource(trail.arn)
        wanted = parameters.get("tag_filters") or []
        if tags and all(tags.get(each["Key"]) in (each.get("Values") or tags.values()) for each in wanted):
            yield TaggedResource(arn=trail.arn, tags=tags, resource_type="cloudtrail:trail")


@corrects(
    "moto.cloudtrail.responses:CloudTrailResponse",
    "describe_trails",
    says="DescribeTrails also returns the trails of the organization, in all its accounts and regions.",
    link="https://docs.aws.amazon.com/awscloudtrail/latest/userguide/creating-trail-organization.html",
)
def with_those_of_the_organization(cloud: Cloud, original: Callable[[], str], response: Any) -> str:
    answer = json.loads(original())
    if response._get_bool_param("includeShadowTrails", True):
        answer["trailList"] += cloud.remember("organization trails").values()
    return str(json.dumps(answer))


CORRECTIONS = (one_name_one_trail, a_bucket_that_lets_it, indexed, with_those_of_the_organization)
