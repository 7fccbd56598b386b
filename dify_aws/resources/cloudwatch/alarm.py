"""Alarm: a number in CloudWatch that somebody is told about when it goes over a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dify_aws.aws import Aws
from dify_aws.aws.create_request import tag_list
from dify_aws.aws.physical_name import physical_name
from dify_aws.engine.resource import Actual, Input
from dify_aws.resources.deletion import delete
from dify_aws.resources.named_resource import NamedResource, tags_of
from dify_aws.resources.observe import observe


@dataclass(frozen=True, kw_only=True, eq=False)
class Alarm(NamedResource):
    """A metric alarm. Its id is its name.

    Args:
        namespace: of the metric that is watched.
        metric_name: of that metric.
        dimensions: of that metric.
        threshold: the line.
        comparison: on which side of it is bad, as "GreaterThanThreshold".
        statistic: "Average", "Minimum", "Maximum", "Sum" or "SampleCount", over each period.
        period_seconds: the length of one.
        evaluation_periods: how many bad ones in a row make an alarm.
        treat_missing_data: "missing", "breaching", "notBreaching" or "ignore".
        actions: whom to tell when it goes off and when it is over (``topic.id``).
        description: what it means and what to do, for who gets the mail.
        alarm_name: its name in CloudWatch; "deployment--name" by default.
    """

    namespace: str
    metric_name: str
    threshold: float
    dimensions: Mapping[str, Input[str]] = field(default_factory=dict)
    comparison: str = "GreaterThanThreshold"
    statistic: str = "Average"
    period_seconds: int = 300
    evaluation_periods: int = 1
    treat_missing_data: str = "missing"
    actions: Iterable[Input[str]] = ()
    description: str = ""
    alarm_name: str | None = None

    kind = "alarm"
    initial = frozenset({"alarm_name"})
    unordered = frozenset({"actions"})
    tables = ("alarms",)
    indexed_as = "cloudwatch"
    in_arn = ":alarm:"
    permissions = frozenset(
        {
            "cloudwatch:DeleteAlarms",
            "cloudwatch:DescribeAlarms",
            "cloudwatch:ListTagsForResource",
            "cloudwatch:PutMetricAlarm",
            "cloudwatch:TagResource",
            "tag:GetResources",
        }
    )

    def named(self, aws: Aws) -> str:
        return self.alarm_name or aws.physical_name(self.address)

    @classmethod
    def look(cls, aws: Aws, name: str) -> Actual | None:
        # Those of a deployment begin alike, so one call tells all of them.
        shared = physical_name(aws.deployment, "")
        prefix = shared if name.startswith(shared) else name
        alarms = aws.read_cache.read(
            "alarms",
            lambda: aws.pages(
                "cloudwatch.DescribeAlarms", "MetricAlarms", AlarmNamePrefix=prefix, AlarmTypes=["MetricAlarm"]
            ),
            prefix,
        )
        alarm = next((each for each in alarms if each["AlarmName"] == name), None)
        if alarm is None:
            return None
        arn = alarm.get("AlarmArn") or aws.arn("cloudwatch", f"alarm:{name}")
        tags = tags_of(aws, name, arn, lambda: aws.call("cloudwatch.ListTagsForResource", ResourceARN=arn)["Tags"])
        return observe(cls, name, tags, _values(alarm), arn=arn, state=alarm.get("StateValue", ""))

    def create(self, aws: Aws) -> Actual | None:
        aws.create("cloudwatch.PutMetricAlarm", self.address, keep=self.keep, **self._parameters(aws))
        name = self.named(aws)
        return self.made(aws, name, {"arn": aws.arn("cloudwatch", f"alarm:{name}"), "state": "INSUFFICIENT_DATA"})

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        # CloudWatch knows no partial change: what is not said goes back to its default.
        aws.call("cloudwatch.PutMetricAlarm", **self._parameters(aws))

    def retag(self, aws: Aws, actual: Actual, tags: Mapping[str, str]) -> None:
        aws.call("cloudwatch.TagResource", ResourceARN=actual["arn"], Tags=tag_list(tags))

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        delete(aws, "cloudwatch.DeleteAlarms", AlarmNames=[actual.id])

    def _parameters(self, aws: Aws) -> dict[str, Any]:
        actions = sorted(str(action) for action in self.actions)
        return {
            "AlarmName": self.named(aws),
            "AlarmDescription": self.description,
            "Namespace": self.namespace,
            "MetricName": self.metric_name,
            "Dimensions": [{"Name": name, "Value": value} for name, value in sorted(self.dimensions.items())],
            "Statistic": self.statistic,
            "Period": self.period_seconds,
            "EvaluationPeriods": self.evaluation_periods,
            "Threshold": self.threshold,
            "ComparisonOperator": self.comparison,
            "TreatMissingData": self.treat_missing_data,
            "ActionsEnabled": True,
            "AlarmActions": actions,
            "OKActions": actions,
        }


def _values(alarm: Mapping[str, Any]) -> dict[str, Any]:
    topics = frozenset(alarm.get("AlarmActions", ()))
    # Told of the alarm but not of its end, or switched off: neither is what we ask for.
    complete = topics == frozenset(alarm.get("OKActions", ())) and alarm.get("ActionsEnabled", True)
    return {
        "namespace": alarm.get("Namespace", ""),
        "metric_name": alarm.get("MetricName", ""),
        "dimensions": {each["Name"]: each["Value"] for each in alarm.get("Dimensions", ())},
        "threshold": alarm.get("Threshold"),
        "comparison": alarm.get("ComparisonOperator", ""),
        "statistic": alarm.get("Statistic", ""),
        "period_seconds": alarm.get("Period"),
        "evaluation_periods": alarm.get("EvaluationPeriods"),
        "treat_missing_data": alarm.get("TreatMissingData", "missing"),
        "actions": topics if complete else topics | {"(incomplete)"},
        "description": alarm.get("AlarmDescription", ""),
    }
