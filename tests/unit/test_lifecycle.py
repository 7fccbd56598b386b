"""Lifecycle rules, as they are said to S3 and as S3 tells them."""

from __future__ import annotations

from typing import Any

import pytest

from dify_aws import LifecycleRule
from dify_aws.resources.s3.lifecycle import lifecycle_rule

ALL_OBJECTS = LifecycleRule("old-versions", noncurrent_expiration_days=90)
BACKUPS = LifecycleRule("backups", "backups/", storage_class="GLACIER", transition_days=90)


SWEEP = LifecycleRule("sweep", abort_uploads_days=7)
OLD = LifecycleRule("old", expiration_days=365)


@pytest.mark.parametrize("rule", [ALL_OBJECTS, BACKUPS, SWEEP, OLD], ids=str)
def test_a_rule_is_read_back_as_it_was_given(rule: LifecycleRule) -> None:
    assert lifecycle_rule(rule.parameters()) == rule


@pytest.mark.parametrize("result", [{"Prefix": ""}, {}])
def test_all_objects_are_listed_in_two_ways(result: dict[str, Any]) -> None:
    assert lifecycle_rule({**ALL_OBJECTS.parameters(), "Filter": result}) == ALL_OBJECTS


@pytest.mark.parametrize(
    "more",
    [
        {"Status": "Disabled"},
        {"Expiration": {"ExpiredObjectDeleteMarker": True}},
        {"Filter": {"And": {"Prefix": "backups/", "Tags": []}}},
        {"Transitions": [*BACKUPS.parameters()["Transitions"], {"Days": 200, "StorageClass": "DEEP_ARCHIVE"}]},
    ],
    ids=str,
)
def test_a_rule_that_says_more_is_unlike_ours(more: dict[str, Any]) -> None:
    """So it is drift, whoever made it so."""
    result = lifecycle_rule({**BACKUPS.parameters(), **more})

    assert result != BACKUPS
    assert result.unlike is not None
