"""Root volumes: the root volume of a running instance can be replaced, by a volume without tags."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.utils import random_id

from dify_aws.offline.addition import adds
from dify_aws.offline.cloud import Cloud


@adds(
    says="The root volume of a running instance is replaced by a new volume of the same size, which carries none of the"
    " old one's tags; the old one stays, detached, unless it is asked to go."
)
def create_replace_root_volume_task(cloud: Cloud, response: Any) -> ActionResult:
    backend = response.ec2_backend
    instance = backend.get_instance(response._get_param("InstanceId"))
    if instance.state != "running":
        raise EC2ClientError("IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'running' state.")
    device = instance.root_device_name
    mapping = instance.block_device_mapping[device]
    old = backend.get_volume(mapping.volume_id)
    goes_with_it = mapping.delete_on_termination
    backend.detach_volume(old.id, instance.id, device)
    new = backend.create_volume(
        size=old.size, zone_name=old.zone.name, encrypted=old.encrypted, volume_type=old.volume_type
    )
    new.throughput, new.iops = old.throughput, old.iops
    backend.attach_volume(new.id, instance.id, device)
    instance.block_device_mapping[device].delete_on_termination = goes_with_it
    if response._get_param("DeleteReplacedRootVolume"):
        backend.delete_volume(old.id)
    task = {
        "ReplaceRootVolumeTaskId": random_id("replacevol"),
        "InstanceId": instance.id,
        "TaskState": "succeeded",
        "StartTime": f"{utcnow():%Y-%m-%dT%H:%M:%SZ}",
        "CompleteTime": f"{utcnow():%Y-%m-%dT%H:%M:%SZ}",
        "DeleteReplacedRootVolume": bool(response._get_param("DeleteReplacedRootVolume")),
    }
    return ActionResult({"ReplaceRootVolumeTask": task})


CORRECTIONS = (create_replace_root_volume_task,)
