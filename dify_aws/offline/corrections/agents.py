"""Agents: the metrics that the CloudWatch agents on model machines send."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from moto.ec2.models import ec2_backends

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects
from dify_aws.offline.machine.host_usage import ROOT
from dify_aws.offline.machine.machine import Machine
from dify_aws.runtimes.compose.agent import UNIT
from dify_aws.runtimes.compose.paths import AGENT


@corrects(
    "moto.cloudwatch.models:CloudWatchBackend",
    "get_metric_data",
    says="A running agent sends metrics of its host every minute.",
    link="https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/metrics-collected-by-CloudWatch-agent.html",
)
def agents_tell(
    cloud: Cloud,
    original: Callable[..., Any],
    backend: Any,
    **parameters: Any,
) -> Any:
    running = {
        instance.id
        for reservation in ec2_backends[backend.account_id][backend.region_name].reservations.values()
        for instance in reservation.instances
        if instance.state == "running"
    }
    end: datetime = parameters["end_time"]
    for id, machine in cloud.remember("machines").items():
        text = machine.files.text(AGENT)
        if id in running and text and machine.units.runs(UNIT):
            common = {"Dimensions": [{"Name": "InstanceId", "Value": id}], "Timestamp": end - timedelta(seconds=90)}
            values = [{**common, "MetricName": name, "Value": value} for name, value in _values(machine).items()]
            backend.put_metric_data(json.loads(text)["metrics"]["namespace"], values)
    return original(**parameters)


def _values(machine: Machine) -> dict[str, float]:
    used = [1 - machine.system.free / ROOT]
    used += [disk.used / disk.file_system for disk in machine.disks.attached.values() if disk.file_system]
    strain = machine.strain
    return {
        "disk_used_percent": 100 * max(used),
        "mem_used_percent": 100 * (1 - strain.available_mib / machine.memory_mib),
        "swap_used_percent": 100 * strain.swapped_mib / 4096,
    }


CORRECTIONS = (agents_tell,)
