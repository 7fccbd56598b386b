"""Gone: deleting what may be gone already, by another hand or by a run that died. That is success."""

from __future__ import annotations

from typing import Any

from dify_aws.aws import Aws
from dify_aws.errors import AwsError


def is_not_found(error: AwsError) -> bool:
    """Whether AWS says that the thing to be deleted is not there (any more)."""
    code = error.code
    return code.endswith((".NotFound", "NotFound", "NotFoundException", ".Malformed")) or code in (
        "NoSuchEntity",
        "NoSuchBucket",
        "NoSuchUpload",
    )


def wait_until_deleted(aws: Aws, waiter: str, **params: Any) -> None:
    """Wait with one of the waiters for deletions; that AWS does not know the thing any more is success."""
    try:
        aws.wait("ec2", waiter, **params)
    except AwsError as error:
        if not is_not_found(error):
            raise


def delete(aws: Aws, operation: str, **params: Any) -> None:
    """Call a deleting operation; that the thing is gone already is success."""
    try:
        aws.call(operation, **params)
    except AwsError as error:
        if not is_not_found(error):
            raise
