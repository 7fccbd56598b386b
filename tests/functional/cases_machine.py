"""The cases of the kinds that make up a machine: its disk, its key, its role, itself."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dify_aws import Actual, Instance, InstanceProfile, KeyPair, Resource, Role, SecurityGroup, Volume
from tests.functional.cases_network import (
    GROUP,
    IMAGE,
    OTHER_SUBNET,
    SUBNET,
    VPC,
    ZONE,
    Found,
    ec2_case,
    tag_ec2,
    untag_ec2,
)
from tests.support.case import Case, Hand

KEY: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH2Vq1Cw8p0mJ2hX1n0f6pQm0w2b8lY1cZ5b9bq7c0aH"
OTHER_KEY: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPf7m3vQ2t9sU0xL8kqk4c1Yw5r6d7e8f9a0b1c2d3e4"
POLICY: Final = "arn:aws:iam::123456789012:policy/logs"
OTHER_POLICY: Final = "arn:aws:iam::123456789012:policy/other"
READ: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["arn:aws:s3:::x/*"]}],
}
OWN: Final = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
ALL: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def _tag_key_pair(hand: Hand, actual: Actual, key: str, value: str) -> None:
    hand.client("ec2").create_tags(Resources=[actual["key_pair_id"]], Tags=[{"Key": key, "Value": value}])


def _untag_key_pair(hand: Hand, actual: Actual, keys: Sequence[str]) -> None:
    hand.client("ec2").delete_tags(Resources=[actual["key_pair_id"]], Tags=[{"Key": key} for key in keys])


def _import_another(hand: Hand, found: Found, actual: Actual) -> None:
    ec2 = hand.client("ec2")
    ec2.delete_key_pair(KeyName=actual.id)
    tags = [{"Key": key, "Value": value} for key, value in actual.tags.items()]
    ec2.import_key_pair(
        KeyName=actual.id,
        PublicKeyMaterial=OTHER_KEY.encode(),
        TagSpecifications=[{"ResourceType": "key-pair", "Tags": tags}],
    )


def _volume(**desired: Any) -> Any:
    def drift(hand: Hand, found: Found, actual: Actual) -> None:
        # AWS lets a volume be modified once in six hours, so what mends it comes the day after.
        hand.wait()
        hand.client("ec2").modify_volume(VolumeId=actual.id, **desired)
        hand.wait()

    return drift


def _tag_role(hand: Hand, actual: Actual, key: str, value: str) -> None:
    hand.client("iam").tag_role(RoleName=actual["role_name"], Tags=[{"Key": key, "Value": value}])


def _policies(hand: Hand) -> None:
    for name in ("logs", "other"):
        hand.client("iam").create_policy(PolicyName=name, PolicyDocument=json.dumps(ALL))


def _role(verb: str, **params: Any) -> Any:
    return lambda hand, found, actual: getattr(hand.client("iam"), verb)(RoleName=actual["role_name"], **params)


def _delete_role(hand: Hand, found: Found, actual: Actual) -> None:
    iam, role = hand.client("iam"), actual["role_name"]
    iam.delete_role_policy(RoleName=role, PolicyName="read")
    iam.delete_role_policy(RoleName=role, PolicyName="more")
    iam.detach_role_policy(RoleName=role, PolicyArn=POLICY)
    iam.delete_role(RoleName=role)


def _tag_profile(hand: Hand, actual: Actual, key: str, value: str) -> None:
    tags = [{"Key": key, "Value": value}]
    hand.client("iam").tag_instance_profile(InstanceProfileName=actual["instance_profile_name"], Tags=tags)


def _untag_profile(hand: Hand, actual: Actual, keys: Sequence[str]) -> None:
    hand.client("iam").untag_instance_profile(InstanceProfileName=actual["instance_profile_name"], TagKeys=list(keys))


def _trust(service: str, **condition: Any) -> Any:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", **condition}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return _role("update_assume_role_policy", PolicyDocument=json.dumps(document))


def _empty_profile(hand: Hand, found: Found, actual: Actual) -> None:
    hand.client("iam").remove_role_from_instance_profile(
        InstanceProfileName=actual["instance_profile_name"], RoleName=actual["role"].rpartition("/")[2]
    )


def _fill_otherwise(hand: Hand, found: Found, actual: Actual) -> None:
    _empty_profile(hand, found, actual)
    hand.client("iam").add_role_to_instance_profile(
        InstanceProfileName=actual["instance_profile_name"], RoleName=found["role/other"]["role_name"]
    )


def _delete_profile(hand: Hand, found: Found, actual: Actual) -> None:
    _empty_profile(hand, found, actual)
    hand.client("iam").delete_instance_profile(InstanceProfileName=actual["instance_profile_name"])


def _stop(hand: Hand, found: Found, actual: Actual) -> None:
    hand.client("ec2").stop_instances(InstanceIds=[actual.id])
    hand.wait()


def _retype(hand: Hand, found: Found, actual: Actual) -> None:
    _stop(hand, found, actual)
    hand.client("ec2").modify_instance_attribute(InstanceId=actual.id, InstanceType={"Value": "t3.large"})
    hand.client("ec2").start_instances(InstanceIds=[actual.id])
    hand.wait()


def _regroup(hand: Hand, found: Found, actual: Actual) -> None:
    hand.client("ec2").modify_instance_attribute(InstanceId=actual.id, Groups=[found["security-group/other"].id])


def _association(hand: Hand, actual: Actual) -> str:
    described = hand.client("ec2").describe_iam_instance_profile_associations(
        Filters=[{"Name": "instance-id", "Values": [actual.id]}]
    )
    return str(described["IamInstanceProfileAssociations"][0]["AssociationId"])


def _take_profile(hand: Hand, found: Found, actual: Actual) -> None:
    hand.client("ec2").disassociate_iam_instance_profile(AssociationId=_association(hand, actual))


def _swap_profile(hand: Hand, found: Found, actual: Actual) -> None:
    hand.client("ec2").replace_iam_instance_profile_association(
        AssociationId=_association(hand, actual),
        IamInstanceProfile={"Arn": found["instance-profile/other"].id},
    )


def _unplug(hand: Hand, found: Found, actual: Actual) -> None:
    volume = found["volume/data"].id
    hand.client("ec2").detach_volume(VolumeId=volume)
    hand.wait()


def _plug_elsewhere(hand: Hand, found: Found, actual: Actual) -> None:
    _unplug(hand, found, actual)
    hand.client("ec2").attach_volume(VolumeId=found["volume/data"].id, InstanceId=actual.id, Device="/dev/sdg")


def _swap_disks(hand: Hand, found: Found, actual: Actual) -> None:
    _unplug(hand, found, actual)
    blank = hand.client("ec2").create_volume(AvailabilityZone=ZONE, Size=8)["VolumeId"]
    hand.wait()
    hand.client("ec2").attach_volume(VolumeId=blank, InstanceId=actual.id, Device="/dev/sdf")


def _delete_with_it(hand: Hand, found: Found, actual: Actual) -> None:
    """As compliance tools and people do, who want no disks left over."""
    deleted_with_it: Any = [{"DeviceName": "/dev/sdf", "Ebs": {"DeleteOnTermination": True}}]
    hand.client("ec2").modify_instance_attribute(InstanceId=actual.id, BlockDeviceMappings=deleted_with_it)


def _metadata(**options: Any) -> Any:
    return lambda hand, found, actual: hand.client("ec2").modify_instance_metadata_options(
        InstanceId=actual.id, **options
    )


def _credits(hand: Hand, found: Found, actual: Actual) -> None:
    other = {"standard": "unlimited", "unlimited": "standard"}[actual["cpu_credits"]]
    desired = [{"InstanceId": actual.id, "CpuCredits": other}]
    hand.client("ec2").modify_instance_credit_specification(InstanceCreditSpecifications=desired)


def _terminate(hand: Hand, found: Found, actual: Actual) -> None:
    hand.client("ec2").terminate_instances(InstanceIds=[actual.id])
    hand.wait()


def _profile_stack() -> list[Resource]:
    role, other = Role(name="host"), Role(name="other")
    return [role, other, InstanceProfile(name="host", role=role.id)]


def _instance() -> list[Resource]:
    profiles = _profile_stack()
    another = InstanceProfile(name="other", role=profiles[1].id)
    key, other_key = KeyPair(name="host", public_key=KEY), KeyPair(name="other", public_key=OTHER_KEY)
    data = Volume(name="data", availability_zone=ZONE, size_gib=10)
    host = Instance(
        name="host",
        image=IMAGE,
        instance_type="t3.medium",
        subnet=SUBNET.id,
        security_groups=[GROUP.id],
        key_name=key.id,
        instance_profile=profiles[-1].id,
        volumes={"/dev/sdf": data.id},
        cpu_credits="standard",
    )
    groups = [GROUP, SecurityGroup(name="other", vpc=VPC.id)]
    return [VPC, SUBNET, OTHER_SUBNET, *groups, *profiles, another, key, other_key, data, host]


MACHINE: Final[Mapping[str, Case]] = {
    "key-pair": Case(
        tag=_tag_key_pair,
        untag=_untag_key_pair,
        stack=lambda: [KeyPair(name="host", public_key=KEY)],
        remove=lambda hand, found, actual: hand.client("ec2").delete_key_pair(KeyName=actual.id),
        drift={"public_key": _import_another},
    ),
    "volume": ec2_case(
        stack=lambda: [
            Volume(name="data", availability_zone=ZONE, size_gib=10, iops=3000, throughput_mib=125),
        ],
        remove=lambda hand, found, actual: hand.client("ec2").delete_volume(VolumeId=actual.id),
        drift={
            "volume_type": _volume(VolumeType="io2", Iops=3000),
            "iops": _volume(Iops=4000),
            "throughput_mib": _volume(Throughput=250),
        },
        updates={"size_gib": 20},
        fixed={"availability_zone": "ap-northeast-1c", "encrypted": False},
        delete_conflict=("DeleteVolume", "VolumeInUse"),
    ),
    "role": Case(
        tag=_tag_role,
        untag=lambda hand, actual, keys: hand.client("iam").untag_role(
            RoleName=actual["role_name"], TagKeys=list(keys)
        ),
        prepare=_policies,
        stack=lambda: [
            Role(
                name="host",
                trust_condition=OWN,
                policies={"read": READ, "more": READ},
                managed_policies=[POLICY],
                permissions_boundary=OTHER_POLICY,
            )
        ],
        remove=_delete_role,
        drift={
            "service": _trust("lambda.amazonaws.com", Condition=OWN),
            "trust_condition": _trust("ec2.amazonaws.com"),
            "policies (changed)": _role("put_role_policy", PolicyName="read", PolicyDocument=json.dumps(ALL)),
            "policies (one more)": _role("put_role_policy", PolicyName="root", PolicyDocument=json.dumps(ALL)),
            "policies (one less)": _role("delete_role_policy", PolicyName="read"),
            "managed_policies (one more)": _role("attach_role_policy", PolicyArn=OTHER_POLICY),
            "managed_policies (none)": _role("detach_role_policy", PolicyArn=POLICY),
            "permissions_boundary (none)": _role("delete_role_permissions_boundary"),
            "permissions_boundary (another)": _role("put_role_permissions_boundary", PermissionsBoundary=POLICY),
        },
        updates={"permissions_boundary": ""},
        delete_conflict=("DeleteRole", "DeleteConflict"),
    ),
    "instance-profile": Case(
        tag=_tag_profile,
        untag=_untag_profile,
        stack=_profile_stack,
        remove=_delete_profile,
        drift={"role (none)": _empty_profile, "role (another)": _fill_otherwise},
        delete_conflict=("DeleteInstanceProfile", "DeleteConflict"),
    ),
    "instance": Case(
        tag=tag_ec2,
        untag=untag_ec2,
        stack=_instance,
        remove=_terminate,
        drift={
            "instance_type": _retype,
            "security_groups": _regroup,
            "instance_profile (none)": _take_profile,
            "instance_profile (another)": _swap_profile,
            "volumes (unplugged)": _unplug,
            "volumes_outlive_instance": _delete_with_it,
            "http_tokens": _metadata(HttpTokens="optional"),
            "http_put_response_hop_limit": _metadata(HttpTokens="required", HttpPutResponseHopLimit=3),
            "cpu_credits": _credits,
            "running": _stop,
        },
        updates={"root_volume_gib": 40, "running": False, "instance_type": "t3.large"},
        fixed={"subnet": OTHER_SUBNET.id, "key_name": "another"},
    ),
}
