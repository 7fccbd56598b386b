"""Monitoring, secrets and logs: alarms without data, mails that wait, names that are taken, days that are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dify_aws.offline.world import World
from tests.offline.refusals import refused

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

MAIL = "ops@example.com"


@pytest.fixture
def sns(world: World) -> SNSClient:
    return world.session.client("sns")


@pytest.fixture
def topic(sns: SNSClient) -> str:
    return sns.create_topic(Name="alarms")["TopicArn"]


def listed(sns: SNSClient, topic: str) -> list[str]:
    return [each["SubscriptionArn"] for each in sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]]


def test_subscription_waits_for_confirmation(sns: SNSClient, topic: str, world: World) -> None:
    """https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html"""
    answer = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=MAIL)
    assert answer["SubscriptionArn"] == "pending confirmation"
    assert listed(sns, topic) == ["PendingConfirmation"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=MAIL)  # sends another mail, makes nothing new
    assert listed(sns, topic) == ["PendingConfirmation"]
    assert [each["Endpoint"] for each in sns.list_subscriptions()["Subscriptions"]] == [MAIL]

    world.confirm_subscription(MAIL)
    (arn,) = listed(sns, topic)
    assert arn.startswith(topic)
    assert sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=MAIL)["SubscriptionArn"] == arn
    with pytest.raises(LookupError, match=MAIL):
        world.confirm_subscription(MAIL)


def test_arn_of_a_pending_subscription_can_be_requested(sns: SNSClient, topic: str) -> None:
    answer = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=MAIL, ReturnSubscriptionArn=True)
    attributes = sns.get_subscription_attributes(SubscriptionArn=answer["SubscriptionArn"])["Attributes"]
    assert attributes["PendingConfirmation"] == "true"


def test_other_protocols_do_not_wait(sns: SNSClient, topic: str) -> None:
    answer = sns.subscribe(TopicArn=topic, Protocol="sms", Endpoint="+15550100")
    assert answer["SubscriptionArn"].startswith(topic)
    assert listed(sns, topic) == [answer["SubscriptionArn"]]


def test_a_deleted_topic_takes_its_subscriptions(sns: SNSClient, topic: str) -> None:
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=MAIL)
    sns.delete_topic(TopicArn=topic)
    assert sns.list_subscriptions()["Subscriptions"] == []


def test_an_alarm_begins_without_data_and_keeps_its_tags(world: World) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html"""
    cloudwatch = world.session.client("cloudwatch")
    parameters: Any = {
        "AlarmName": "cpu",
        "Namespace": "AWS/EC2",
        "MetricName": "CPUUtilization",
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 1,
        "Period": 300,
        "Statistic": "Average",
    }

    def alarm() -> Any:
        return cloudwatch.describe_alarms(AlarmNames=["cpu"])["MetricAlarms"][0]

    cloudwatch.put_metric_alarm(**parameters, Threshold=80.0, Tags=[{"Key": "a", "Value": "b"}])
    assert alarm()["StateValue"] == "INSUFFICIENT_DATA"
    cloudwatch.set_alarm_state(AlarmName="cpu", StateValue="ALARM", StateReason="test")
    cloudwatch.put_metric_alarm(**parameters, Threshold=90.0, Tags=[{"Key": "a", "Value": "changed"}])
    assert (alarm()["Threshold"], alarm()["StateValue"]) == (90.0, "ALARM")
    tags = cloudwatch.list_tags_for_resource(ResourceARN=alarm()["AlarmArn"])["Tags"]
    assert tags == [{"Key": "a", "Value": "b"}]


def test_a_secret_that_is_to_be_deleted_still_has_its_name(world: World) -> None:
    """https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html"""
    secrets = world.session.client("secretsmanager")
    secrets.create_secret(Name="dify/dev/key", SecretString="x")
    with refused("ResourceExistsException"):
        secrets.create_secret(Name="dify/dev/key", SecretString="y")
    secrets.delete_secret(SecretId="dify/dev/key", RecoveryWindowInDays=7)
    with refused("InvalidRequestException"):
        secrets.create_secret(Name="dify/dev/key", SecretString="y")
    secrets.restore_secret(SecretId="dify/dev/key")
    assert secrets.get_secret_value(SecretId="dify/dev/key")["SecretString"] == "x"
    secrets.delete_secret(SecretId="dify/dev/key", ForceDeleteWithoutRecovery=True)
    secrets.create_secret(Name="dify/dev/key", SecretString="y")


def test_logs_are_kept_for_days_that_cloudwatch_knows(world: World) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""
    logs = world.session.client("logs")
    logs.create_log_group(logGroupName="dify")
    with refused("InvalidParameterException"):
        logs.put_retention_policy(logGroupName="dify", retentionInDays=31)
    logs.put_retention_policy(logGroupName="dify", retentionInDays=30)
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 30


def test_tags_go_with_a_log_group(world: World) -> None:
    """Another one of the same name, made by anybody, begins without them."""
    logs = world.session.client("logs")
    logs.create_log_group(logGroupName="/lab/web", tags={"owner": "us"})
    logs.delete_log_group(logGroupName="/lab/web")
    logs.create_log_group(logGroupName="/lab/web")

    arn = logs.describe_log_groups()["logGroups"][0]["arn"].removesuffix(":*")
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {}


def test_tags_go_with_an_alarm(world: World) -> None:
    """Another one of the same name, made by anybody, begins without them."""
    cloudwatch = world.session.client("cloudwatch")
    alarm: Any = {
        "AlarmName": "cpu",
        "Namespace": "AWS/EC2",
        "MetricName": "CPUUtilization",
        "Statistic": "Average",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    cloudwatch.put_metric_alarm(**alarm, Tags=[{"Key": "owner", "Value": "us"}])
    cloudwatch.delete_alarms(AlarmNames=["cpu"])
    cloudwatch.put_metric_alarm(**alarm)

    arn = cloudwatch.describe_alarms()["MetricAlarms"][0]["AlarmArn"]
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == []


def test_an_ended_subscription_is_listed_for_a_while(world: World) -> None:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-delete-subscription-topic.html"""
    sns = world.session.client("sns")
    topic = sns.create_topic(Name="alarms")["TopicArn"]
    arn = sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=MAIL, ReturnSubscriptionArn=True)["SubscriptionArn"]
    world.confirm_subscription(MAIL)
    sns.unsubscribe(SubscriptionArn=arn)

    def listed() -> list[str]:
        found = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
        return sorted(each["SubscriptionArn"] for each in found)

    assert listed() == ["Deleted"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint=MAIL)
    assert listed() == ["Deleted", "PendingConfirmation"]
    sns.delete_topic(TopicArn=topic)
    assert sns.list_subscriptions()["Subscriptions"] == []
