"""Volumes: their states, attachments, and modifications."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import Correction, corrects
from dify_aws.offline.corrections.schedules import utc

SECONDS_CREATING = 2
SECONDS_ATTACHING = 2
SECONDS_DETACHING = 5
SECONDS_MODIFYING = 10
SECONDS_OPTIMIZING = 120
SECONDS_BETWEEN_MODIFICATIONS = 6 * 3600
GP3_THROUGHPUT = 125

_EC2 = "moto.ec2.responses:EC2Response"
_STATES = "https://docs.aws.amazon.com/ebs/latest/userguide/ebs-describing-volumes.html"
_MODIFY = "https://docs.aws.amazon.com/ebs/latest/userguide/modify-volume-requirements.html"


def _creating_counts(cloud: Cloud, original: property) -> property:
    def status(volume: Any) -> str:
        return "creating" if getattr(volume, "is_creating", False) else str(original.__get__(volume))

    return property(status)


status_can_be_creating = Correction(
    owner="moto.ec2.models.elastic_block_store:Volume",
    attributes=("status",),
    says="A volume is creating before it is available.",
    link=_STATES,
    replace=_creating_counts,
)


@corrects(_EC2, "create_volume", says="A volume is creating for some seconds before it is available.", link=_STATES)
def made_is_not_available(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    answer = original()
    volume = answer.result
    if volume.volume_type == "gp3" and volume.throughput is None:
        volume.throughput = GP3_THROUGHPUT
    volume.create_time = utc(cloud)
    volume.is_creating = True
    if cloud.default_key_unusable:
        cloud.later(SECONDS_CREATING, functools.partial(response.ec2_backend.volumes.pop, volume.id, None))
    else:
        cloud.later(SECONDS_CREATING, functools.partial(setattr, volume, "is_creating", False))
    return answer


@corrects(
    _EC2,
    "attach_volume",
    says="A volume can be attached when it is available, to an instance that is running or stopped, in its own zone.",
    link="https://docs.aws.amazon.com/ebs/latest/userguide/ebs-attaching-volume.html",
)
def attached_where_it_fits(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    backend, device = response.ec2_backend, response._get_param("Device")
    volume = backend.get_volume(response._get_param("VolumeId"))
    instance = backend.get_instance(response._get_param("InstanceId"))
    if volume.attachment:
        raise EC2ClientError("VolumeInUse", f"{volume.id} is already attached to an instance")
    if volume.status != "available":
        raise EC2ClientError("IncorrectState", f"{volume.id} is not 'available'.")
    if volume.availability_zone != instance.availability_zone:
        raise EC2ClientError(
            "InvalidVolume.ZoneMismatch",
            f"The volume '{volume.id}' is not in the same availability zone as instance '{instance.id}'",
        )
    if instance.state not in ("running", "stopped"):
        raise EC2ClientError("IncorrectState", f"Instance '{instance.id}' is not 'running'.")
    if device in instance.block_device_mapping:
        raise EC2ClientError(
            "InvalidParameterValue",
            f"Invalid value '{device}' for unixDevice. Attachment point {device} is already in use",
        )
    answer = original()
    volume.attachment.status = "attaching"
    cloud.later(SECONDS_ATTACHING, functools.partial(_is_attached, volume, volume.attachment))
    return answer


def _is_attached(volume: Any, attachment: Any) -> None:
    if volume.attachment is attachment and attachment.status == "attaching":
        attachment.status = "attached"


@corrects(
    _EC2,
    "detach_volume",
    says="A volume stays in use while it is detaching, and a root volume cannot leave a running instance.",
    link="https://docs.aws.amazon.com/ebs/latest/userguide/ebs-detaching-volume.html",
)
def detaching_takes_a_while(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    backend = response.ec2_backend
    volume = backend.get_volume(response._get_param("VolumeId"))
    attachment = volume.attachment
    if attachment is None:
        raise EC2ClientError("IncorrectState", f"Volume '{volume.id}' is in the '{volume.status}' state.")
    instance = attachment.instance
    requested_instance, requested_device = response._get_param("InstanceId"), response._get_param("Device")
    if requested_instance not in (None, "", instance.id) or requested_device not in (None, "", attachment.device):
        raise EC2ClientError(
            "InvalidAttachment.NotFound",
            f"Volume '{volume.id}' is not attached to instance '{requested_instance}' as device '{requested_device}'.",
        )
    if attachment.device == instance.root_device_name and instance.state != "stopped":
        raise EC2ClientError(
            "OperationNotPermitted", f"Unable to detach root volume '{volume.id}' from instance '{instance.id}'"
        )
    if attachment.status != "detaching":
        attachment.status = "detaching"
        cloud.later(SECONDS_DETACHING, functools.partial(_is_detached, volume, attachment))
    return ActionResult(
        {
            "VolumeId": volume.id,
            "InstanceId": instance.id,
            "Device": attachment.device,
            "State": "detaching",
            "AttachTime": attachment.attach_time,
        }
    )


def _is_detached(volume: Any, attachment: Any) -> None:
    if volume.attachment is attachment:
        volume.ec2_backend.detach_volume(volume.id, attachment.instance.id, attachment.device)


_MODIFIED = ("size", "volume_type", "iops", "throughput")


@corrects(
    _EC2,
    "modify_volume",
    says="A volume never shrinks, is modified once in six hours, and shows its new size when it begins to optimize.",
    link=_MODIFY,
)
def grows_slowly_and_seldom(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    volume = response.ec2_backend.get_volume(response._get_param("VolumeId"))
    size = response._get_param("Size")
    if size is not None and size < volume.size:
        raise EC2ClientError("InvalidParameterValue", "New size cannot be smaller than existing size")
    if volume.status == "creating":
        raise EC2ClientError("IncorrectModificationState", f"Volume {volume.id} is still being created.")
    # By the object, not the id, so that notes end with the world.
    modified_at = cloud.remember("volumes modified at")
    last = modified_at.get(volume.id)
    if last is not None and cloud.clock.now() < last + SECONDS_BETWEEN_MODIFICATIONS:
        raise EC2ClientError(
            "VolumeModificationRateExceeded",
            "You've reached the maximum modification rate per volume limit."
            " Wait at least 6 hours between modifications per EBS volume.",
        )
    before = {name: getattr(volume, name) for name in _MODIFIED}
    answer = original()
    after = {name: getattr(volume, name) for name in _MODIFIED}
    modification = volume.modifications[-1]
    modification.phase, modification.end_time = "modifying", None
    for name in _MODIFIED:
        setattr(modification, f"original_{name}", before[name])
        setattr(modification, f"target_{name}", after[name])
        setattr(volume, name, before[name])
    volume.modifications = [modification]
    modified_at[volume.id] = cloud.clock.now()
    cloud.later(SECONDS_MODIFYING, functools.partial(_is_optimizing, volume, modification, after))
    cloud.later(SECONDS_MODIFYING + SECONDS_OPTIMIZING, functools.partial(setattr, modification, "phase", "completed"))
    return answer


def _is_optimizing(volume: Any, modification: Any, after: dict[str, Any]) -> None:
    modification.phase = "optimizing"
    for name, value in after.items():
        setattr(volume, name, value)


def _phase(cloud: Cloud, original: property) -> property:
    return property(lambda modification: modification.phase)


modification_state = Correction(
    owner="moto.ec2.models.elastic_block_store:VolumeModification",
    attributes=("modification_state",),
    says="A modification is modifying, then optimizing, then completed.",
    link="https://docs.aws.amazon.com/ebs/latest/userguide/monitoring-volume-modifications.html",
    replace=_phase,
)


def _percent(cloud: Cloud, original: property) -> property:
    return property(lambda modification: {"modifying": 0, "optimizing": 50, "completed": 100}[modification.phase])


modification_progress = Correction(
    owner="moto.ec2.models.elastic_block_store:VolumeModification",
    attributes=("progress",),
    says="A modification shows its progress.",
    link="https://docs.aws.amazon.com/ebs/latest/userguide/monitoring-volume-modifications.html",
    replace=_percent,
)


@corrects(
    _EC2,
    "describe_volumes_modifications",
    says="Querying the modification of a volume without one fails with InvalidVolumeModification.NotFound.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVolumesModifications.html",
)
def only_modified_ones(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    for volume_id in response._get_param("VolumeIds", []):
        if not response.ec2_backend.get_volume(volume_id).modifications:
            raise EC2ClientError(
                "InvalidVolumeModification.NotFound", f"Modification for volume '{volume_id}' does not exist."
            )
    return original()


CORRECTIONS = (
    status_can_be_creating,
    made_is_not_available,
    attached_where_it_fits,
    detaching_takes_a_while,
    grows_slowly_and_seldom,
    modification_state,
    modification_progress,
    only_modified_ones,
)
