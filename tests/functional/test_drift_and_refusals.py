"""Drift and refusals: manual changes, missing permissions, quotas and throttling, and how a run reports them."""

from __future__ import annotations

from typing import Any, Final

import pytest

from dify_aws import (
    Change,
    CredentialsError,
    Deployment,
    Outputs,
    PermissionDenied,
    PlanRefused,
    QuotaExceeded,
    RunFailed,
    Settings,
)
from dify_aws.offline.world import World
from tests.support.inventory import WHOLE, counted, inventory
from tests.support.plans import aws_plan

SETTINGS: Final = Settings(environment="dev", alarm_email="a@your-company.com")


def deployment(world: World) -> Deployment:
    """As a new process has it."""
    return Deployment(SETTINGS, session=world.session)


@pytest.fixture
def outputs(world: World) -> Outputs:
    return deployment(world).apply()


@pytest.fixture
def ec2(world: World) -> Any:
    return world.session.client("ec2")


def test_several_manual_changes_are_corrected_in_one_run(world: World, ec2: Any, outputs: Outputs) -> None:
    """A port opened, a route added, a policy attached, an alarm silenced, logs kept for ever, a machine stopped."""
    ec2.authorize_security_group_ingress(
        GroupId=outputs.security_groups["host"],
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},
        ],
    )
    using = [{"Name": "association.subnet-id", "Values": [outputs.subnets["private"]]}]
    (table,) = ec2.describe_route_tables(Filters=using)["RouteTables"]
    ec2.create_route(
        RouteTableId=table["RouteTableId"],
        DestinationCidrBlock="192.168.0.0/16",
        NatGatewayId=outputs.nat_gateway_id,
    )
    iam = world.session.client("iam")
    (role,) = [each for each in iam.list_roles()["Roles"] if each["RoleName"].startswith("dify--dev--host-")]
    everything = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    iam.put_role_policy(RoleName=role["RoleName"], PolicyName="root", PolicyDocument=everything)
    world.session.client("cloudwatch").delete_alarms(AlarmNames=["dify--dev--disk"])
    world.session.client("logs").delete_retention_policy(logGroupName="/dify/dev/nginx")
    world.session.client("s3").delete_public_access_block(Bucket=outputs.bucket)
    ec2.stop_instances(InstanceIds=[outputs.instance_id])
    world.clock.advance(300)

    plan = deployment(world).plan()
    assert {(action.verb, action.address) for action in plan if action.is_resource} == {
        ("update", "security-group/host"),
        ("update", "route-table/private"),
        ("update", "role/host"),
        ("create", "alarm/disk"),
        ("update", "log-group/nginx"),
        ("update", "bucket/storage"),
        ("update", "instance/host"),
    }
    (running,) = [action for action in plan if action.address == "instance/host"]
    assert running.changes == (Change("running", False, True),)
    assert deployment(world).apply() == outputs
    assert not aws_plan(deployment(world))
    assert counted(inventory(world.session)) == WHOLE


def test_the_data_volume_on_another_device_is_refused(world: World, ec2: Any, outputs: Outputs) -> None:
    """It may be mounted there: nobody pulls it out of a running machine, and the plan says what to do."""
    ec2.detach_volume(VolumeId=outputs.data_volume_id)
    world.clock.advance(300)
    ec2.attach_volume(VolumeId=outputs.data_volume_id, InstanceId=outputs.instance_id, Device="/dev/sdg")
    world.clock.advance(300)
    world.forget_calls()
    with pytest.raises(PlanRefused, match=r"/dev/sdg .*not on /dev/sdf.*detach-volume"):
        deployment(world).apply()
    assert world.writes == []
    ec2.detach_volume(VolumeId=outputs.data_volume_id)
    world.clock.advance(300)
    deployment(world).apply()
    assert not aws_plan(deployment(world))


def test_another_disk_in_the_place_of_the_data_volume_is_refused(world: World, ec2: Any, outputs: Outputs) -> None:
    """It is not ours to take away."""
    ec2.detach_volume(VolumeId=outputs.data_volume_id)
    blank = ec2.create_volume(AvailabilityZone=outputs.availability_zone, Size=8)["VolumeId"]
    world.clock.advance(300)
    ec2.attach_volume(VolumeId=blank, InstanceId=outputs.instance_id, Device="/dev/sdf")
    world.clock.advance(300)
    world.forget_calls()
    with pytest.raises(PlanRefused, match=rf"{blank} is attached .* as /dev/sdf.*detach-volume"):
        deployment(world).apply()
    assert world.writes == []


def test_the_data_volume_on_another_machine_is_refused(world: World, ec2: Any, outputs: Outputs) -> None:
    """Where it is, is told; after it was taken off there, the next run has it back."""
    ec2.detach_volume(VolumeId=outputs.data_volume_id)
    (reservation,) = ec2.describe_instances(InstanceIds=[outputs.instance_id])["Reservations"]
    other = ec2.run_instances(
        ImageId=reservation["Instances"][0]["ImageId"],
        InstanceType="t3.micro",
        SubnetId=outputs.subnets["public"],
        MinCount=1,
        MaxCount=1,
    )["Instances"][0]["InstanceId"]
    world.clock.advance(300)
    ec2.attach_volume(VolumeId=outputs.data_volume_id, InstanceId=other, Device="/dev/sdf")
    world.clock.advance(300)
    with pytest.raises(RunFailed, match=rf"instance/host: .*{other} as /dev/sdf.*detach-volume"):
        deployment(world).apply()
    ec2.detach_volume(VolumeId=outputs.data_volume_id)
    world.clock.advance(300)
    assert deployment(world).apply() == outputs


def test_missing_permission_is_named(world: World) -> None:
    """The missing action is named, with what is done and what is not; when it is allowed, the next run goes on."""
    world.faults.refuse("CreateRole", "AccessDenied", "User: x is not authorized to perform: iam:CreateRole", 99, 403)
    with pytest.raises(RunFailed) as failed:
        deployment(world).apply()
    (error,) = failed.value.failures.values()
    assert isinstance(error, PermissionDenied)
    assert error.action == "iam:CreateRole"
    assert "Allow iam:CreateRole" in str(failed.value)
    assert "instance/host" in failed.value.not_tried
    world.faults.disarm()
    deployment(world).apply()
    assert counted(inventory(world.session)) == WHOLE
    assert not aws_plan(deployment(world))


def test_plan_fails_without_read_permission(world: World) -> None:
    """A plan that cannot see everything is no plan."""
    world.faults.refuse("DescribeVpcs", "UnauthorizedOperation", "You are not authorized", 99, 403)
    with pytest.raises(PermissionDenied, match="ec2:DescribeVpcs"):
        deployment(world).plan()


def test_invalid_credentials_fail_at_the_first_call(world: World) -> None:
    """The very first call tells it, and nothing else is tried."""
    world.faults.refuse("GetCallerIdentity", "InvalidClientTokenId", "The security token is invalid", 99, 403)
    with pytest.raises(CredentialsError, match="aws sts get-caller-identity"):
        deployment(world).apply()
    assert world.writes == []


@pytest.mark.parametrize(
    ("quota", "left", "message"),
    [("vpc", 1, "VPCs per Region"), ("elastic-ip", 1, "Elastic IPs"), ("elastic-ip", 0, "Elastic IPs")],
)
def test_exceeded_quota_is_named(world: World, quota: str, left: int, message: str) -> None:
    """Which one, and how to raise it; what is done stays done, and the next run ends complete."""
    before = dict(world.quotas)
    world.quotas[quota] = left
    with pytest.raises(RunFailed) as failed:
        deployment(world).apply()
    assert any(isinstance(error, QuotaExceeded) for error in failed.value.failures.values())
    text = str(failed.value)
    assert message in text
    assert "servicequotas" in text
    assert "done: " in text
    assert "not tried: " in text
    world.quotas.update(before)
    deployment(world).apply()
    assert counted(inventory(world.session)) == WHOLE
    assert not aws_plan(deployment(world))


def test_throttled_calls_are_retried(world: World) -> None:
    """AWS is busy: the calls are sent again, and nothing is made twice."""
    for operation in (
        "DescribeVpcs",
        "CreateVpc",
        "AllocateAddress",
        "CreateSubnet",
        "RunInstances",
        "DescribeVolumes",
    ):
        world.faults.refuse(operation, "RequestLimitExceeded", "Request limit exceeded.", times=4, status=503)
    world.faults.refuse("PutMetricAlarm", "Throttling", "Rate exceeded", times=4)
    deployment(world).apply()
    assert counted(inventory(world.session)) == WHOLE
    assert not aws_plan(deployment(world))


def test_failure_lets_running_work_finish(world: World) -> None:
    """The NAT gateway is on its way for minutes when something else fails: it is waited for, and told as done."""
    world.faults.refuse("ImportKeyPair", "InvalidKey.Format", "no", times=99)
    with pytest.raises(RunFailed) as failed:
        deployment(world).apply()
    assert set(failed.value.failures) == {"key-pair/host"}
    there = counted(inventory(world.session))
    assert there["vpc"] == 1
    done = {address.partition("/")[0] for address in failed.value.done}
    assert {"vpc", "role", "log-group"} <= done
    for address in failed.value.not_tried:
        assert address not in failed.value.done
    world.faults.disarm()
    deployment(world).apply()
    assert counted(inventory(world.session)) == WHOLE


def test_unusable_kms_key_is_named(world: World) -> None:
    """AWS says only that the volume is not there, or that the client made an error: to run again would not help."""
    world.default_key_unusable = True
    with pytest.raises(RunFailed) as caught:
        deployment(world).apply()
    assert "get-ebs-default-kms-key-id" in str(caught.value.failures["volume/data"])
    world.default_key_unusable = False
    deployment(world).apply()
    assert counted(inventory(world.session)) == WHOLE


def test_instance_with_an_unusable_kms_key_is_reported(world: World) -> None:
    """The data volume was made before the key was lost, for another machine."""
    deployment(world).apply()
    deployment(world).destroy()
    world.default_key_unusable = True
    with pytest.raises(RunFailed) as caught:
        deployment(world).apply()
    message = str(caught.value.failures["instance/host"])
    assert "Client.InternalError" in message
    assert "get-ebs-default-kms-key-id" in message
