"""Backups: whether there are any, and how old the newest is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from dify_aws.operations.diagnosis.checks.check_context import CheckContext
from dify_aws.operations.diagnosis.diagnosis import Finding, ok, warning
from dify_aws.topologies.names import BACKUPS

PERMISSIONS: Final = frozenset({"s3:ListBucket"})

TOO_OLD: Final = timedelta(days=2)
"""A daily backup that was missed once is bad luck; twice is a fault."""


def backups(context: CheckContext) -> Iterator[Finding]:
    """The newest object under ``backups/`` of the bucket."""
    bucket = context.there("bucket/storage").id
    objects = context.aws.pages("s3.ListObjectsV2", "Contents", Bucket=bucket, Prefix=BACKUPS)
    place = f"s3://{bucket}/{BACKUPS}"
    if not objects:
        remedy = "No backup is set up. Snapshots of the data volume, or a dump of PostgreSQL to that place, are one."
        yield warning("backups", f"nothing is at {place}", remedy)
        return
    newest = max(objects, key=lambda each: each["LastModified"])
    age = context.now() - newest["LastModified"]
    evidence = f"the newest of {len(objects)} is {newest['Key']}, {age.days} days and {age.seconds // 3600} hours old"
    if age > TOO_OLD:
        yield warning("backups", evidence, f"None came for more than {TOO_OLD.days} days: look at what makes them.")
    else:
        yield ok("backups", evidence)
