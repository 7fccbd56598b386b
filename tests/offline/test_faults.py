"""The fault kit: each fault happens when it should, and looks to botocore like the real thing."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from dify_aws.offline.faults import ProcessKilled
from dify_aws.offline.world import World
from tests.offline.refusals import refused

ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1})
SEVERAL = Config(retries={"mode": "standard", "total_max_attempts": 4})


def vpcs(client: Any) -> int:
    """How many there are, not counting the default one."""
    return len(client.describe_vpcs()["Vpcs"]) - 1


def test_kill_before_aws_does_not_receive_the_call(world: World) -> None:
    world.faults.kill_before("CreateVpc")
    with pytest.raises(ProcessKilled, match=r"before ec2\.CreateVpc"):
        world.session.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    assert world.calls == []
    world.restart()
    assert vpcs(world.session.client("ec2")) == 0


def test_kill_after_aws_has_executed_the_call(world: World) -> None:
    world.faults.kill_after("CreateVpc")
    with pytest.raises(ProcessKilled, match=r"after ec2\.CreateVpc"):
        world.session.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    world.restart()
    assert vpcs(world.session.client("ec2")) == 1


def test_killed_process_reports_why(world: World) -> None:
    """Once: later calls find them dead already."""
    world.faults.kill_before("CreateVpc")
    for _ in range(2):
        with pytest.raises(ProcessKilled):
            world.session.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    assert world.faults.kills == ["killed before ec2.CreateVpc"]


def test_the_nth_call_is_counted_from_the_arming(world: World) -> None:
    ec2 = world.session.client("ec2")
    ec2.create_vpc(CidrBlock="10.0.0.0/16")
    world.faults.kill_before("CreateVpc", nth=2)
    ec2.create_vpc(CidrBlock="10.1.0.0/16")
    with pytest.raises(ProcessKilled):
        ec2.create_vpc(CidrBlock="10.2.0.0/16")


def test_killed_process_sends_no_calls_in_any_thread_or_region(world: World) -> None:
    world.faults.kill_before("DescribeVpcs")
    session, elsewhere = world.session, world.in_region("us-east-1")
    with pytest.raises(ProcessKilled):
        session.client("ec2").describe_vpcs()
    kills: list[BaseException] = []

    def try_again() -> None:
        for client in (session.client("s3"), elsewhere.client("s3")):
            try:
                client.list_buckets()
            except ProcessKilled as kill:
                kills.append(kill)

    thread = threading.Thread(target=try_again)
    thread.start()
    thread.join()
    assert len(kills) == 2
    assert world.calls == []


def test_old_process_stays_killed_after_restart(world: World) -> None:
    old = world.session
    world.restart()
    with pytest.raises(ProcessKilled):
        old.client("ec2").describe_vpcs()
    assert world.session.client("ec2").describe_vpcs()


def test_process_killed_is_not_an_exception() -> None:
    assert not issubclass(ProcessKilled, Exception)


PROTOCOLS: list[tuple[str, str, dict[str, str], str]] = [
    ("ec2", "describe_vpcs", {}, "DescribeVpcs"),
    ("iam", "list_roles", {}, "ListRoles"),
    ("sns", "list_topics", {}, "ListTopics"),
    ("s3", "list_buckets", {}, "ListBuckets"),
    ("ssm", "get_parameter", {"Name": "x"}, "GetParameter"),
    ("cloudwatch", "describe_alarms", {}, "DescribeAlarms"),
    ("logs", "describe_log_groups", {}, "DescribeLogGroups"),
    ("secretsmanager", "list_secrets", {}, "ListSecrets"),
    ("sts", "get_caller_identity", {}, "GetCallerIdentity"),
    ("resourcegroupstaggingapi", "get_resources", {}, "GetResources"),
]


@pytest.mark.parametrize(("service", "method", "params", "operation"), PROTOCOLS, ids=[row[0] for row in PROTOCOLS])
def test_a_refusal_is_parsed_as_an_answer_of_aws(
    world: World, service: str, method: str, params: dict[str, str], operation: str
) -> None:
    """Whatever protocol the service speaks: the code, the message, the status and a request id."""
    client: Any = world.session.client(service)  # type: ignore[call-overload]
    world.faults.refuse(f"{service}.{operation}", "AccessDenied", "You may not.", status=403)
    with pytest.raises(ClientError) as caught:
        getattr(client, method)(**params)
    error = caught.value.response
    assert (error["Error"]["Code"], error["Error"]["Message"]) == ("AccessDenied", "You may not.")
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert error["ResponseMetadata"]["RequestId"]


def test_a_refused_call_is_not_done(world: World) -> None:
    ec2 = world.session.client("ec2")
    world.faults.refuse("CreateVpc", "VpcLimitExceeded", times=2)
    for _ in range(2):
        with refused("VpcLimitExceeded"):
            ec2.create_vpc(CidrBlock="10.0.0.0/16")
    assert vpcs(ec2) == 0
    ec2.create_vpc(CidrBlock="10.0.0.0/16")
    assert vpcs(ec2) == 1


def test_a_throttled_call_is_tried_again_by_botocore_in_virtual_time(world: World) -> None:
    ec2 = world.session.client("ec2", config=SEVERAL)
    world.faults.refuse("DescribeVpcs", "RequestLimitExceeded", times=2, status=503)
    assert vpcs(ec2) == 0
    assert len(world.calls) == 3
    assert world.clock.now() > 0


def test_a_head_request_is_refused_without_a_body(world: World) -> None:
    world.faults.refuse("HeadBucket", "404", status=404)
    with refused("404", status=404):
        world.session.client("s3").head_bucket(Bucket="whatever")


def test_a_lost_answer_is_a_closed_connection(world: World) -> None:
    ec2 = world.session.client("ec2", config=ONCE)
    world.faults.lose_answer("CreateVpc")
    with pytest.raises(ConnectionClosedError):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    assert vpcs(ec2) == 1


def test_botocore_sends_again_when_the_answer_is_lost(world: World) -> None:
    """Which makes two VPCs out of one call: a VPC has no token. This is how it is on AWS."""
    ec2 = world.session.client("ec2", config=SEVERAL)
    world.faults.lose_answer("CreateVpc")
    ec2.create_vpc(CidrBlock="10.0.0.0/16")
    assert vpcs(ec2) == 2


def test_a_server_error_can_come_after_the_deed(world: World) -> None:
    ec2 = world.session.client("ec2", config=ONCE)
    world.faults.server_error("CreateVpc")
    with refused("InternalError", status=500):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    assert vpcs(ec2) == 1


def test_another_service_with_an_operation_of_that_name_is_not_meant(world: World) -> None:
    world.faults.refuse("elbv2.DescribeTags", "AccessDenied")
    assert world.session.client("ec2").describe_tags()


def test_disarmed_faults_do_not_happen(world: World) -> None:
    world.faults.refuse("DescribeVpcs", "AccessDenied")
    world.faults.disarm()
    assert world.session.client("ec2").describe_vpcs()


def test_counting_begins_at_one(world: World) -> None:
    with pytest.raises(ValueError, match="count from 1"):
        world.faults.kill_before("CreateVpc", nth=0)


def test_refused_call_does_not_trigger_kill_after(world: World) -> None:
    """AWS has done nothing, and the process goes on to ask again."""
    ec2 = world.session.client("ec2")
    world.faults.kill_after("CreateVpc")
    world.faults.kill_before("CreateVpc", 2)
    with refused("InvalidParameterValue"):
        ec2.create_vpc(CidrBlock="nonsense")
    with pytest.raises(ProcessKilled):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    assert world.faults.kills == ["killed after ec2.CreateVpc"]
