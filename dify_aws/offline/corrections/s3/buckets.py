"""Buckets: defaults of a new bucket, and policies that require TLS."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.exceptions import NoSystemTags
from moto.s3.models import PublicAccessBlock, s3_backends

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects

_S3 = "https://docs.aws.amazon.com/AmazonS3/latest/userguide"


def _sse_s3() -> dict[str, Any]:
    return {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}}


@corrects(
    "moto.s3.models:FakeBucket",
    "__init__",
    says="A new bucket is encrypted with SSE-S3, blocks all public access, and owns every object in it.",
    link=f"{_S3}/create-bucket-faq.html",
)
def safe_from_the_start(cloud: Cloud, original: Callable[..., None], bucket: Any, *args: Any, **kwargs: Any) -> None:
    original(*args, **kwargs)
    bucket.encryption = _sse_s3()
    bucket.public_access_block = PublicAccessBlock("true", "true", "true", "true")
    bucket.ownership_rule = "BucketOwnerEnforced"


@corrects(
    "moto.s3.models:S3Backend",
    "delete_bucket_encryption",
    says="A bucket without its own encryption configuration is encrypted with SSE-S3.",
    link=f"{_S3}/default-bucket-encryption.html",
)
def never_unencrypted(cloud: Cloud, original: Callable[[str], None], backend: Any, bucket_name: str) -> None:
    backend.get_bucket(bucket_name).encryption = _sse_s3()


@corrects(
    "moto.s3.responses:S3Response",
    "_bucket_response_put",
    says="CreateBucket accepts tags for the bucket.",
    link="https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucketConfiguration.html",
)
def tagged_from_the_start(
    cloud: Cloud, original: Callable[..., Any], response: Any, request: Any, bucket_name: str, querystring: Any
) -> Any:
    tags = {}
    if b"<CreateBucketConfiguration" in request.data:
        # From a client on this machine.
        wanted = ET.fromstring(request.data).iterfind("{*}Tags/{*}Tag")  # nosec B314
        tags = {tag.findtext("{*}Key", ""): tag.findtext("{*}Value", "") for tag in wanted}
    if any(key.startswith("aws:") for key in tags):
        raise NoSystemTags()
    answer = original(request, bucket_name, querystring)
    if tags:
        response.backend.put_bucket_tagging(bucket_name, tags)
    return answer


@corrects(
    "moto.s3.models:FakeBucket",
    "get_permission",
    says="A statement with the condition aws:SecureTransport false applies to calls without TLS; ours use TLS.",
    link=f"{_S3}/security-best-practices.html",
)
def tls_is_spoken(cloud: Cloud, original: Callable[..., Any], bucket: Any, action: str, resource: str) -> Any:
    if bucket.policy is None:
        return original(action, resource)
    policy = json.loads(bucket.policy)
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    concerned = [statement for statement in statements if not _is_about_plain_http(statement)]
    if not concerned:
        return PermissionResult.NEUTRAL
    return IAMPolicy(json.dumps({**policy, "Statement": concerned})).is_action_permitted(action, resource)


def _is_about_plain_http(statement: dict[str, Any]) -> bool:
    parameters = statement.get("Condition", {}).get("Bool", {}).get("aws:SecureTransport")
    return str(parameters).lower() == "false"


@corrects(
    "moto.resourcegroupstaggingapi.models:ResourceGroupsTaggingAPIBackend",
    "_get_resources_generator",
    says="The tag index of a region lists only the buckets of that region.",
    link="https://docs.aws.amazon.com/resourcegroupstagging/latest/APIReference/API_GetResources.html",
)
def indexed_where_it_is(cloud: Cloud, original: Callable[..., Any], backend: Any, **parameters: Any) -> Any:
    buckets = s3_backends[backend.account_id][backend.partition].buckets
    for resource in original(**parameters):
        _, is_bucket, name = resource.arn.partition(":s3:::")
        if not is_bucket or buckets[name].region_name == backend.region_name:
            yield resource


@corrects(
    "moto.s3.responses:S3Response",
    "_bucket_tagging_from_body",
    says="PutBucketTagging replaces all tags, and refuses to remove or change one that AWS has set.",
    link=f"{_S3}/../API/API_PutBucketTagging.html",
)
def system_tags_stay(cloud: Cloud, original: Callable[[], dict[str, str]], response: Any) -> dict[str, str]:
    # Sent by this process itself.
    body = ET.fromstring(response.body)  # nosec B314
    sent = body.iterfind("{*}TagSet/{*}Tag")
    tags = {tag.findtext("{*}Key", ""): tag.findtext("{*}Value", "") for tag in sent}
    there = response.backend.get_bucket_tagging(response.bucket_name).get("Tags", [])
    system = {tag["Key"]: tag["Value"] for tag in there if tag["Key"].startswith("aws:")}
    if {key: value for key, value in tags.items() if key.startswith("aws:")} != system:
        raise NoSystemTags()
    return tags if system else original()


CORRECTIONS = (
    indexed_where_it_is,
    safe_from_the_start,
    never_unencrypted,
    tagged_from_the_start,
    system_tags_stay,
    tls_is_spoken,
)
