"""Alarms: what CloudWatch watches of one host, and tells by mail."""

from __future__ import annotations

from collections.abc import Iterator

from dify_aws.resources import Alarm, Instance, Topic
from dify_aws.settings import Settings


def alarms(settings: Settings, host: Instance, topic: Topic) -> Iterator[Alarm]:
    """The alarms of a host.

    Args:
        settings: what is desired.
        host: that is watched.
        topic: that is told.
    """
    own = settings.metric_namespace
    yield Alarm(
        name="cpu",
        namespace="AWS/EC2",
        metric_name="CPUUtilization",
        dimensions={"InstanceId": host.id},
        threshold=80,
        evaluation_periods=3,
        actions=[topic.id],
        description="The processor of the Dify host was over 80 % busy for 15 minutes.",
    )
    yield Alarm(
        name="disk",
        namespace=own,
        metric_name="disk_used_percent",
        dimensions={"InstanceId": host.id},
        statistic="Maximum",
        threshold=85,
        actions=[topic.id],
        description="A disk of the Dify host is over 85 % full: raise data_volume_gib or root_volume_gib.",
    )
    yield Alarm(
        name="postgres",
        namespace=own,
        metric_name="postgres_running",
        dimensions={"InstanceId": host.id},
        statistic="Minimum",
        comparison="LessThanThreshold",
        threshold=1,
        period_seconds=60,
        evaluation_periods=3,
        # A machine that says nothing is not a machine whose database runs.
        treat_missing_data="breaching",
        actions=[topic.id],
        description="The PostgreSQL container of the Dify host has stopped, or the host does not report.",
    )
