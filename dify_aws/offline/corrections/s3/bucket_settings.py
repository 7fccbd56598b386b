"""Bucket settings: changes are eventually consistent, names are released late, and the expected owner is checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from moto.s3.exceptions import S3ClientError
from moto.s3.models import s3_backends

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import Correction, corrects

SECONDS_BY_TURNS: Final = 30
SECONDS_UNTIL_NAME_IS_FREE: Final = 100

_BACKEND = "moto.s3.models:S3Backend"
_CONSISTENCY = "https://docs.aws.amazon.com/AmazonS3/latest/userguide/Welcome.html#ConsistencyModel"


@dataclass
class _Change:
    """A change of a setting: the old value, until when it may be returned, and the number of reads."""

    before: Any
    until: float
    read_count: int = 0


def _by_turns(attribute: str, reads: str, *changes: str, link: str) -> tuple[Correction, Correction]:
    """While a change is new, every second response has the old value."""

    @corrects(_BACKEND, *changes, says="A change of a bucket setting is eventually consistent.", link=link)
    def changed(cloud: Cloud, original: Callable[..., Any], backend: Any, bucket_name: str, *args: Any) -> Any:
        bucket = backend.get_bucket(bucket_name)
        before = getattr(bucket, attribute)
        answer = original(bucket_name, *args)
        with cloud.lock:
            known = cloud.remember("changes of buckets")
            known[id(bucket), attribute] = bucket, _Change(before, cloud.clock.now() + SECONDS_BY_TURNS)
        return answer

    @corrects(
        _BACKEND, reads, says="A changed setting is returned with the old and the new value alternately.", link=link
    )
    def read(cloud: Cloud, original: Callable[..., Any], backend: Any, bucket_name: str) -> Any:
        bucket = backend.get_bucket(bucket_name)
        with cloud.lock:
            _, change = cloud.remember("changes of buckets").get((id(bucket), attribute), (None, None))
            if change is None or cloud.clock.now() >= change.until:
                return original(bucket_name)
            change.read_count += 1
            return change.before if change.read_count % 2 else original(bucket_name)

    return changed, read


LIFECYCLE = _by_turns(
    "rules",
    "get_bucket_lifecycle",
    "put_bucket_lifecycle",
    "delete_bucket_lifecycle",
    link="https://github.com/hashicorp/terraform-provider-aws/issues/41764",
)
POLICY = _by_turns("policy", "get_bucket_policy", "put_bucket_policy", "delete_bucket_policy", link=_CONSISTENCY)
VERSIONING = _by_turns("versioning_status", "get_bucket_versioning", "put_bucket_versioning", link=_CONSISTENCY)


_STILL_BUSY = (
    "<Error><Code>OperationAborted</Code><Message>A conflicting conditional operation is currently in progress against"
    " this resource. Please try again.</Message><RequestId>0123456789ABCDEF</RequestId></Error>"
)


@corrects(
    _BACKEND,
    "delete_bucket",
    says="The name of a deleted bucket is not available at once.",
    link="https://github.com/aws/aws-cli/issues/2593",
)
def a_name_is_kept(cloud: Cloud, original: Callable[..., Any], backend: Any, bucket_name: str) -> Any:
    deleted = original(bucket_name)
    if deleted is not None:
        with cloud.lock:
            cloud.remember("names of buckets free at")[bucket_name] = cloud.clock.now() + SECONDS_UNTIL_NAME_IS_FREE
    return deleted


@corrects(
    "moto.s3.responses:S3Response",
    "_bucket_response_put",
    says="A bucket cannot be created with a name that is not available yet: OperationAborted.",
    link="https://github.com/aws/aws-cli/issues/2593",
)
def a_name_is_free_later(
    cloud: Cloud, original: Callable[..., Any], response: Any, request: Any, bucket_name: str, querystring: Any
) -> Any:
    with cloud.lock:
        free_at = cloud.remember("names of buckets free at").get(bucket_name, 0.0)
    if not querystring and cloud.clock.now() < free_at:
        return 409, {"Content-Type": "application/xml"}, _STILL_BUSY
    return original(request, bucket_name, querystring)


class _AnotherOwner(S3ClientError):  # type: ignore[misc]  # moto has no types
    code = "AccessDenied"
    message = "Access Denied"


@corrects(
    "moto.s3.responses:S3Response",
    "_bucket_response",
    "_key_response",
    says="A call with an expected owner is denied if the bucket belongs to another account.",
    link="https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html",
)
def only_the_expected_owner(
    cloud: Cloud, original: Callable[..., Any], response: Any, request: Any, full_url: str
) -> Any:
    expected = request.headers.get("x-amz-expected-bucket-owner")
    _, owner = s3_backends.bucket_accounts.get(response.parse_bucket_name_from_url(request, full_url), ("", expected))
    if expected and owner != expected:
        raise _AnotherOwner
    return original(request, full_url)


CORRECTIONS = (*LIFECYCLE, *POLICY, *VERSIONING, a_name_is_kept, a_name_is_free_later, only_the_expected_owner)
