"""Instances: what RunInstances accepts and keeps, and the states an instance goes through."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores
from moto.ec2.exceptions import EC2ClientError, InvalidInstanceTypeError
from moto.ec2.models.instances import Instance, InstanceState, StateReason

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import Correction, corrects

SECONDS_PENDING = 16
SECONDS_WITHOUT_DISKS = 20
SECONDS_ENDED_BY_ITS_KEY = 5
SECONDS_SHUTTING_DOWN = 30
SECONDS_STOPPING = 30
SECONDS_TERMINATED_IS_LISTED = 3600

_EC2 = "moto.ec2.responses:EC2Response"
_STATES = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html"
_ERRORS = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"
_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
# Transitional states of an instance, and their results.
_ENDS = {"pending": "running", "shutting-down": "terminated", "stopping": "stopped"}


def _becomes(instance: Any, name: str) -> None:
    # A new object each time, because moto returns the old one as the previous state.
    instance._state = InstanceState(name, _CODES[name])


def _goes_through(cloud: Cloud, instance: Any, state: str, seconds: float, at_end: Callable[[Any], object]) -> None:
    def arrives() -> None:
        if instance.state == state:
            at_end(instance)
            _becomes(instance, _ENDS[state])

    _becomes(instance, state)
    cloud.later(seconds, arrives)


@corrects(
    _EC2,
    "run_instances",
    says="RunInstances refuses a key pair or type that does not exist, and a new instance is pending for some seconds.",
    link=_STATES,
)
def launched_is_not_running(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    backend, key_name = response.ec2_backend, response._get_param("KeyName")
    if key_name:
        backend.describe_key_pairs(key_names=[key_name])
    try:
        answer = original()
    except InvalidInstanceTypeError:
        type_name = response._get_param("InstanceType")
        raise EC2ClientError("InvalidParameterValue", f"Invalid value '{type_name}' for InstanceType.") from None
    for instance in answer.result.instances:
        _goes_through(cloud, instance, "pending", SECONDS_PENDING, _nothing_more)
        if cloud.default_key_unusable:
            cloud.later(SECONDS_ENDED_BY_ITS_KEY, functools.partial(_cannot_decrypt, cloud, instance))
        _apply_interface_options(response, instance)
        instance.shows_its_disks_at = cloud.clock.now() + SECONDS_WITHOUT_DISKS
    return answer


def _cannot_decrypt(cloud: Cloud, instance: Any) -> None:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html"""
    _terminate(cloud, instance)
    _becomes(instance, "terminated")
    instance.state_reason = StateReason("Client.InternalError: Client error on launch", "Client.InternalError")


def _disks_are_shown_late(cloud: Cloud, original: property) -> property:
    def shown(instance: Any) -> Any:
        return [] if cloud.clock.now() < getattr(instance, "shows_its_disks_at", 0.0) else original.__get__(instance)

    return property(shown)


disks_are_shown_late = Correction(
    owner="moto.ec2.models.instances:Instance",
    attributes=("block_device_mappings",),
    says="The first responses about an instance do not contain its disks, even if it is running.",
    link="https://github.com/aws/aws-sdk-php/issues/2804",
    replace=_disks_are_shown_late,
)


def _apply_interface_options(response: Any, instance: Any) -> None:
    """Options of a launch that moto ignores: details of volumes, tags of interfaces, deletion with the instance."""
    backend = response.ec2_backend
    instance.disable_api_termination = response._get_param("DisableApiTermination") or False
    tags = response._parse_tag_specification()
    requested = {spec.get("DeviceIndex", 0): spec for spec in response._get_param("NetworkInterfaces", [])}
    for index, interface in instance.nics.items():
        spec = requested.get(index, {})
        if not spec.get("NetworkInterfaceId"):
            interface.delete_on_termination = spec.get("DeleteOnTermination", True)
            interface.add_tags(tags.get("network-interface", {}))
        instance.security_groups = instance.security_groups or list(interface.group_set)
    for mapping in response._get_param("BlockDeviceMappings", []):
        device = instance.block_device_mapping.get(mapping.get("DeviceName"))
        ebs = mapping.get("Ebs")
        if device is None or not ebs:
            continue
        volume = backend.volumes[device.volume_id]
        volume.volume_type = ebs.get("VolumeType", volume.volume_type)
        volume.iops = ebs.get("Iops", volume.iops)
        volume.throughput = ebs.get("Throughput", 125 if volume.volume_type == "gp3" else None)
        volume.encrypted = ebs.get("Encrypted", volume.encrypted)
        # AWS deletes what a launch created, unless DeleteOnTermination is false; moto keeps it.
        device.delete_on_termination = ebs.get("DeleteOnTermination", True)


@corrects(
    _EC2,
    "terminate_instances",
    says="An instance shuts down before it is terminated; it keeps its volumes and addresses until then. One with"
    " termination or stop protection stays.",
    link=_STATES,
)
def terminating_takes_a_while(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    backend = response.ec2_backend
    ids = response._get_param("InstanceIds", [])
    instances = backend.get_multi_instances_by_id(ids)
    for instance in instances:
        for attribute in ("disableApiTermination", "disableApiStop"):
            if getattr(instance, camelcase_to_underscores(attribute)):
                raise EC2ClientError(
                    "OperationNotPermitted",
                    f"The instance '{instance.id}' may not be terminated."
                    f" Modify its '{attribute}' instance attribute and try again.",
                )
    return _change(
        cloud,
        "TerminatingInstances",
        instances,
        "shutting-down",
        SECONDS_SHUTTING_DOWN,
        functools.partial(_terminate, cloud),
    )


@corrects(
    _EC2,
    "stop_instances",
    says="An instance is stopping for some seconds before it is stopped, and a terminated one cannot be stopped.",
    link=_STATES,
)
def stopping_takes_a_while(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    instances = response.ec2_backend.get_multi_instances_by_id(response._get_param("InstanceIds", []))
    for instance in instances:
        if instance.disable_api_stop:
            raise EC2ClientError(
                "OperationNotPermitted",
                f"The instance '{instance.id}' may not be stopped."
                " Modify its 'disableApiStop' instance attribute and try again.",
            )
        _must_be(instance, "running", "stopping", "stopped")
    return _change(cloud, "StoppingInstances", instances, "stopping", SECONDS_STOPPING, Instance.stop)


@corrects(
    _EC2,
    "start_instances",
    says="Only a stopped instance can be started, and it is pending for some seconds.",
    link=_STATES,
)
def starting_takes_a_while(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    instances = response.ec2_backend.get_multi_instances_by_id(response._get_param("InstanceIds", []))
    for instance in instances:
        _must_be(instance, "stopped", "pending", "running")
    return _change(cloud, "StartingInstances", instances, "pending", SECONDS_PENDING, Instance.start)


def _change(
    cloud: Cloud, answer: str, instances: list[Any], through: str, seconds: float, at_end: Callable[[Any], object]
) -> Any:
    changes = []
    for instance in instances:
        before = instance._state
        if before.name not in (through, _ENDS[through]):
            _goes_through(cloud, instance, through, seconds, at_end)
        changes.append({"InstanceId": instance.id, "CurrentState": instance._state, "PreviousState": before})
    return ActionResult({answer: changes})


def _nothing_more(instance: Any) -> None:
    """The only condition is that it is running."""


def _terminate(cloud: Cloud, instance: Any) -> None:
    backend = instance.ec2_backend
    for address in backend.addresses:
        if address.eni and address.eni in instance.nics.values():
            backend.disassociate_address(address=address.public_ip)
    instance.terminate()
    cloud.later(SECONDS_TERMINATED_IS_LISTED, functools.partial(_forget, instance))


def _forget(instance: Any) -> None:
    for reservation in list(instance.ec2_backend.reservations.values()):
        reservation.instances = [other for other in reservation.instances if other is not instance]


def _must_be(instance: Any, *states: str) -> None:
    if instance.state not in states:
        raise EC2ClientError(
            "IncorrectInstanceState",
            f"The instance '{instance.id}' is '{instance.state}', which is none of {', '.join(states)}.",
        )


@corrects(
    _EC2,
    "modify_instance_attribute",
    says="The type of an instance can be changed only while it is stopped, and only to a type that exists.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceAttribute.html",
)
def type_changes_only_when_stopped(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    type_name = response._get_param("InstanceType.Value")
    if response._get_param("Attribute") == "instanceType":
        type_name = response._get_param("Value")
    if type_name:
        instance = response.ec2_backend.get_instance(response._get_param("InstanceId"))
        if instance.state != "stopped":
            raise EC2ClientError(
                "IncorrectInstanceState",
                f"The instance '{instance.id}' is not in the 'stopped' state.",
            )
        offered = response.ec2_backend.describe_instance_type_offerings("region", {"instance-type": [type_name]})
        if not offered:
            raise EC2ClientError("InvalidParameterValue", f"Invalid value '{type_name}' for InstanceType.")
    return original()


def _as_it_is(cloud: Cloud, transformers: dict[str, Callable[[Any], Any]]) -> dict[str, Callable[[Any], Any]]:
    return {path: change for path, change in transformers.items() if path != _STATE_PATH}


_STATE_PATH = "RunInstances.Reservation.Instances.Instance.State"

state_in_the_answer = Correction(
    owner="moto.ec2.responses._base_response:EC2BaseResponse",
    attributes=("RESPONSE_KEY_PATH_TO_TRANSFORMER",),
    says="RunInstances returns the current state; for a reused token it may not be pending.",
    link=_STATES,
    replace=_as_it_is,
)


@corrects(
    "moto.ec2.models:EC2Backend",
    "modify_instance_metadata_options",
    says="ModifyInstanceMetadataOptions does not change options that are not in the request.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyInstanceMetadataOptions.html",
)
def other_options_stay(
    cloud: Cloud, original: Callable[..., Any], backend: Any, instance_id: str, **options: Any
) -> Any:
    before = backend.get_instance(instance_id).metadata_options
    there = {
        "http_tokens": before.http_tokens,
        "hop_limit": before.http_put_response_hop_limit,
        "http_endpoint": before.http_endpoint,
        "http_protocol": before.http_protocol_ipv6,
        "metadata_tags": before.instance_metadata_tags,
    }
    return original(instance_id, **options | {name: options.get(name) or value for name, value in there.items()})


@corrects(
    "moto.ec2.models:EC2Backend",
    "replace_iam_instance_profile_association",
    says="DescribeInstances returns the current instance profile, also after it was replaced.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ReplaceIamInstanceProfileAssociation.html",
)
def new_profile_is_shown(cloud: Cloud, original: Callable[..., Any], backend: Any, *args: Any, **options: Any) -> Any:
    association = original(*args, **options)
    association.instance.iam_instance_profile = association.iam_instance_profile
    return association


CORRECTIONS = (
    launched_is_not_running,
    terminating_takes_a_while,
    stopping_takes_a_while,
    starting_takes_a_while,
    type_changes_only_when_stopped,
    state_in_the_answer,
    disks_are_shown_late,
    other_options_stay,
    new_profile_is_shown,
)
