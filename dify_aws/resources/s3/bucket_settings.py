"""Bucket settings: how S3 shows each setting of a bucket: a call for each, and for a while the old one and the new one.

A setting that was changed is shown as it was and as it is in turns, for about 30 seconds, in some regions for minutes.
https://github.com/hashicorp/terraform-provider-aws/issues/41764
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.aws.policy import PolicyDocument, Statement
from dify_aws.errors import AwsError
from dify_aws.resources.s3.lifecycle import lifecycle_rule

SETTLE_SECONDS: Final = 180.0
"""How long S3 may take to show a change, and nothing else any more."""

STEADY_ANSWERS: Final = 3
"""After S3 has shown a bucket as it was before a change, how many answers in a row have to show the change."""

PUBLIC_ACCESS_BLOCKS: Final = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")

CALLS: Final = {
    "versioning": ("GetBucketVersioning", "Status", ""),
    "block_public_access": (
        "GetPublicAccessBlock",
        "PublicAccessBlockConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
    ),
    "encryption": (
        "GetBucketEncryption",
        "ServerSideEncryptionConfiguration",
        "ServerSideEncryptionConfigurationNotFoundError",
    ),
    "ownership": ("GetBucketOwnershipControls", "OwnershipControls", "OwnershipControlsNotFoundError"),
    "policy": ("GetBucketPolicy", "Policy", "NoSuchBucketPolicy"),
    "lifecycle": ("GetBucketLifecycleConfiguration", "Rules", "NoSuchLifecycleConfiguration"),
}
"""For each setting the call that tells it, where in the answer, and the error that means "not set"."""


def read_settings(aws: Aws, bucket: str) -> dict[str, Any]:
    """What S3 shows of the settings of a bucket, by name; None where one is not set.

    S3 has a call for each and none for all of them; one after another they would be the longest wait of a plan.
    """
    with ThreadPoolExecutor(len(CALLS)) as pool:
        pending = {name: pool.submit(read_setting, aws, bucket, *call) for name, call in CALLS.items()}
    return {name: answer.result() for name, answer in pending.items()}


def read_setting(aws: Aws, bucket: str, call: str, result: str, none: str) -> Any:
    """One setting of a bucket; None where S3 answers with an error that means "not set"."""
    try:
        return aws.call(f"s3.{call}", Bucket=bucket).get(result)
    except AwsError as error:
        if error.code != none:
            raise
        return None


def bucket_values(aws: Aws, bucket: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a bucket that these settings speak of."""
    readers: dict[str, Callable[[Any], dict[str, Any]]] = {
        "versioning": lambda status: {"versioning": status == "Enabled"},
        "block_public_access": lambda blocks: {
            "block_public_access": all((blocks or {}).get(name) for name in PUBLIC_ACCESS_BLOCKS)
        },
        "encryption": lambda answer: {
            "encryption": _first(answer, lambda rule: rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"])
        },
        "ownership": lambda answer: {"ownership": _first(answer, lambda rule: rule["ObjectOwnership"])},
        "policy": lambda text: _policy_values(aws, bucket, PolicyDocument.read(text)),
        "lifecycle": lambda rules: {"lifecycle": frozenset(lifecycle_rule(rule) for rule in rules or ())},
    }
    return {name: value for setting, answer in settings.items() for name, value in readers[setting](answer).items()}


def tls_only(aws: Aws, bucket: str) -> Statement:
    """The statement that refuses requests without TLS."""
    arn = f"arn:{aws.partition}:s3:::{bucket}"
    return Statement(
        Sid="TlsOnly",
        Effect="Deny",
        Principal="*",
        Action="s3:*",
        Resource=[arn, f"{arn}/*"],
        Condition={"Bool": {"aws:SecureTransport": "false"}},
    )


def _policy_values(aws: Aws, bucket: str, policy: PolicyDocument) -> dict[str, Any]:
    statements, tls = frozenset(policy.statements), tls_only(aws, bucket)
    return {"tls_only": tls in statements, "statements": statements - {tls}}


def _first(configuration: Mapping[str, Any] | None, read: Callable[[Any], str]) -> str:
    rules = (configuration or {}).get("Rules") or ()
    return read(rules[0]) if rules else ""
