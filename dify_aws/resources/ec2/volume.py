"""Volume: an EBS disk that outlives the machine it is attached to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.aws.adoption_view import Listed
from dify_aws.aws.errors import ebs_key
from dify_aws.aws.errors.error_meaning import is_deleted
from dify_aws.aws.retry_rule import RetryRule
from dify_aws.aws.waiters import Waiter
from dify_aws.change import Change
from dify_aws.engine.resource import Actual, Input, Resource
from dify_aws.errors import AwsError, ChangeRefused, NotConverged
from dify_aws.resources.deletion import delete, wait_until_deleted
from dify_aws.resources.ec2.ec2_resource import Ec2Resource, ours
from dify_aws.resources.ec2.origin import HISTORY_DAYS, created_by_us, is_our_instance
from dify_aws.resources.observe import observe_owned

AVAILABLE: Final = Waiter("ec2", "volume_available", 300, 2, "a few seconds; longer while an instance lets go of it")
DELETED: Final = Waiter("ec2", "volume_deleted", 300, 2, "a few seconds")


@dataclass(frozen=True, kw_only=True, eq=False)
class Volume(Ec2Resource):
    """An EBS volume. It holds data, so it is kept unless the data is given up by name.

    Args:
        availability_zone: where it is; only instances of this zone can have it. Fixed.
        size_gib: grows in place; AWS cannot make it smaller.
        volume_type: "gp3", …
        encrypted: with the key of the account for EBS. Fixed.
        iops: operations per second; None for what the type comes with.
        throughput_mib: MiB per second; None for what the type comes with.
        token_seed: something that is new with each deployment (``group.id``): a volume that is made again after
            ``destroy(delete_data=True)`` then asks for nothing that AWS remembers of the deleted one.
    """

    availability_zone: Input[str]
    size_gib: int
    volume_type: str = "gp3"
    encrypted: bool = True
    iops: int | None = None
    throughput_mib: int | None = None
    token_seed: Input[str] | None = None
    keep: bool = True

    kind = "volume"
    origin_required = True
    goes_after = frozenset({"instance"})
    fixed = frozenset({"availability_zone", "encrypted"})
    initial = frozenset({"token_seed"})
    tables = ("volumes",)
    listed = Listed("ec2.DescribeVolumes", "Volumes", "volume-id", "VolumeId")
    retry_rules = (
        RetryRule(
            r"ec2\.AttachVolume",
            r"IncorrectState|IncorrectInstanceState|VolumeInUse",
            "",
            90,
            "A volume that was just detached, or an instance that was just started, needs some seconds. "
            "A volume that is really in use elsewhere still is after that, and is told.",
        ),
    )
    permissions = frozenset(
        {
            "cloudtrail:LookupEvents",
            "ec2:CreateTags",
            "ec2:CreateVolume",
            "ec2:DeleteVolume",
            "ec2:DescribeVolumes",
            "ec2:DescribeVolumesModifications",
            "ec2:ModifyVolume",
        }
    )

    @classmethod
    def owned(cls, aws: Aws) -> Iterable[Actual]:
        for volume in ours(aws, "volumes", "ec2.DescribeVolumes", "Volumes"):
            if volume["State"] in ("deleting", "deleted"):
                continue
            values = {
                "availability_zone": volume["AvailabilityZone"],
                "size_gib": volume["Size"],
                "volume_type": volume["VolumeType"],
                "encrypted": volume["Encrypted"],
                "iops": volume.get("Iops"),
                "throughput_mib": volume.get("Throughput"),
            }
            machines = tuple(each["InstanceId"] for each in volume.get("Attachments", ()) if each.get("InstanceId"))
            facts = {"state": volume["State"], "attached_to": machines}
            if seen := observe_owned(cls, aws, volume["VolumeId"], volume.get("Tags"), values, **facts):
                yield seen

    def create(self, aws: Aws) -> Actual | None:
        chosen: dict[str, Any] = {"Iops": self.iops, "Throughput": self.throughput_mib}
        aws.create(
            "ec2.CreateVolume",
            self.address,
            keep=self.keep,
            token_seed=str(self.token_seed or ""),
            AvailabilityZone=self.availability_zone,
            Size=self.size_gib,
            VolumeType=self.volume_type,
            Encrypted=self.encrypted,
            **{name: value for name, value in chosen.items() if value is not None},
        )
        return None

    def ready(self, aws: Aws, actual: Actual) -> bool:
        if actual["state"] != "creating":
            return False
        try:
            aws.wait(AVAILABLE, VolumeIds=[actual.id])
        except AwsError as error:
            if not is_deleted(error):
                raise
            raise NotConverged(
                self.address, f"{actual.id} vanished while AWS was making it. {ebs_key.ADVICE}"
            ) from error
        return True

    def check(self, actual: Actual, changes: Mapping[str, Change]) -> None:
        refuse_to_shrink(self.address, changes.get("size_gib"))

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        parameters = {"size_gib": "Size", "volume_type": "VolumeType", "iops": "Iops", "throughput_mib": "Throughput"}
        changed = {parameter: getattr(self, name) for name, parameter in parameters.items() if name in names}
        # The machine sees the new size at once; its file system is grown by the installer.
        modify(aws, actual.id, changed)

    @classmethod
    def foreign(cls, aws: Aws, actual: Actual, desired: Resource | None) -> str:
        if any(is_our_instance(aws, machine) for machine in actual["attached_to"]):
            return ""
        try:
            if created_by_us(aws, actual.id):
                return ""
            why = f"the event history of CloudTrail has no CreateVolume of it by us in the last {HISTORY_DAYS} days"
        except AwsError as error:
            why = f"its creation could not be looked up ({error.operation}: {error.code})"
        remedy = f"To delete it: aws ec2 delete-volume --volume-id {actual.id}"
        return f"it is attached to no machine of ours, and {why}: only its tags are ours. {remedy}"

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        if actual["state"] == "in-use":
            # Its instance has just been terminated, and lets go of it in a moment.
            aws.wait(AVAILABLE, VolumeIds=[actual.id])
        delete(aws, "ec2.DeleteVolume", VolumeId=actual.id)
        wait_until_deleted(aws, DELETED, VolumeIds=[actual.id])


def refuse_to_shrink(address: str, change: Change | None) -> None:
    """EBS volumes only grow. https://docs.aws.amazon.com/ebs/latest/userguide/modify-volume-requirements.html"""
    if change and isinstance(change.before, int) and isinstance(change.after, int) and change.after < change.before:
        raise ChangeRefused(
            address,
            f"{change.attribute} is {change.before} and cannot become {change.after}: AWS cannot shrink a volume. "
            f"Ask for {change.before} or more; to have less, move the data to a new volume.",
        )


def modify(aws: Aws, volume: str, desired: Mapping[str, Any]) -> None:
    """Modify a volume. One modification is made at a time, and another only hours later; if what goes on is this very
    one, begun by a run that died, that is success.
    https://docs.aws.amazon.com/ebs/latest/userguide/modify-volume-requirements.html
    """
    try:
        aws.call("ec2.ModifyVolume", VolumeId=volume, **desired)
    except AwsError as error:
        if error.code not in ("IncorrectModificationState", "VolumeModificationRateExceeded"):
            raise
        last = aws.pages("ec2.DescribeVolumesModifications", "VolumesModifications", VolumeIds=[volume])
        if not any(
            each["ModificationState"] != "failed"
            and all(each.get(f"Target{name}") == value for name, value in desired.items())
            for each in last
        ):
            raise
