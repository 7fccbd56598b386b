"""A process is killed at any call of an apply or a destroy, or a response is lost: the next run completes it.

Runs have several threads, so a call is told by its operation and by how many of that operation were sent before it.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import pytest

from dify_aws import Deployment, Settings
from dify_aws.offline.calls import Call
from dify_aws.offline.world import World
from dify_aws.operations.lock.unlock import lock_owner_of
from tests.support.inventory import AFTER_DESTROY, KEPT, WHOLE, counted, inventory
from tests.support.lags import RETRY_RULES
from tests.support.plans import aws_plan
from tests.support.process_kill import killed_at_each

SETTINGS: Final = Settings(environment="dev", alarm_email="a@your-company.com")

MADE: Final = {
    "cloudwatch.PutMetricAlarm": 3,
    "dynamodb.CreateTable": 1,
    "dynamodb.PutItem": 1,
    "dynamodb.UpdateItem": 1,
    "ec2.AllocateAddress": 2,
    "ec2.AssociateAddress": 1,
    "ec2.AssociateRouteTable": 2,
    "ec2.AttachInternetGateway": 1,
    "ec2.AttachVolume": 1,
    "ec2.AuthorizeSecurityGroupIngress": 3,
    "ec2.CreateInternetGateway": 1,
    "ec2.CreateNatGateway": 1,
    "ec2.CreateRoute": 2,
    "ec2.CreateRouteTable": 2,
    "ec2.CreateSecurityGroup": 3,
    "ec2.CreateSubnet": 2,
    "ec2.CreateVolume": 1,
    "ec2.CreateVpc": 1,
    "ec2.CreateVpcEndpoint": 1,
    "ec2.ImportKeyPair": 1,
    "ec2.ModifyVpcAttribute": 1,
    "ec2.RunInstances": 1,
    "iam.AddRoleToInstanceProfile": 1,
    "iam.CreateInstanceProfile": 1,
    "iam.CreateRole": 2,
    "iam.PutRolePolicy": 2,
    "logs.CreateLogGroup": 4,
    "logs.PutRetentionPolicy": 4,
    "s3.CreateBucket": 1,
    "s3.PutBucketLifecycleConfiguration": 1,
    "s3.PutBucketPolicy": 1,
    "s3.PutBucketVersioning": 1,
    "scheduler.CreateScheduleGroup": 1,
    "secretsmanager.CreateSecret": 3,
    "sns.CreateTopic": 1,
    "sns.Subscribe": 1,
}
"""Every writing call of an apply in an empty account."""

ENDED: Final = {
    "cloudwatch.DeleteAlarms": 3,
    "dynamodb.PutItem": 1,
    "dynamodb.UpdateItem": 1,
    "ec2.DeleteInternetGateway": 1,
    "ec2.DeleteKeyPair": 1,
    "ec2.DeleteNatGateway": 1,
    "ec2.DeleteRouteTable": 2,
    "ec2.DeleteSecurityGroup": 3,
    "ec2.DeleteSubnet": 2,
    "ec2.DeleteVolume": 1,
    "ec2.DeleteVpc": 1,
    "ec2.DeleteVpcEndpoints": 1,
    "ec2.DetachInternetGateway": 1,
    "ec2.DisassociateRouteTable": 2,
    "ec2.ReleaseAddress": 2,
    "ec2.TerminateInstances": 1,
    "iam.DeleteInstanceProfile": 1,
    "iam.DeleteRole": 2,
    "iam.DeleteRolePolicy": 2,
    "iam.RemoveRoleFromInstanceProfile": 1,
    "logs.DeleteLogGroup": 4,
    "s3.AbortMultipartUpload": 1,
    "s3.DeleteBucket": 1,
    "s3.DeleteObjects": 1,
    "scheduler.DeleteScheduleGroup": 1,
    "secretsmanager.DeleteSecret": 3,
    "sns.DeleteTopic": 1,
}
"""Every writing call of a destroy that deletes the data too."""

OF_DATA: Final = {
    "ec2.DeleteVolume",
    "s3.AbortMultipartUpload",
    "s3.DeleteBucket",
    "s3.DeleteObjects",
    "secretsmanager.DeleteSecret",
}
"""Operations that a destroy sends as often as that only when it deletes the data too."""

AT_THE_END: Final = "dynamodb.UpdateItem"
"""Gives the lock back. Who dies of it has done all there is to do, so no other process comes to it."""

REPEATED: Final = {
    "ec2.RunInstances",
    "ec2.AssociateAddress",
    "ec2.CreateNatGateway",
    "ec2.AttachVolume",
    "dynamodb.UpdateItem",
}
"""Calls that are sent again while AWS has not caught up with itself, and the one that also renews the lock."""

LIVES: Final = 8
"""Each life has some of the operations; two of them can meet in a process only where they are in the same life."""


def deployment(world: World) -> Deployment:
    """As a new process has it."""
    return Deployment(SETTINGS, session=world.session)


def unlocked(world: World) -> Deployment:
    """The same after a death: somebody takes the lock from the dead process, and nobody waits for its lease to run out.

    So AWS has no time to catch up with what was done right before.
    """
    of = deployment(world)
    if (lock_owner := lock_owner_of(of.aws)) is not None:
        of.unlock(lock_owner.id)
    return of


def use(world: World) -> None:
    """Put something into the bucket: two versions, a delete marker, and an upload that is never finished."""
    s3 = world.session.client("s3")
    (bucket,) = inventory(world.session)["bucket"]
    for body in (b"1", b"2"):
        s3.put_object(Bucket=bucket, Key="uploads/a", Body=body)
    s3.delete_object(Bucket=bucket, Key="uploads/a")
    s3.create_multipart_upload(Bucket=bucket, Key="uploads/b")


def clipped(calls: list[Call]) -> dict[str, int]:
    counts = Counter(str(call) for call in calls)
    return {operation: 1 if operation in REPEATED else count for operation, count in counts.items()}


def test_lists_contain_every_write_call(world: World) -> None:
    """So that no call is forgotten below when the code changes."""
    deployment(world).apply()
    assert clipped(world.writes) == MADE
    use(world)
    world.forget_calls()
    deployment(world).destroy(delete_data=True)
    assert clipped(world.writes) == ENDED
    assert counted(inventory(world.session)) == AFTER_DESTROY


def dealt(calls: dict[str, int], life: int, lives: int) -> dict[str, int]:
    """The part of ``calls`` that this life has."""
    return dict([each for each in calls.items() if each[0] != AT_THE_END][life::lives])


@pytest.mark.parametrize("life", [0, *(pytest.param(life, marks=pytest.mark.exhaustive) for life in range(1, LIVES))])
def test_killed_at_every_call(world: World, life: int) -> None:
    """However many processes have died, there is one of each thing in the end, and then nothing.

    Only the destroys of the first life are told to delete the data; those of the others keep it, until the last one.
    """
    world.lags.update(RETRY_RULES)
    killed_at_each(world, dealt(MADE, life, LIVES), lambda: unlocked(world).apply())
    assert counted(inventory(world.session)) == WHOLE
    assert not aws_plan(deployment(world))

    use(world)
    if life == 0:
        of_data = {operation: count for operation, count in ENDED.items() if operation in OF_DATA}
        killed_at_each(world, of_data, lambda: unlocked(world).destroy(delete_data=True))
    else:
        others = {operation: count for operation, count in ENDED.items() if operation not in OF_DATA}
        ended = killed_at_each(world, dealt(others, life - 1, LIVES - 1), lambda: unlocked(world).destroy())
        assert counted(inventory(world.session)) == KEPT
        assert {action.address for action in ended.kept} == {"bucket/storage", "secret/application", "volume/data"}
        deployment(world).destroy(delete_data=True)
    assert counted(inventory(world.session)) == AFTER_DESTROY


@pytest.mark.parametrize("fault", ["lose_answer", "server_error"])
@pytest.mark.parametrize("nth", [1, 2])
def test_lost_response_of_every_write_call(world: World, fault: str, nth: int) -> None:
    """AWS does it and nobody hears of it, for each operation in turn: one run, exactly one of each, and an end."""
    for operation, count in MADE.items():
        if nth <= count:
            getattr(world.faults, fault)(operation, nth)
    deployment(world).apply()
    world.faults.disarm()
    assert counted(inventory(world.session)) == WHOLE
    assert not aws_plan(deployment(world))
    use(world)
    for operation, count in ENDED.items():
        if nth <= count:
            getattr(world.faults, fault)(operation, nth)
    deployment(world).destroy(delete_data=True)
    world.faults.disarm()
    assert counted(inventory(world.session)) == AFTER_DESTROY
