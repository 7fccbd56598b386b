"""An Instance Connect Endpoint that does not come: what is told, and what the next run does."""

from __future__ import annotations

from typing import Any, Final

import pytest

from dify_aws import Aws, AwsError, InstanceConnectEndpoint, QuotaExceeded, RunFailed, SecurityGroup, Stack, Subnet, Vpc
from dify_aws.offline.faults import ProcessKilled
from dify_aws.offline.world import World
from tests.support.inventory import counted, inventory

VPC: Final = Vpc(name="main", cidr_block="10.7.0.0/16")
GROUP: Final = SecurityGroup(name="tunnel", vpc=VPC.id)
SMALL: Final = Subnet(name="private", vpc=VPC.id, cidr_block="10.7.1.0/28", availability_zone="ap-northeast-1a")
ENDPOINT: Final = InstanceConnectEndpoint(name="main", subnet=SMALL.id, security_groups=[GROUP.id])
WHOLE: Final = {"vpc": 1, "subnet": 1, "security-group": 1, "connect-endpoint": 1}
ADDRESS: Final = ENDPOINT.address


def run(world: World, *resources: Any) -> Any:
    """Apply as a new process does; the endpoint itself."""
    stack = Stack("lab", resources or [VPC, GROUP, SMALL, ENDPOINT])
    return stack.apply(Aws(world.session, deployment="lab")).found.get(ADDRESS)


def destroy(world: World) -> None:
    Stack("lab", []).destroy(Aws(world.session, deployment="lab"))


@pytest.fixture
def full(world: World) -> list[str]:
    """The subnet, with no address left in it: the interfaces that take them all."""
    run(world, VPC, GROUP, SMALL)
    ec2 = world.session.client("ec2")
    (subnet,) = inventory(world.session, "lab")["subnet"]
    return [ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"] for _ in range(11)]


def free(world: World, interfaces: list[str]) -> None:
    for interface in interfaces:
        world.session.client("ec2").delete_network_interface(NetworkInterfaceId=interface)


def test_a_failed_one_is_reported_and_created_again(world: World, full: list[str]) -> None:
    """With AWS's own message. The next run puts a new one in its place, and there is one in the end."""
    with pytest.raises(RunFailed) as failed:
        run(world)
    result = failed.value.failures[ADDRESS]
    assert isinstance(result, AwsError)
    assert "create-failed, There are not enough free IP addresses in the subnet" in str(result)
    free(world, full)
    made = run(world)
    assert made["state"] == "create-complete"
    assert made["dns_name"]
    assert counted(inventory(world.session)) == WHOLE
    assert not Stack("lab", [VPC, GROUP, SMALL, ENDPOINT]).plan(Aws(world.session, deployment="lab"))


def test_a_failed_one_is_destroyed_with_the_rest(world: World, full: list[str]) -> None:
    """It is nobody's endpoint, and yet it is ours."""
    with pytest.raises(RunFailed):
        run(world)
    free(world, full)
    destroy(world)
    assert counted(inventory(world.session)) == {}


@pytest.mark.parametrize("full_subnet", [False, True], ids=["comes", "fails"])
def test_one_that_is_on_its_way_is_waited_for_before_it_is_deleted(
    world: World, request: pytest.FixtureRequest, full_subnet: bool
) -> None:
    """AWS refuses to delete it earlier. Whether it came in the end is no matter."""
    taken = request.getfixturevalue("full") if full_subnet else []
    world.faults.kill_after("CreateInstanceConnectEndpoint")
    with pytest.raises(ProcessKilled):
        run(world)
    world.restart()
    free(world, taken)
    destroy(world)
    assert counted(inventory(world.session)) == {}


def test_one_more_than_allowed_is_refused_with_the_way_out(world: World) -> None:
    """A VPC has one; here somebody else has made it."""
    run(world, VPC, GROUP, SMALL)
    (subnet,) = inventory(world.session, "lab")["subnet"]
    world.session.client("ec2").create_instance_connect_endpoint(SubnetId=subnet)
    with pytest.raises(RunFailed) as failed:
        run(world)
    result = failed.value.failures[ADDRESS]
    assert isinstance(result, QuotaExceeded)
    assert "eice-quotas.html" in str(result)
    assert 'ssh = "lease"' in str(result)
