"""Monitoring: new alarms without data, subscriptions that wait for confirmation, and log retention."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.responses import ActionResult
from moto.logs.exceptions import InvalidParameterException
from moto.sns.models import sns_backends

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects

_SNS = "moto.sns.responses:SNSResponse"
_EMAIL = ("email", "email-json")
_CONFIRM = "https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.confirm.html"
_RETENTION = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"
_RETENTION_DAYS = frozenset(
    (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
)


def _waits(subscription: Any) -> bool:
    return subscription.protocol in _EMAIL and not subscription.confirmed


@corrects(
    _SNS,
    "subscribe",
    says="An e-mail subscription has no ARN until it is confirmed.",
    link="https://docs.aws.amazon.com/sns/latest/api/API_Subscribe.html",
)
def a_person_confirms(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    answer = original()
    subscription = response.backend.subscriptions[answer.result["SubscriptionArn"]]
    if not _waits(subscription):
        return answer
    subscription.attributes["PendingConfirmation"] = True
    if str(response._get_param("ReturnSubscriptionArn")).lower() == "true":
        return answer
    return ActionResult({"SubscriptionArn": "pending confirmation"})


@corrects(
    "moto.sns.models:SNSBackend",
    "unsubscribe",
    says="A deleted subscription is listed for some days, with Deleted as its ARN.",
    link="https://docs.aws.amazon.com/sns/latest/dg/sns-delete-subscription-topic.html",
)
def an_ended_subscription_is_listed(cloud: Cloud, original: Callable[..., Any], backend: Any, arn: str) -> Any:
    if (subscription := backend.subscriptions.get(arn)) is not None:
        cloud.remember("ended subscriptions").setdefault(subscription.topic_arn, []).append(subscription)
    return original(arn)


@corrects(
    _SNS,
    "list_subscriptions",
    "list_subscriptions_by_topic",
    says="A subscription that is not confirmed is listed with the ARN PendingConfirmation.",
    link="https://docs.aws.amazon.com/sns/latest/api/API_ListSubscriptionsByTopic.html",
)
def listed_as_pending(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    result = original().result
    topic = response._get_param("TopicArn")
    ended = [
        _without_arn(subscription, "Deleted")
        for each, subscriptions in cloud.remember("ended subscriptions").items()
        for subscription in subscriptions
        if topic in (None, each) and each in response.backend.topics
    ]
    listed = [_without_arn(each, "PendingConfirmation") if _waits(each) else each for each in result["Subscriptions"]]
    return ActionResult({**result, "Subscriptions": [*listed, *ended]})


def _without_arn(subscription: Any, word: str) -> dict[str, Any]:
    return {
        "SubscriptionArn": word,
        "Owner": subscription.owner,
        "Protocol": subscription.protocol,
        "Endpoint": subscription.endpoint,
        "TopicArn": subscription.topic_arn,
    }


def confirm(address: str) -> int:
    """Open the confirmation link in all mails to an address.

    Args:
        address: the mail address.

    Returns:
        The number of confirmed subscriptions.
    """
    waiting = [
        subscription
        for backend in list(sns_backends[DEFAULT_ACCOUNT_ID].values())
        for subscription in backend.subscriptions.values()
        if subscription.endpoint == address and _waits(subscription)
    ]
    for subscription in waiting:
        subscription.confirmed = True
        subscription.attributes["PendingConfirmation"] = False
    return len(waiting)


@corrects(
    "moto.cloudwatch.models:CloudWatchBackend",
    "put_metric_alarm",
    says="A new alarm has insufficient data; PutMetricAlarm for an existing one keeps its state and its tags.",
    link="https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html",
)
def an_alarm_begins_without_data(cloud: Cloud, original: Callable[..., Any], backend: Any, **parameters: Any) -> Any:
    before = backend.alarms.get(parameters["name"])
    if before is not None:
        parameters["tags"] = None
    alarm = original(**parameters)
    if before is None:
        alarm.state_value = "INSUFFICIENT_DATA"
        alarm.state_reason = "Unchecked: Initial alarm creation"
    else:
        for name in ("state_value", "state_reason", "state_reason_data", "state_updated_timestamp"):
            setattr(alarm, name, getattr(before, name))
    return alarm


@corrects(
    "moto.logs.responses:LogsResponse",
    "put_retention_policy",
    says="CloudWatch Logs accepts only some values for the retention in days.",
    link=_RETENTION,
)
def days_that_are_known(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    days = response._get_param("retentionInDays")
    if days not in _RETENTION_DAYS:
        raise InvalidParameterException(
            constraint=f"Member must satisfy enum value set: {sorted(_RETENTION_DAYS)}",
            parameter="retentionInDays",
            value=days,
        )
    return original()


@corrects(
    "moto.logs.responses:LogsResponse",
    "call_action",
    says="A log group can have deletion protection, which is shown, and DeleteLogGroup refuses.",
    link="https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogGroupDeletionProtection.html",
)
def a_log_group_can_be_protected(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    protected: dict[Any, bool] = cloud.remember("protected log groups")
    action, place = response._get_action(), (response.current_account, response.region)
    request = json.loads(response.body) if response.body else {}
    headers = {"content-type": "application/x-amz-json-1.1"}
    if action == "PutLogGroupDeletionProtection":
        name = request["logGroupIdentifier"].rpartition(":")[2]
        protected[(*place, name)] = request["deletionProtectionEnabled"]
        return 200, {**headers, "status": "200"}, "{}"
    if action == "DeleteLogGroup" and protected.get((*place, request["logGroupName"])):
        message = f"The log group {request['logGroupName']} has deletion protection enabled."
        fault = {"__type": "ValidationException", "message": message}
        return 400, {**headers, "status": "400"}, json.dumps(fault)
    status, found, body = original()
    if action == "DescribeLogGroups" and status == 200:
        answer = json.loads(body)
        for group in answer["logGroups"]:
            group["deletionProtectionEnabled"] = protected.get((*place, group["logGroupName"]), False)
        body = json.dumps(answer)
    return status, found, body


_TAGS = "https://docs.aws.amazon.com/tag-editor/latest/userguide/tagging.html"


@corrects(
    "moto.logs.models:LogsBackend",
    "delete_log_group",
    says="The tags of a log group are deleted with it: a new one with the same name has none.",
    link=_TAGS,
)
def tags_go_with_a_log_group(cloud: Cloud, original: Callable[..., Any], backend: Any, log_group_name: str) -> Any:
    group = backend.groups.get(log_group_name)
    answer = original(log_group_name)
    backend.tagger.delete_all_tags_for_resource(group.arn)
    return answer


@corrects(
    "moto.cloudwatch.models:CloudWatchBackend",
    "delete_alarms",
    says="The tags of an alarm are deleted with it: a new one with the same name has none.",
    link=_TAGS,
)
def tags_go_with_an_alarm(cloud: Cloud, original: Callable[..., Any], backend: Any, alarm_names: list[str]) -> Any:
    arns = [alarm.alarm_arn for name in alarm_names if (alarm := backend.alarms.get(name)) is not None]
    answer = original(alarm_names)
    for arn in arns:
        backend.tagger.delete_all_tags_for_resource(arn)
    return answer


CORRECTIONS = (
    a_person_confirms,
    an_ended_subscription_is_listed,
    listed_as_pending,
    an_alarm_begins_without_data,
    days_that_are_known,
    a_log_group_can_be_protected,
    tags_go_with_a_log_group,
    tags_go_with_an_alarm,
)
