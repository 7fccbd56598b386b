"""Watching: the alarms, who hears of them, and whether the machine still sends its metrics to CloudWatch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from dify_aws.operations.diagnosis.checks.check_context import CheckContext
from dify_aws.operations.diagnosis.diagnosis import Finding, ok, unknown, warning, wrong
from dify_aws.resources import Alarm

PERMISSIONS: Final = frozenset({"cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"})

SILENT: Final = timedelta(minutes=15)
"""The agent sends its metrics every minute. Less than this may be a reboot."""

METRICS: Final = {
    "disk": ("disk_used_percent", 85, "Raise data_volume_gib or root_volume_gib, then deploy()."),
    "memory": ("mem_used_percent", 90, "Choose a larger instance_type, or profile compact."),
    "swap": ("swap_used_percent", 50, "Memory is short: choose a larger instance_type."),
}
"""What the agent sends, from how many percent on somebody should know, and what to do."""


def alarms(context: CheckContext) -> Iterator[Finding]:
    """Each alarm that is in ALARM or has seen no data, and one line for the rest."""
    quiet = []
    for address, resource in context.stack.resources.items():
        if not isinstance(resource, Alarm):
            continue
        alarm = context.find(address)
        if alarm is None:
            yield wrong(f"alarm {resource.name}", "is not there", "apply() makes it.")
            continue
        match alarm["state"]:
            case "ALARM":
                yield wrong(f"alarm {resource.name}", f"{alarm.id} is in ALARM: {resource.description}", "See to that.")
            case "INSUFFICIENT_DATA":
                evidence = f"{alarm.id} has seen no data yet"
                remedy = "A new one needs some minutes. If it stays so, look at the line on the agent."
                yield warning(f"alarm {resource.name}", evidence, remedy)
            case _:
                quiet.append(alarm.id)
    if quiet:
        yield ok("alarms", f"quiet: {', '.join(quiet)}")
    pending = context.there(context.addresses.alarm_topic)["pending"]
    if pending:
        evidence = f"{', '.join(pending)} has not followed the link in AWS's mail"
        yield warning("alarm mail", evidence, "Until then nobody hears of an alarm. Look into the spam folder.")


def agent(context: CheckContext) -> Iterator[Finding]:
    """What the machine sent to CloudWatch last: whether it sends anything, its disks, its memory and its swap."""
    host, now = context.there(context.addresses.host), context.now()
    data = context.aws.pages(
        "cloudwatch.GetMetricData",
        "MetricDataResults",
        MetricDataQueries=[_query(context, name, host.id) for name in METRICS],
        StartTime=now - SILENT,
        EndTime=now + timedelta(minutes=1),
        ScanBy="TimestampDescending",
    )
    last = {each["Id"]: each["Values"][0] for each in data if each.get("Values")}
    if not last:
        evidence = f"{host.id} has told CloudWatch nothing in the last {SILENT.seconds // 60} minutes"
        remedy = (
            "If it was installed just now, look again in some minutes; else it is down, or its agent is: install() "
            "starts it again. diagnose(open_access=True) looks on the machine itself."
        )
        yield wrong("agent", evidence, remedy)
        return
    yield ok("agent", f"tells CloudWatch, in {context.settings.metric_namespace}")
    for name, (metric, limit, remedy) in METRICS.items():
        subject = f"{name} in CloudWatch"
        if name not in last:
            yield unknown(subject, f"{metric} is not told", "install() puts the agent's configuration right.")
        elif last[name] >= limit:
            yield warning(subject, f"{last[name]:.0f} % used", remedy)
        else:
            yield ok(subject, f"{last[name]:.0f} % used")


def _query(context: CheckContext, name: str, instance_id: str) -> Mapping[str, Any]:
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {
                "Namespace": context.settings.metric_namespace,
                "MetricName": METRICS[name][0],
                "Dimensions": [{"Name": "InstanceId", "Value": instance_id}],
            },
            "Period": 60,
            "Stat": "Maximum",
        },
    }
