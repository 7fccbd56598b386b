"""The cases of the kinds that AWS knows by a name of ours: storage, secrets, logs and alarms."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dify_aws import Actual, Alarm, Bucket, LifecycleRule, LogGroup, Resource, ScheduleGroup, StoredSecret, Topic
from tests.functional.cases_network import Found
from tests.support.case import Case, Hand
from tests.support.statements import statements

BUCKET: Final = "lab--storage--123456789012-ap-northeast-1"
GLACIER: Final = LifecycleRule("backups", "backups/", storage_class="GLACIER", transition_days=90)
SWEEP: Final = LifecycleRule("unfinished", abort_uploads_days=7, noncurrent_expiration_days=90)


OPEN: Final = {
    "Sid": "Another",
    "Effect": "Allow",
    "Principal": {"AWS": "arn:aws:iam::210987654321:root"},
    "Action": "s3:GetObject",
    "Resource": f"arn:aws:s3:::{BUCKET}/*",
}


def _open(hand: Hand, found: Found, actual: Actual) -> None:
    """Somebody lets another account read, beside what the policy says already."""
    s3 = hand.client("s3")
    policy = json.loads(s3.get_bucket_policy(Bucket=actual.id)["Policy"])
    s3.put_bucket_policy(Bucket=actual.id, Policy=json.dumps({**policy, "Statement": [*statements(policy), OPEN]}))


def _tag_bucket(hand: Hand, actual: Actual, key: str, value: str) -> None:
    _tags_of_bucket(hand, actual, {**actual.tags, key: value})


def _untag_bucket(hand: Hand, actual: Actual, keys: Sequence[str]) -> None:
    _tags_of_bucket(hand, actual, {key: value for key, value in actual.tags.items() if key not in keys})


def _tags_of_bucket(hand: Hand, actual: Actual, tags: Mapping[str, str]) -> None:
    text = [{"Key": key, "Value": value} for key, value in tags.items()]
    hand.client("s3").put_bucket_tagging(Bucket=actual.id, Tagging={"TagSet": text})


def _bucket(verb: str, **params: Any) -> Any:
    return lambda hand, found, actual: getattr(hand.client("s3"), verb)(Bucket=actual.id, **params)


def _rules(*rules: LifecycleRule) -> Any:
    return _bucket(
        "put_bucket_lifecycle_configuration", LifecycleConfiguration={"Rules": [rule.parameters() for rule in rules]}
    )


def _alarm(**params: Any) -> Any:
    """Say an alarm again, with something of it changed, as the console does."""

    def drift(hand: Hand, found: Found, actual: Actual) -> None:
        cloudwatch = hand.client("cloudwatch")
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=[actual.id])["MetricAlarms"]
        taken = cloudwatch.meta.service_model.operation_model("PutMetricAlarm").input_shape.members
        cloudwatch.put_metric_alarm(**{name: value for name, value in {**alarm, **params}.items() if name in taken})

    return drift


def _alarm_stack() -> list[Resource]:
    topic = Topic(name="alarms")
    return [
        topic,
        Alarm(
            name="cpu",
            namespace="AWS/EC2",
            metric_name="CPUUtilization",
            threshold=80,
            dimensions={"InstanceId": "i-0"},
            actions=[topic.id],
            description="busy",
        ),
    ]


def _confirmed(hand: Hand, topic: str) -> list[Any]:
    listed = hand.client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return [each for each in listed if each["SubscriptionArn"].startswith("arn:")]


def _leave(hand: Hand, found: Found, actual: Actual) -> None:
    hand.confirm("a@example.com")
    for each in _confirmed(hand, actual.id):
        hand.client("sns").unsubscribe(SubscriptionArn=each["SubscriptionArn"])


def _listen(hand: Hand, found: Found, actual: Actual) -> None:
    hand.client("sns").subscribe(TopicArn=actual.id, Protocol="email", Endpoint="eve@example.com")
    hand.confirm("eve@example.com")


NAMED: Final = {
    "bucket": Case(
        tag=_tag_bucket,
        untag=_untag_bucket,
        stack=lambda: [Bucket(name="storage", lifecycle=[GLACIER, SWEEP])],
        remove=_bucket("delete_bucket"),
        drift={
            "versioning": _bucket("put_bucket_versioning", VersioningConfiguration={"Status": "Suspended"}),
            "encryption": _bucket(
                "put_bucket_encryption",
                ServerSideEncryptionConfiguration={
                    "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}]
                },
            ),
            "block_public_access": _bucket("delete_public_access_block"),
            "ownership": _bucket(
                "put_bucket_ownership_controls", OwnershipControls={"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
            ),
            "tls_only": _bucket("delete_bucket_policy"),
            "statements": _open,
            "lifecycle (none)": _bucket("delete_bucket_lifecycle"),
            "lifecycle (one less)": _rules(GLACIER),
            "lifecycle (one more)": _rules(GLACIER, SWEEP, LifecycleRule("mine", "x/", abort_uploads_days=1)),
            "lifecycle (changed)": _rules(LifecycleRule("backups", "backups/", "GLACIER", 30), SWEEP),
        },
        updates={"tls_only": False, "statements": (OPEN,), "lifecycle": frozenset()},
        delete_conflict=("DeleteBucket", "OperationAborted"),
    ),
    "secret": Case(
        tag=lambda hand, actual, key, value: hand.client("secretsmanager").tag_resource(
            SecretId=actual.id, Tags=[{"Key": key, "Value": value}]
        ),
        untag=lambda hand, actual, keys: hand.client("secretsmanager").untag_resource(
            SecretId=actual.id, TagKeys=list(keys)
        ),
        stack=lambda: [StoredSecret(name="key", description="what it is for", value="of no use to anybody")],
        remove=lambda hand, found, actual: hand.client("secretsmanager").delete_secret(
            SecretId=actual.id, ForceDeleteWithoutRecovery=True
        ),
        drift={
            "description": lambda hand, found, actual: hand.client("secretsmanager").update_secret(
                SecretId=actual.id, Description="another"
            ),
            "value": lambda hand, found, actual: hand.client("secretsmanager").put_secret_value(
                SecretId=actual.id, SecretString="another"
            ),
        },
    ),
    "schedule-group": Case(
        tag=lambda hand, actual, key, value: hand.client("scheduler").tag_resource(
            ResourceArn=actual["arn"], Tags=[{"Key": key, "Value": value}]
        ),
        untag=lambda hand, actual, keys: hand.client("scheduler").untag_resource(
            ResourceArn=actual["arn"], TagKeys=list(keys)
        ),
        stack=lambda: [ScheduleGroup(name="leases")],
        remove=lambda hand, found, actual: hand.client("scheduler").delete_schedule_group(Name=actual.id),
    ),
    "log-group": Case(
        tag=lambda hand, actual, key, value: hand.client("logs").tag_resource(
            resourceArn=actual["arn"], tags={key: value}
        ),
        untag=lambda hand, actual, keys: hand.client("logs").untag_resource(
            resourceArn=actual["arn"], tagKeys=list(keys)
        ),
        stack=lambda: [LogGroup(name="app", retention_days=14)],
        remove=lambda hand, found, actual: hand.client("logs").delete_log_group(logGroupName=actual.id),
        drift={
            "retention_days (for ever)": lambda hand, found, actual: hand.client("logs").delete_retention_policy(
                logGroupName=actual.id
            ),
            "retention_days (another)": lambda hand, found, actual: hand.client("logs").put_retention_policy(
                logGroupName=actual.id, retentionInDays=7
            ),
        },
    ),
    "topic": Case(
        tag=lambda hand, actual, key, value: hand.client("sns").tag_resource(
            ResourceArn=actual.id, Tags=[{"Key": key, "Value": value}]
        ),
        untag=lambda hand, actual, keys: hand.client("sns").untag_resource(ResourceArn=actual.id, TagKeys=list(keys)),
        stack=lambda: [Topic(name="alarms", emails=["a@example.com", "b@example.com"])],
        remove=lambda hand, found, actual: hand.client("sns").delete_topic(TopicArn=actual.id),
        drift={"emails (one less)": _leave, "emails (one more)": _listen},
    ),
    "alarm": Case(
        tag=lambda hand, actual, key, value: hand.client("cloudwatch").tag_resource(
            ResourceARN=actual["arn"], Tags=[{"Key": key, "Value": value}]
        ),
        untag=lambda hand, actual, keys: hand.client("cloudwatch").untag_resource(
            ResourceARN=actual["arn"], TagKeys=list(keys)
        ),
        stack=_alarm_stack,
        remove=lambda hand, found, actual: hand.client("cloudwatch").delete_alarms(AlarmNames=[actual.id]),
        drift={
            "namespace": _alarm(Namespace="Lab"),
            "metric_name": _alarm(MetricName="NetworkIn"),
            "threshold": _alarm(Threshold=99),
            "dimensions": _alarm(Dimensions=[{"Name": "InstanceId", "Value": "i-1"}]),
            "comparison": _alarm(ComparisonOperator="LessThanThreshold"),
            "statistic": _alarm(Statistic="Maximum"),
            "period_seconds": _alarm(Period=60),
            "evaluation_periods": _alarm(EvaluationPeriods=9),
            "treat_missing_data": _alarm(TreatMissingData="ignore"),
            "actions (none)": _alarm(AlarmActions=[]),
            "actions (not at its end)": _alarm(OKActions=[]),
            "actions (switched off)": _alarm(ActionsEnabled=False),
            "description": _alarm(AlarmDescription="another"),
        },
    ),
}
