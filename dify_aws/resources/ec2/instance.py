"""Instance: the machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from dify_aws.aws import Aws
from dify_aws.aws.retry_rule import RetryRule
from dify_aws.change import Change
from dify_aws.engine.resource import PENDING, Actual, Input, Resource
from dify_aws.resources.deletion import delete, wait_until_deleted
from dify_aws.resources.ec2.attachment import attach, refuse_other_places
from dify_aws.resources.ec2.cpu_credits import TABLE as CPU_CREDITS
from dify_aws.resources.ec2.cpu_credits import cpu_credits, set_cpu_credits
from dify_aws.resources.ec2.ec2_resource import Ec2Resource, ours
from dify_aws.resources.ec2.image import find_image
from dify_aws.resources.ec2.instance_power import RUNNING, STOPPED, TERMINATED, change_type, start, stop
from dify_aws.resources.ec2.instance_profile_association import attach_profile
from dify_aws.resources.ec2.instance_protection import deleted_with, is_set, keep_volumes, protection, refuse_to_stop
from dify_aws.resources.ec2.origin import foreign_launch
from dify_aws.resources.ec2.root_disk import grow_root_disk, root_disk_size
from dify_aws.resources.ec2.volume import refuse_to_shrink
from dify_aws.resources.observe import observe_owned


@dataclass(frozen=True, kw_only=True, eq=False)
class Instance(Ec2Resource):
    """An EC2 instance with its encrypted root disk, IMDSv2 only, and the volumes attached to it.

    Args:
        image: an AMI id, or the name of a public SSM parameter that holds one. It counts only when the instance is
            made: a newer image never replaces a machine that runs.
        instance_type: such as "t3.medium". Another one means a stop and a start.
        subnet: where it is (``subnet.id``). Fixed.
        security_groups: ``group.id`` of each.
        key_name: the key pair that opens it (``key_pair.id``). Fixed.
        instance_profile: the profile whose role its programs have (``profile.id``, an ARN).
        root_volume_gib: size of the root disk (gp3, encrypted); it only grows.
        volumes: the volume by device name, as in ``{"/dev/sdf": data.id}``. What hangs on other devices is left alone.
        http_put_response_hop_limit: 2 lets containers reach the instance metadata, which they need for the role.
        cpu_credits: "standard" or "unlimited", for burstable types (t2, t3, t3a, t4g) only.
        running: a stopped instance is started.
        volumes_outlive_instance: the volumes above stay when the instance is terminated, by whomever. False leaves that
            to the attachment (DeleteOnTermination); ``delete`` keeps them all the same.
    """

    image: Input[str]
    instance_type: str
    subnet: Input[str]
    security_groups: Iterable[Input[str]] = ()
    key_name: Input[str] | None = None
    instance_profile: Input[str] | None = None
    root_volume_gib: int = 30
    volumes: Mapping[str, Input[str]] = field(default_factory=dict)
    http_tokens: str = "required"
    http_put_response_hop_limit: int = 1
    cpu_credits: str | None = None
    running: bool = True
    volumes_outlive_instance: bool | None = True

    kind = "instance"
    # It cannot be adopted: what key it was started with, and what is installed on it, nobody knows.
    # What is only on its root disk goes with it.
    origin_required = True
    fixed = frozenset({"subnet", "key_name"})
    initial = frozenset({"image"})
    set_later = frozenset({"volumes"})
    unordered = frozenset({"security_groups"})
    tables = ("instances", CPU_CREDITS)
    retry_rules = (
        RetryRule(
            r"ec2\.(RunInstances|(Associate|Replace)IamInstanceProfile.*)",
            "InvalidParameterValue",
            "(?i)iam ?instance ?profile",
            120,
            "IAM is eventually consistent, and EC2 learns of a new profile (and of the role in it) last. "
            "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency",
        ),
    )
    usual_seconds = MappingProxyType({"create": 17, "delete": 30})
    permissions = frozenset(
        {
            "ec2:AssociateIamInstanceProfile",
            "ec2:AttachVolume",
            "ec2:CreateTags",
            "ec2:DescribeIamInstanceProfileAssociations",
            "ec2:DescribeImages",
            "ec2:DescribeInstanceCreditSpecifications",
            "ec2:DescribeInstanceAttribute",
            "ec2:DescribeInstances",
            "ec2:DescribeVolumes",
            "ec2:DescribeVolumesModifications",
            "ec2:ModifyInstanceAttribute",
            "ec2:ModifyInstanceCreditSpecification",
            "ec2:ModifyInstanceMetadataOptions",
            "ec2:ModifyVolume",
            "ec2:ReplaceIamInstanceProfileAssociation",
            "ec2:RunInstances",
            "ec2:StartInstances",
            "ec2:StopInstances",
            "ec2:TerminateInstances",
            "iam:PassRole",
            "ssm:GetParameter",
        }
    )

    @classmethod
    def owned(cls, aws: Aws) -> Iterable[Actual]:
        for reservation in ours(aws, "instances", "ec2.DescribeInstances", "Reservations"):
            for instance in reservation["Instances"]:
                # Terminated ones stay listed for about an hour; they are nobody's any more.
                if instance["State"]["Name"] in ("shutting-down", "terminated"):
                    continue
                if seen := _seen(aws, instance):
                    yield seen

    def find(self, aws: Aws) -> Actual | None:
        actual = super().find(aws)
        if actual is None:
            return None
        plugged = actual["volumes"]
        if plugged == PENDING:
            return replace(actual, facts={**actual.facts, "plugged": {}})
        desired_volumes = {device: volume for device, volume in plugged.items() if device in self.volumes}
        outlive = not any(device in self.volumes for device in actual["deleted_with_it"])
        facts = {**actual.facts, "plugged": plugged}
        if actual["instance_type"] != self.instance_type or not self.running:
            # Both need a stop.
            facts["stop_protected"] = is_set(aws, actual.id, "disableApiStop")
        values = {**actual.values, "volumes": desired_volumes, "volumes_outlive_instance": outlive}
        return replace(actual, values=values, facts=facts)

    def create(self, aws: Aws) -> Actual | None:
        image = find_image(aws, str(self.image))
        optional: dict[str, Any] = {
            "KeyName": self.key_name,
            "IamInstanceProfile": {"Arn": self.instance_profile} if self.instance_profile else None,
            "CreditSpecification": {"CpuCredits": self.cpu_credits} if self.cpu_credits else None,
        }
        aws.create(
            "ec2.RunInstances",
            self.address,
            tagged_types=("instance", "volume", "network-interface"),
            keep=self.keep,
            ImageId=image["ImageId"],
            InstanceType=self.instance_type,
            MinCount=1,
            MaxCount=1,
            SubnetId=self.subnet,
            SecurityGroupIds=sorted(str(group) for group in self.security_groups),
            MetadataOptions=self._metadata(),
            BlockDeviceMappings=[
                {
                    "DeviceName": image["RootDeviceName"],
                    "Ebs": {
                        "VolumeSize": self.root_volume_gib,
                        "VolumeType": "gp3",
                        "Encrypted": True,
                        "DeleteOnTermination": True,
                    },
                }
            ],
            **{name: value for name, value in optional.items() if value is not None},
        )
        return None

    def ready(self, aws: Aws, actual: Actual) -> bool:
        waiters = {"pending": RUNNING, "stopping": STOPPED}
        if actual["state"] not in waiters:
            return False
        aws.wait(waiters[actual["state"]], InstanceIds=[actual.id])
        return True

    def check(self, actual: Actual, changes: Mapping[str, Change]) -> None:
        refuse_to_shrink(self.address, changes.get("root_volume_gib"))
        if actual.facts.get("stop_protected") and actual["running"]:
            refuse_to_stop(self.address, actual.id, changes)
        if "volumes" in changes:
            refuse_other_places(self.address, actual.id, self.volumes, actual["plugged"])

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        if "instance_type" in names:
            change_type(aws, actual.id, self.instance_type)
        if names & {"running", "instance_type"}:
            (start if self.running else stop)(aws, actual.id)
        if "security_groups" in names:
            groups = sorted(str(group) for group in self.security_groups)
            aws.call("ec2.ModifyInstanceAttribute", InstanceId=actual.id, Groups=groups)
        if "instance_profile" in names:
            attach_profile(aws, actual.id, self.instance_profile)
        if names & {"http_tokens", "http_put_response_hop_limit"}:
            aws.call("ec2.ModifyInstanceMetadataOptions", InstanceId=actual.id, **self._metadata())
        if "root_volume_gib" in names:
            grow_root_disk(aws, actual["root_volume"], self.root_volume_gib)
        if "cpu_credits" in names:
            set_cpu_credits(aws, actual.id, str(self.cpu_credits))
        if "volumes" in names:
            for device, volume in self.volumes.items():
                if actual["volumes"].get(device) != volume:
                    attach(aws, self.address, actual.id, device, str(volume))
        if "volumes_outlive_instance" in names:
            keep_volumes(aws, actual.id, [each for each in actual["deleted_with_it"] if each in self.volumes])

    @classmethod
    def foreign(cls, aws: Aws, actual: Actual, desired: Resource | None) -> str:
        key_name = actual["key_name"]
        if isinstance(desired, Instance) and key_name and desired.key_name == key_name:
            return ""
        return foreign_launch(aws, key_name, actual["client_token"])

    @classmethod
    def protection(cls, aws: Aws, actual: Actual) -> tuple[str, str] | None:
        return protection(aws, actual.id)

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        # Somebody may have switched DeleteOnTermination on: no volume but the root disk goes with the machine.
        keep_volumes(aws, actual.id, actual["deleted_with_it"])
        delete(aws, "ec2.TerminateInstances", InstanceIds=[actual.id])
        # Its disks, its network interface and its place in the security groups stay taken until it is really gone.
        wait_until_deleted(aws, TERMINATED, InstanceIds=[actual.id])

    def _metadata(self) -> dict[str, Any]:
        return {
            "HttpTokens": self.http_tokens,
            "HttpPutResponseHopLimit": self.http_put_response_hop_limit,
            "HttpEndpoint": "enabled",
        }


def _seen(aws: Aws, instance: Mapping[str, Any]) -> Actual | None:
    devices = {
        each["DeviceName"]: each["Ebs"]["VolumeId"]
        for each in instance.get("BlockDeviceMappings", ())
        if "Ebs" in each and each["Ebs"].get("Status") not in ("detaching", "detached")
    }
    deleted = deleted_with(instance)
    root = devices.pop(instance.get("RootDeviceName", ""), "")
    # EC2 leaves the disks out of its first answers, also of those about an instance that runs already; and ours have a
    # root disk always. https://github.com/hashicorp/packer/issues/9476
    options = instance.get("MetadataOptions", {})
    state = instance["State"]["Name"]
    values = {
        "instance_type": instance["InstanceType"],
        "subnet": instance.get("SubnetId", ""),
        "security_groups": frozenset(group["GroupId"] for group in instance.get("SecurityGroups", ())),
        "key_name": instance.get("KeyName", ""),
        "instance_profile": instance.get("IamInstanceProfile", {}).get("Arn", ""),
        "root_volume_gib": root_disk_size(aws, root) if root else PENDING,
        "volumes": devices if root else PENDING,
        "http_tokens": options.get("HttpTokens", "optional"),
        "http_put_response_hop_limit": options.get("HttpPutResponseHopLimit", 1),
        "cpu_credits": cpu_credits(aws, instance["InstanceId"], instance["InstanceType"]),
        "running": state in ("pending", "running"),
        "volumes_outlive_instance": not deleted,
    }
    return observe_owned(
        Instance,
        aws,
        instance["InstanceId"],
        instance.get("Tags"),
        values,
        state=state,
        image=instance.get("ImageId", ""),
        boots={name: instance.get(name) for name in ("Architecture", "VirtualizationType", "BootMode", "EnaSupport")},
        root_volume=root,
        deleted_with_it=deleted,
        client_token=instance.get("ClientToken", ""),
        private_ip=instance.get("PrivateIpAddress", ""),
        public_ip=instance.get("PublicIpAddress", ""),
        availability_zone=instance.get("Placement", {}).get("AvailabilityZone", ""),
    )
