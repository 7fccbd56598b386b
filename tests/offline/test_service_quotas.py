"""Service Quotas of the offline world, and the metrics that its machines tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dify_aws import Deployment, Settings
from dify_aws.offline.world import World

ADDRESSES = {"ServiceCode": "ec2", "QuotaCode": "L-0263D0A3"}


def test_a_quota_is_known_by_its_default_until_it_is_changed(world: World) -> None:
    """As AWS has it: what was never raised may be known to the one operation only."""
    quotas: Any = world.session.client("service-quotas")
    with pytest.raises(ClientError, match="NoSuchResourceException"):
        quotas.get_service_quota(**ADDRESSES)
    assert quotas.get_aws_default_service_quota(**ADDRESSES)["Quota"]["Value"] == 5
    world.quotas["elastic-ip"] = 20
    assert quotas.get_service_quota(**ADDRESSES)["Quota"]["Value"] == 20
    assert quotas.get_aws_default_service_quota(**ADDRESSES)["Quota"]["Value"] == 5
    with pytest.raises(ClientError, match="NoSuchResourceException"):
        quotas.get_aws_default_service_quota(ServiceCode="ec2", QuotaCode="L-00000000")


def test_machine_without_agent_sends_no_metrics(world: World) -> None:
    """Only what runs tells."""
    outputs = Deployment(Settings(environment="dev", nat_gateway=False), session=world.session).apply()
    now = datetime.now(UTC)
    query = {
        "Id": "memory",
        "MetricStat": {
            "Metric": {
                "Namespace": "Dify/dev",
                "MetricName": "mem_used_percent",
                "Dimensions": [{"Name": "InstanceId", "Value": outputs.instance_id}],
            },
            "Period": 60,
            "Stat": "Maximum",
        },
    }
    cloudwatch: Any = world.session.client("cloudwatch")
    metrics = cloudwatch.get_metric_data(
        MetricDataQueries=[query], StartTime=now - timedelta(minutes=15), EndTime=now + timedelta(minutes=1)
    )
    assert metrics["MetricDataResults"][0]["Values"] == []
