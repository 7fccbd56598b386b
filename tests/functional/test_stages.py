"""The stages of the installation in the walk over AWS: each starts when what it needs is there, and fails alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, cast

import pytest

from dify_aws import Deployment, InstallFailed, Settings, offline
from dify_aws.dify.known_releases import release_of
from dify_aws.events import Event
from dify_aws.host.steps.packages import Packages
from dify_aws.offline.faults import ProcessKilled
from dify_aws.offline.world import World
from dify_aws.operations.lock.unlock import lock_owner_of
from dify_aws.runtimes.compose.base_system import engine_packages
from dify_aws.runtimes.compose.paths import AGENT
from dify_aws.runtimes.compose.stages import order
from dify_aws.topologies.account import Account
from dify_aws.topologies.single_host.resources import environment
from dify_aws.topologies.single_host.stages import single_host_stages
from tests.support.inventory import WHOLE, counted, inventory
from tests.support.plans import aws_plan

SETTINGS = Settings(environment="dev", admin_email="admin@example.com", alarm_email="a@your-company.com")
SECONDS = 60.0
"""At most: what is waited for takes a second or two."""

REQUIREMENTS = release_of(SETTINGS.dify_version, None).requirements
ENGINE = Packages(requirements=engine_packages("docker", REQUIREMENTS)).name
STAGES = tuple(stage.address for stage in order.STAGES)


class SlowSession:
    """A session whose calls of one operation wait until the test lets them go.

    Args:
        world: whose session it is.
        operation: of botocore, "CreateBucket".
        about: the parameters that the call has to have among its own.
    """

    def __init__(self, world: World, operation: str, **about: str) -> None:
        self._offline = world.session
        self._operation = operation
        self._about = about
        self.released = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._offline, name)

    def client(self, service: str, *args: Any, **options: Any) -> Any:
        client = cast(Any, self._offline).client(service, *args, **options)
        client.meta.events.register(f"provide-client-params.*.{self._operation}", self._hold)
        return client

    def _hold(self, params: Mapping[str, Any], **_: Any) -> None:
        if all(params.get(name) == value for name, value in self._about.items()):
            assert self.released.wait(SECONDS), "nothing went on without it"


@pytest.mark.parametrize(
    ("operation", "about", "done_meanwhile", "needs_it", "slow"),
    [
        ("CreateNatGateway", {}, "nginx", "", "nat-gateway/main"),
        ("PutMetricAlarm", {"MetricName": "CPUUtilization"}, "nginx", "", "alarm/cpu"),
        ("CreateBucket", {}, "image digests", "file /opt/dify/.env", "bucket/storage"),
        ("CreateLogGroup", {"logGroupName": "/dify/dev/nginx"}, "image digests", f"file {AGENT}", "log-group/nginx"),
        (
            "CreateSecret",
            {"Name": "dify/dev/application"},
            ENGINE,
            "secrets",
            "secret/application",
        ),
    ],
)
def test_a_stage_waits_for_what_it_needs_and_for_nothing_else(
    operation: str, about: dict[str, str], done_meanwhile: str, needs_it: str, slow: str
) -> None:
    """One resource takes as long as it likes: meanwhile all stages go on that do not need it."""
    events: list[tuple[str, str]] = []
    with offline() as world:
        session: Any = SlowSession(world, operation, **about)

        def listener(event: Event) -> None:
            events.append((event.moment, event.address))
            if (event.moment, event.address) == ("done", done_meanwhile):
                session.released.set()

        Deployment(SETTINGS, session=session, listener=listener).deploy()
        assert not Deployment(SETTINGS, session=world.session).plan()
    assert events.index(("done", done_meanwhile)) < events.index(("done", slow))
    if needs_it:
        first = next(
            place for place, (moment, address) in enumerate(events) if moment == "started" and needs_it in address
        )
        assert first > events.index(("done", slow))


def broken(part: str) -> Callable[[str], None]:
    """A machine on which every script with this in it fails."""

    def before(script: str) -> None:
        if part in script:
            raise OSError(f"no {part} today")

    return before


@pytest.mark.parametrize(
    ("part", "failed", "not_tried", "done"),
    [
        ("docker-ce", "dify/docker", "file /opt/dify/.env", "directory /opt/dify"),
        ("amazon-cloudwatch-agent", "dify/cloudwatch-agent", "service dify-metrics.timer", "nginx"),
        ("/opt/dify/.env", "dify/files", "data services", "image digests"),
    ],
)
def test_a_failed_stage_stops_what_needs_it_and_nothing_else(
    world: World, part: str, failed: str, not_tried: str, done: str
) -> None:
    """AWS is made to its end, stages that do not need it as well, and the error names the stage. Then it is resumed."""
    events: list[Event] = []
    world.connectivity.before = broken(part)
    with pytest.raises(InstallFailed, match=f"{failed}: ") as caught:
        Deployment(SETTINGS, session=world.session, listener=events.append).deploy()
    report = caught.value.report
    assert {report[step].stage for step in report.named("failed")} == {failed}
    assert report[not_tried].state == "not tried"
    assert report[done].state == "done"
    assert failed in {event.address for event in events if event.moment == "failed"}
    assert counted(inventory(world.session)) == WHOLE
    assert not aws_plan(Deployment(SETTINGS, session=world.session))

    world.connectivity.before = lambda script: None
    Deployment(SETTINGS, session=world.session).deploy()
    assert not Deployment(SETTINGS, session=world.session).plan()


def test_a_process_that_is_killed_in_each_stage_is_resumed_by_the_next(world: World) -> None:
    """Each run is killed in a stage in which none was killed before, until one comes to the end."""
    killed: list[str] = []

    def listener(event: Event) -> None:
        if event.stage and event.moment == "started" and event.stage not in killed:
            killed.append(event.stage)
            world.faults.kill(event.stage)
            raise ProcessKilled(event.stage)

    settings = SETTINGS.replace(domain="dify.example.com", email="ops@your-company.com")
    address = Deployment(settings, session=world.session).apply().public_ip
    world.connectivity.names["dify.example.com"] = (address,)
    for _ in STAGES:
        of = Deployment(settings, session=world.session, listener=listener)
        if (lock_owner := lock_owner_of(of.aws)) is not None:
            of.unlock(lock_owner.id)
        try:
            of.deploy()
            break
        except ProcessKilled:
            world.restart()
    assert set(killed) == set(STAGES) - {"dify/proof"}
    assert not Deployment(settings, session=world.session).plan()


def test_every_stage_is_a_node_with_references_to_what_is_there() -> None:
    """All stages, each after those that it needs; the host waits for no NAT gateway, no alarm and no reserved group."""

    class Nobody:
        def __getattr__(self, name: str) -> Any:
            return lambda *values: None

    account = Account("123456789012", "aws", "ap-northeast-1")
    stack = environment(SETTINGS, account)
    nodes = {node.address: node for node in single_host_stages(SETTINGS, account, Nobody())}
    assert set(STAGES) < nodes.keys()
    waits_for = set(nodes)
    new = {need.address for node in nodes.values() for need in node.needs}
    while new - waits_for:
        waits_for |= new
        new = {need for each in new if each in stack.edges for need in stack.edges[each]}
    unneeded = stack.resources.keys() - waits_for
    assert {"nat-gateway/main", "alarm/cpu", "topic/alarms", "security-group/database"} <= unneeded
    assert {each for each in waits_for if "/" in each} - nodes.keys() <= stack.resources.keys()


@pytest.fixture
def world() -> Iterator[World]:
    with offline() as world:
        yield world
