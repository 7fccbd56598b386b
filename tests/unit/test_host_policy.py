"""What the programs on the machine may do to a bucket, in the eyes of IAM."""

from __future__ import annotations

import pytest

from dify_aws import Settings
from dify_aws.topologies.account import Account
from dify_aws.topologies.names import BACKUPS, UPLOADS, bucket_name
from dify_aws.topologies.role_policies import host_policy
from tests.support.iam_policy import Policies, Request

SETTINGS = Settings(environment="dev")
ACCOUNT = Account("123456789012", "aws", "ap-northeast-1")
BUCKET = f"arn:aws:s3:::{bucket_name(SETTINGS, ACCOUNT)}"


@pytest.mark.parametrize(
    ("action", "arn"),
    [
        ("s3:GetObject", f"{BUCKET}/{UPLOADS}file"),
        ("s3:PutObject", f"{BUCKET}/{UPLOADS}file"),
        ("s3:DeleteObject", f"{BUCKET}/{UPLOADS}file"),
        ("s3:ListBucket", BUCKET),
        ("s3:PutObject", f"{BUCKET}/{BACKUPS}dump"),
    ],
)
def test_a_bucket_of_another_account_is_out_of_reach(action: str, arn: str) -> None:
    """The name may have been given up, and taken by somebody who waits for what Dify writes."""
    policies = Policies({"host": host_policy(SETTINGS, ACCOUNT)})
    assert policies.allow(Request(action, arn, {"aws:ResourceAccount": ("123456789012",)}))
    assert not policies.allow(Request(action, arn, {"aws:ResourceAccount": ("210987654321",)}))
    assert not policies.allow(Request(action, arn, {}))


def test_backups_are_put_and_nothing_else() -> None:
    policies, ours = Policies({"host": host_policy(SETTINGS, ACCOUNT)}), {"aws:ResourceAccount": (ACCOUNT.id,)}
    for action in ("s3:GetObject", "s3:DeleteObject", "s3:DeleteObjectVersion"):
        assert not policies.allow(Request(action, f"{BUCKET}/{BACKUPS}dump", ours))
