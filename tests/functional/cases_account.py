"""The cases of the kinds that an account needs once: the table of locks, whose tokens are believed, the trail."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Final

from dify_aws import Actual, Bucket, OidcProvider, Resource, Table, Trail
from tests.support.case import Case, Hand

LOGS: Final = "lab-trail-logs"
WRITES: Final = {
    "Sid": "CloudTrail",
    "Effect": "Allow",
    "Principal": {"Service": "cloudtrail.amazonaws.com"},
    "Action": ["s3:GetBucketAcl", "s3:PutObject"],
    "Resource": [f"arn:aws:s3:::{LOGS}", f"arn:aws:s3:::{LOGS}/*"],
}


def _trail_stack() -> list[Resource]:
    bucket = Bucket(name="logs", bucket_name=LOGS, statements=(WRITES,))
    return [bucket, Trail(name="calls", bucket=bucket.id)]


def _update(**params: Any) -> Any:
    return lambda hand, found, actual: hand.client("cloudtrail").update_trail(Name=actual.id, **params)


def _tag_trail(hand: Hand, actual: Actual, key: str, value: str) -> None:
    tags: Any = [{"Key": key, "Value": value}]
    hand.client("cloudtrail").add_tags(ResourceId=actual["arn"], TagsList=tags)


def _elsewhere(hand: Hand, found: Any, actual: Actual) -> None:
    """Somebody lets it write to another bucket, which has to allow that."""
    s3 = hand.client("s3")
    with suppress(s3.exceptions.BucketAlreadyOwnedByYou):
        s3.create_bucket(Bucket="another", CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
    policy = s3.get_bucket_policy(Bucket=LOGS)["Policy"].replace(LOGS, "another")
    s3.put_bucket_policy(Bucket="another", Policy=policy)
    hand.client("cloudtrail").update_trail(Name=actual.id, S3BucketName="another")


def _client_id(verb: str, client_id: str) -> Any:
    return lambda hand, found, actual: getattr(hand.client("iam"), f"{verb}_open_id_connect_provider")(
        OpenIDConnectProviderArn=actual.id, ClientID=client_id
    )


ACCOUNT: Final = {
    "table": Case(
        tag=lambda hand, actual, key, value: hand.client("dynamodb").tag_resource(
            ResourceArn=actual["arn"], Tags=[{"Key": key, "Value": value}]
        ),
        untag=lambda hand, actual, keys: hand.client("dynamodb").untag_resource(
            ResourceArn=actual["arn"], TagKeys=list(keys)
        ),
        stack=lambda: [Table(name="locks")],
        remove=lambda hand, found, actual: hand.client("dynamodb").delete_table(TableName=actual.id),
        fixed={"key": "another"},
        delete_conflict=("DeleteTable", "ResourceInUseException"),
    ),
    "oidc-provider": Case(
        tag=lambda hand, actual, key, value: hand.client("iam").tag_open_id_connect_provider(
            OpenIDConnectProviderArn=actual.id, Tags=[{"Key": key, "Value": value}]
        ),
        untag=lambda hand, actual, keys: hand.client("iam").untag_open_id_connect_provider(
            OpenIDConnectProviderArn=actual.id, TagKeys=list(keys)
        ),
        stack=lambda: [OidcProvider(name="github", url="token.actions.githubusercontent.com")],
        remove=lambda hand, found, actual: hand.client("iam").delete_open_id_connect_provider(
            OpenIDConnectProviderArn=actual.id
        ),
        drift={
            "client_ids (one more)": _client_id("add_client_id_to", "eve"),
            "client_ids (none)": _client_id("remove_client_id_from", "sts.amazonaws.com"),
        },
    ),
    "trail": Case(
        tag=_tag_trail,
        untag=lambda hand, actual, keys: hand.client("cloudtrail").remove_tags(
            ResourceId=actual["arn"], TagsList=[{"Key": key, "Value": actual.tags[key]} for key in keys]
        ),
        stack=_trail_stack,
        remove=lambda hand, found, actual: hand.client("cloudtrail").delete_trail(Name=actual.id),
        drift={
            "bucket": _elsewhere,
            "multi_region": _update(IsMultiRegionTrail=False),
            "log_file_validation": _update(EnableLogFileValidation=False),
            "logging": lambda hand, found, actual: hand.client("cloudtrail").stop_logging(Name=actual.id),
        },
        updates={"logging": False},
    ),
}
