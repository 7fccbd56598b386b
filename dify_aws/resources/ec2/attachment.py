"""Attachment: a volume on a device of an instance. One that hangs elsewhere is never taken from there."""

from __future__ import annotations

from collections.abc import Mapping

from dify_aws.aws import Aws
from dify_aws.engine.resource import Input
from dify_aws.errors import AwsError, ChangeRefused


def refuse_other_places(
    address: str, instance: str, desired: Mapping[str, Input[str]], there: Mapping[str, str]
) -> None:
    """Refuse if a wished-for device has another volume on it, or a wished-for volume hangs on another device.

    A disk may be in use: the machine must let go of it first, and only who is on the machine can see to that.
    """
    for device, volume in desired.items():
        other = there.get(device)
        elsewhere = next((place for place, its in there.items() if its == volume), None)
        if other and other != volume:
            raise ChangeRefused(address, _unplug(other, instance, device, f"{volume} belongs there"))
        if elsewhere and elsewhere != device:
            raise ChangeRefused(address, _unplug(str(volume), instance, elsewhere, f"not on {device}"))


def attach(aws: Aws, address: str, instance: str, device: str, volume: str) -> None:
    """Attach a volume; that it hangs there already is success.

    Raises:
        ChangeRefused: it hangs somewhere else; the message says where, and how to get it off.
    """
    try:
        aws.call("ec2.AttachVolume", InstanceId=instance, VolumeId=volume, Device=device)
    except AwsError as error:
        if error.code != "VolumeInUse":
            raise
        # AWS does not say where: perhaps on this very instance, by a call whose answer was lost.
        where = _place(aws, volume)
        if where != (instance, device):
            text = _unplug(volume, *where, f"not on {device} of {instance}")
            raise ChangeRefused(address, text) from error


def _place(aws: Aws, volume: str) -> tuple[str, str]:
    """The instance and the device that a volume hangs on."""
    (found,) = aws.call("ec2.DescribeVolumes", VolumeIds=[volume])["Volumes"]
    attachments = [(each["InstanceId"], each["Device"]) for each in found.get("Attachments", ())]
    return attachments[0] if attachments else ("", "")


def _unplug(volume: str, instance: str, device: str, advice: str) -> str:
    return (
        f"{volume} is attached to {instance} as {device} ({advice}). Unmount it there, detach it "
        f"(`aws ec2 detach-volume --volume-id {volume}`), and run again."
    )
