"""The world: opened and closed, its calls counted, its processes restarted, nothing of it left outside."""

from __future__ import annotations

import os
import subprocess
import sys

import boto3
import pytest
from moto import mock_aws
from moto.core.base_backend import BackendDict

from dify_aws.offline import offline
from dify_aws.offline.calls import Call
from dify_aws.offline.world import World


def test_a_world_begins_empty_whatever_the_last_one_was_left_with() -> None:
    for _ in range(2):
        with offline() as world:
            s3, ec2 = world.session.client("s3"), world.session.client("ec2")
            place = {"LocationConstraint": "ap-northeast-1"}
            s3.create_bucket(Bucket="the-only-one", CreateBucketConfiguration=place)  # type: ignore[arg-type]
            s3.put_object(Bucket="the-only-one", Key="k", Body=b"v")
            ec2.create_vpc(CidrBlock="10.0.0.0/16")
            assert len(ec2.describe_vpcs()["Vpcs"]) == 2  # the default one, and ours


def test_it_leaves_nothing_behind() -> None:
    """moto is as it was, and so is the environment of the process."""
    from moto.ec2.models.elastic_block_store import Volume
    from moto.ec2.responses import EC2Response

    before = dict(os.environ), dict(vars(EC2Response)), dict(vars(Volume))
    with offline():
        assert dict(vars(EC2Response)) != before[1]
    assert (dict(os.environ), dict(vars(EC2Response)), dict(vars(Volume))) == before


def test_there_is_one_world_at_a_time(world: World) -> None:
    with pytest.raises(RuntimeError, match="open in this process already"), offline():
        pass


def test_the_world_is_free_again_after_a_failure_inside() -> None:
    with pytest.raises(ZeroDivisionError), offline():
        raise ZeroDivisionError
    with offline() as world:
        assert world.calls == []


def test_a_session_of_a_closed_world_finds_nothing() -> None:
    """A client that is left over must not go looking for the real AWS."""
    with offline() as world:
        ec2 = world.session.client("ec2")
    with pytest.raises(RuntimeError, match="closed"):
        ec2.describe_vpcs()


def test_calls_are_recorded_in_order_with_parameters(world: World) -> None:
    ec2 = world.session.client("ec2")
    ec2.create_vpc(CidrBlock="10.0.0.0/16")
    ec2.describe_vpcs()
    world.session.client("secretsmanager").list_secrets()
    assert world.calls == [
        Call("ec2", "CreateVpc"),
        Call("ec2", "DescribeVpcs"),
        Call("secretsmanager", "ListSecrets"),
    ]
    assert world.calls[0].params["CidrBlock"] == "10.0.0.0/16"
    assert [str(call) for call in world.writes] == ["ec2.CreateVpc"]
    world.forget_calls()
    assert world.calls == []


def test_a_client_is_made_once(world: World) -> None:
    session = world.session
    assert session.client("ec2") is session.client("ec2", region_name="ap-northeast-1")
    assert session.client("ec2") is not session.client("ec2", region_name="us-east-1")


def test_the_session_knows_the_clock_and_the_region(world: World) -> None:
    assert world.session.clock is world.clock
    assert world.session.region_name == "ap-northeast-1"
    with pytest.raises(RuntimeError), offline():
        pass


def test_regions_do_not_see_each_other(world: World) -> None:
    world.session.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")
    other = world.in_region("us-east-1").client("ec2")
    assert len(other.describe_vpcs()["Vpcs"]) == 1
    assert other.describe_availability_zones()["AvailabilityZones"][0]["RegionName"] == "us-east-1"


def test_after_a_restart_aws_is_as_it_was(world: World) -> None:
    old = world.session.client("ec2")
    vpc_id = old.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    world.clock.advance(5)
    world.restart()
    new = world.session.client("ec2")
    assert new is not old
    assert vpc_id in [vpc["VpcId"] for vpc in new.describe_vpcs()["Vpcs"]]
    assert world.session.clock.now() == 5


def test_nothing_of_the_machine_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile that does not exist and an endpoint somewhere else do not matter to the offline world."""
    monkeypatch.setenv("AWS_PROFILE", "somebody")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with offline(region="eu-west-1") as world:
        identity = world.session.client("sts").get_caller_identity()
        assert identity["Account"] == "123456789012"
        assert world.session.client("ec2").meta.region_name == "eu-west-1"


def test_importing_it_does_not_import_moto() -> None:
    program = "import sys, dify_aws.offline; sys.exit(any(name.partition('.')[0] == 'moto' for name in sys.modules))"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == 0


def test_without_moto_it_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['moto'] = None\n"
        "from dify_aws.offline import offline\n"
        "try:\n    offline().__enter__()\n"
        "except ModuleNotFoundError as error:\n    sys.exit(0 if 'dify-aws[offline]' in str(error) else str(error))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == 0


def test_new_world_does_not_see_state_of_plain_moto(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if moto itself has lost sight of it: it takes two services that are still empty for the same one."""
    with mock_aws():
        ec2 = boto3.Session(region_name="ap-northeast-1").client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.77.0.0/16")["Vpc"]["VpcId"]
        monkeypatch.setattr(BackendDict, "reset", classmethod(lambda cls: BackendDict._instances.clear()))
    with offline() as world:
        assert vpc not in {each["VpcId"] for each in world.session.client("ec2").describe_vpcs()["Vpcs"]}
