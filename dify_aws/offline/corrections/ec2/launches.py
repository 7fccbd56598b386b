"""Launches: RunInstances, StartInstances and type changes refuse incompatible zones, types and images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models.instance_types import INSTANCE_TYPES

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects

_EC2 = "moto.ec2.responses:EC2Response"
_ERRORS = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"
_NO_CAPACITY = "InsufficientInstanceCapacity"
_RESIZE = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resize-limitations.html"


def _offering(backend: Any, instance_type: str) -> list[str]:
    offers = backend.describe_instance_type_offerings("availability-zone", {"instance-type": [instance_type]})
    return sorted(str(offer["Location"]) for offer in offers)


def _check_capacity(cloud: Cloud, backend: Any, instance_type: str, zone: str) -> None:
    if (zone, instance_type) in cloud.no_capacity:
        others = [each for each in _offering(backend, instance_type) if (each, instance_type) not in cloud.no_capacity]
        raise EC2ClientError(
            _NO_CAPACITY,
            f"We currently do not have sufficient {instance_type} capacity in the Availability Zone you requested"
            f" ({zone}). Our system will be working on provisioning additional capacity. You can currently get"
            f" {instance_type} capacity by not specifying an Availability Zone in your request or choosing"
            f" {', '.join(others)}.",
        )


def _unlike(instance_type: str, image: Any) -> Iterator[tuple[str, str]]:
    """Why a type and an image are incompatible, as (code, message)."""
    described = INSTANCE_TYPES.get(instance_type, {})
    architectures = described.get("ProcessorInfo", {}).get("SupportedArchitectures", [])
    if architectures and image.architecture not in architectures:
        yield (
            "InvalidParameterValue",
            f"The architecture '{','.join(architectures)}' of the specified instance type does not match the"
            f" architecture '{image.architecture}' of the specified AMI. Specify an instance type and an AMI that have"
            " matching architectures, and try again.",
        )
    kinds = described.get("SupportedVirtualizationTypes", [])
    if kinds and image.virtualization_type not in kinds:
        yield (
            "InvalidParameterCombination",
            f"Virtualization type '{image.virtualization_type}' is not supported for instances of type"
            f" '{instance_type}'. Choose an AMI with virtualization type {', '.join(kinds)}.",
        )
    modes = described.get("SupportedBootModes", [])
    if modes and image.boot_mode not in (None, "", "uefi-preferred", *modes):
        yield (
            "InvalidParameterCombination",
            f"The instance type '{instance_type}' does not support an AMI with a boot mode of '{image.boot_mode}'.",
        )
    if described.get("NetworkInfo", {}).get("EnaSupport") == "required" and not getattr(image, "ena_support", True):
        yield (
            "InvalidParameterCombination",
            f"Enhanced networking with the Elastic Network Adapter (ENA) is required for the '{instance_type}' instance"
            " type. Ensure that you are using an AMI that is enabled for ENA.",
        )


@corrects(
    _EC2,
    "run_instances",
    says="RunInstances refuses a zone that does not offer the type or has no capacity for it, an image that does not"
    " fit the type, and a root disk that is smaller than the image.",
    link=_ERRORS,
)
def launched_where_it_fits(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    backend, instance_type = response.ec2_backend, response._get_param("InstanceType")
    if instance_type not in INSTANCE_TYPES:
        return original()
    image = backend.amis.get(response._get_param("ImageId"))
    for refused in _unlike(instance_type, image) if image else ():
        raise EC2ClientError(*refused)
    for mapping in response._get_param("BlockDeviceMappings", []) if image else ():
        size, least = mapping.get("Ebs", {}).get("VolumeSize"), image.block_device_mappings[0]["Ebs"]["VolumeSize"]
        if mapping.get("DeviceName") == image.root_device_name and size is not None and int(size) < least:
            raise EC2ClientError(
                "InvalidBlockDeviceMapping",
                f"Volume of size {size}GB is smaller than snapshot, expect size >= {least}GB",
            )
    subnet_id = response._get_param("SubnetId")
    if subnet_id in {each for zone in backend.subnets.values() for each in zone}:
        zone = backend.get_subnet(subnet_id).availability_zone
        if zone not in (offering := _offering(backend, instance_type)):
            raise EC2ClientError(
                "Unsupported",
                f"Your requested instance type ({instance_type}) is not supported in your requested Availability Zone"
                f" ({zone}). Please retry your request by not specifying an Availability Zone or choosing"
                f" {', '.join(offering)}.",
            )
        _check_capacity(cloud, backend, instance_type, zone)
    return original()


@corrects(
    _EC2,
    "start_instances",
    says="A stopped instance starts only if there is capacity for its type.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/troubleshooting-launch.html",
)
def started_where_there_is_capacity(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    for instance in response.ec2_backend.get_multi_instances_by_id(response._get_param("InstanceIds", [])):
        if instance.state == "stopped":
            _check_capacity(cloud, response.ec2_backend, instance.instance_type, instance.availability_zone)
    return original()


@corrects(
    _EC2,
    "modify_instance_attribute",
    says="An instance cannot be changed to a type that is incompatible with its image.",
    link=_RESIZE,
)
def retyped_where_it_fits(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    instance_type = response._get_param("InstanceType.Value")
    if instance_type in INSTANCE_TYPES:
        backend = response.ec2_backend
        image = backend.amis.get(backend.get_instance(response._get_param("InstanceId")).image_id)
        for refused in _unlike(instance_type, image) if image else ():
            raise EC2ClientError(*refused)
    return original()


@corrects(
    _EC2,
    "call_action",
    says="InsufficientInstanceCapacity is an error of the server (500), so botocore retries it.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html#api-error-codes-table-server",
)
def lack_of_capacity_is_the_servers(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    status, headers, body = original()
    if status == 400 and _NO_CAPACITY in str(body):
        return 500, {**headers, "status": "500"}, body
    return status, headers, body


CORRECTIONS = (
    launched_where_it_fits,
    started_where_there_is_capacity,
    retyped_where_it_fits,
    lack_of_capacity_is_the_servers,
)
