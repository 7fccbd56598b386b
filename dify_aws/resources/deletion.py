"""Deletion: deleting what may be deleted already, by somebody else or by a run that was killed. That is success."""

from __future__ import annotations

from typing import Any

from dify_aws.aws import Aws
from dify_aws.aws.errors.error_meaning import is_deleted
from dify_aws.aws.waiters import Waiter
from dify_aws.errors import AwsError


def wait_until_deleted(aws: Aws, waiter: Waiter, **params: Any) -> None:
    """Wait with one of the waiters for deletions; that AWS does not know the thing any more is success."""
    try:
        aws.wait(waiter, **params)
    except AwsError as error:
        if not is_deleted(error):
            raise


def delete(aws: Aws, operation: str, **params: Any) -> None:
    """Call a deleting operation; that the thing is gone already is success."""
    try:
        aws.call(operation, **params)
    except AwsError as error:
        if not is_deleted(error):
            raise
