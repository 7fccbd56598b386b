"""LifecycleRule: what S3 does with objects as they grow old."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LifecycleRule:
    """One rule of a bucket, in days. None means: never.

    Args:
        id: its name in the bucket.
        prefix: the objects it is about; "" for all.
        storage_class: where they go after ``transition_days`` ("GLACIER", "GLACIER_IR", …).
        transition_days: after how many days they go there.
        noncurrent_expiration_days: when versions that were overwritten or deleted really go.
        abort_uploads_days: when the parts of uploads that were never finished go.
        expiration_days: when objects go (with versioning: become versions that were deleted).
        unlike: a rule of another shape, as S3 tells it; never wished for, so it always differs.
    """

    id: str
    prefix: str = ""
    storage_class: str | None = None
    transition_days: int | None = None
    noncurrent_expiration_days: int | None = None
    abort_uploads_days: int | None = None
    expiration_days: int | None = None
    unlike: str | None = None

    def __str__(self) -> str:
        parts = [
            f"to {self.storage_class} after {self.transition_days} days" if self.storage_class else "",
            f"old versions go after {self.noncurrent_expiration_days} days" if self.noncurrent_expiration_days else "",
            f"unfinished uploads go after {self.abort_uploads_days} days" if self.abort_uploads_days else "",
            f"gone after {self.expiration_days} days" if self.expiration_days else "",
            self.unlike or "",
        ]
        return f"{self.id} ({self.prefix or 'all objects'}): {', '.join(part for part in parts if part)}"

    def parameters(self) -> dict[str, Any]:
        """The rule as PutBucketLifecycleConfiguration takes it."""
        rule: dict[str, Any] = {"ID": self.id, "Status": "Enabled", "Filter": {"Prefix": self.prefix}}
        if self.storage_class:
            rule["Transitions"] = [{"Days": self.transition_days, "StorageClass": self.storage_class}]
        if self.expiration_days:
            rule["Expiration"] = {"Days": self.expiration_days}
        if self.noncurrent_expiration_days:
            rule["NoncurrentVersionExpiration"] = {"NoncurrentDays": self.noncurrent_expiration_days}
        if self.abort_uploads_days:
            rule["AbortIncompleteMultipartUpload"] = {"DaysAfterInitiation": self.abort_uploads_days}
        return rule


def lifecycle_rule(rule: Mapping[str, Any]) -> LifecycleRule:
    """The rule that S3 tells, or one that is ``unlike`` ours if it says anything more."""
    transitions = rule.get("Transitions") or [{}]
    read = LifecycleRule(
        id=rule.get("ID", ""),
        prefix=rule.get("Filter", {}).get("Prefix", ""),
        storage_class=transitions[0].get("StorageClass"),
        transition_days=transitions[0].get("Days"),
        noncurrent_expiration_days=rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays"),
        abort_uploads_days=rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation"),
        expiration_days=rule.get("Expiration", {}).get("Days"),
    )
    plain = dict(rule)
    if plain.get("Filter", {}).keys() <= {"Prefix"}:
        # A rule for all objects is answered with an empty prefix or with none.
        plain["Filter"] = {"Prefix": read.prefix}
    if read.parameters() == plain:
        return read
    return LifecycleRule(id=read.id, prefix=read.prefix, unlike=json.dumps(rule, sort_keys=True, default=str))
