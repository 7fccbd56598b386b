"""InstanceProtection: what keeps an instance from being stopped or terminated, and its volumes from going with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.aws.errors.error_meaning import is_deleted
from dify_aws.change import Change
from dify_aws.errors import AwsError, ChangeRefused
from dify_aws.resources.deletion import delete

PROTECTIONS: Final = (
    ("disableApiTermination", "termination protection", "--no-disable-api-termination"),
    ("disableApiStop", "stop protection", "--no-disable-api-stop"),
)
"""Attribute, what AWS calls it, and the option that switches it off. Stop protection keeps an instance from being
terminated, too. https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-stop-protection.html"""


def is_set(aws: Aws, instance: str, attribute: str) -> bool:
    """An attribute that DescribeInstances does not tell; False if the instance has just gone."""
    try:
        answer = aws.call("ec2.DescribeInstanceAttribute", InstanceId=instance, Attribute=attribute)
    except AwsError as error:
        if not is_deleted(error):
            raise
        return False
    return bool(answer.get(attribute[0].upper() + attribute[1:], {}).get("Value"))


def protection(aws: Aws, instance: str) -> tuple[str, str] | None:
    """What protects an instance from being terminated, and the command that takes it back; None if nothing does."""
    for attribute, name, option in PROTECTIONS:
        if is_set(aws, instance, attribute):
            return name, f"aws ec2 modify-instance-attribute --instance-id {instance} {option}"
    return None


def refuse_to_stop(address: str, instance: str, changes: Mapping[str, Change]) -> None:
    """Refuse changes that need a stop, of an instance with stop protection.

    Raises:
        ChangeRefused: there is such a change.
    """
    if names := sorted(changes.keys() & {"instance_type", "running"}):
        raise ChangeRefused(
            address,
            f"{' and '.join(names)} cannot change without a stop, and {instance} has stop protection, which somebody "
            f"switched on. If it may stop: aws ec2 modify-instance-attribute --instance-id {instance} "
            "--no-disable-api-stop; then run again.",
        )


def deleted_with(instance: Mapping[str, Any]) -> tuple[str, ...]:
    """The devices whose volumes AWS deletes together with an instance, as DescribeInstances tells it; not the root."""
    return tuple(
        each["DeviceName"]
        for each in instance.get("BlockDeviceMappings", ())
        if each["DeviceName"] != instance.get("RootDeviceName") and each.get("Ebs", {}).get("DeleteOnTermination")
    )


def keep_volumes(aws: Aws, instance: str, devices: Iterable[str]) -> None:
    """Let the volumes on these devices outlive the instance; that the instance is gone already is success."""
    mappings = [{"DeviceName": device, "Ebs": {"DeleteOnTermination": False}} for device in sorted(devices)]
    if mappings:
        delete(aws, "ec2.ModifyInstanceAttribute", InstanceId=instance, BlockDeviceMappings=mappings)
