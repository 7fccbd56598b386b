"""The CloudWatch agent: what it sends is what the alarms wait for; and the model machine gets to have it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from dify_aws.host.converge import converge_host
from dify_aws.host.errors import InstallFailed
from dify_aws.host.packages.publishers import Publishers
from dify_aws.host.step import Step
from dify_aws.host.steps.file import File
from dify_aws.host.steps.service import Service
from dify_aws.offline.clock import VirtualClock
from dify_aws.offline.machine.host import ModelHost
from dify_aws.offline.machine.machine import Machine
from dify_aws.resources import Alarm
from dify_aws.runtimes.compose.agent import STATSD_PORT, UNIT, agent_answers, agent_package
from dify_aws.runtimes.compose.paths import AGENT
from dify_aws.settings import Settings
from dify_aws.topologies.account import Account
from dify_aws.topologies.names import LOGS, log_group_name
from dify_aws.topologies.role_policies import host_policy
from dify_aws.topologies.single_host.resources import environment
from tests.support.bundles import OUTPUTS, bundle, compose, given

SETTINGS = Settings(environment="dev")
ACCOUNT = Account("123456789012", "aws", "ap-northeast-1")
SEVERAL = {"disk": frozenset({"path", "device", "fstype"})}
"""The dimensions that come from the plugin itself: amazon-cloudwatch-agent, docs of metrics collected on Linux."""


def configuration() -> dict[str, Any]:
    result: dict[str, Any] = json.loads(bundle().files[AGENT].text)
    return result


def sent(metrics: Mapping[str, Any]) -> Iterator[tuple[str, frozenset[str]]]:
    """Each metric that this configuration sends, by its name and the names of its dimensions.

    A metric is sent as it is, and once more for each set of aggregation_dimensions that is smaller than its own
    (plugins/outputs/cloudwatch/cloudwatch.go of aws/amazon-cloudwatch-agent, ProcessRollup). One of StatsD has its type
    as a dimension (plugins/inputs/statsd/statsd.go).
    """
    appended = frozenset(metrics["append_dimensions"])
    own: list[tuple[str, frozenset[str]]] = []
    for plugin, how in metrics["metrics_collected"].items():
        if plugin == "statsd":
            names = re.findall(r"printf '(\w+):%d\|(g)'", bundle().files["bin/metrics"].text)
            own += [(name, appended | {"metric_type"}) for name, _ in names]
            continue
        dimensions = SEVERAL.get(plugin, frozenset()) - ({"device"} if how.get("drop_device") else set())
        own += [(f"{plugin}_{measured}", appended | dimensions) for measured in how["measurement"]]
    for name, dimensions in own:
        yield name, dimensions
        for aggregated in metrics["aggregation_dimensions"]:
            desired = frozenset(aggregated)
            if desired < dimensions:
                yield name, desired


def own_alarms() -> list[Alarm]:
    """Those of metrics that nobody but the agent sends."""
    resources = environment(SETTINGS, ACCOUNT).resources.values()
    return [each for each in resources if isinstance(each, Alarm) and not each.namespace.startswith("AWS/")]


def test_each_alarm_waits_for_something_that_is_sent() -> None:
    """By namespace, name and all dimensions: CloudWatch takes any other for another metric, and never says so."""
    metrics = configuration()["metrics"]
    there = {(metrics["namespace"], name, dimensions) for name, dimensions in sent(metrics)}
    waited_for = {(each.namespace, each.metric_name, frozenset(each.dimensions)) for each in own_alarms()}
    assert len(waited_for) == 2
    assert waited_for <= there


def test_the_instance_is_the_one_of_the_alarm() -> None:
    """The agent asks the instance metadata for it."""
    assert configuration()["metrics"]["append_dimensions"] == {"InstanceId": "${aws:InstanceId}"}


@pytest.mark.parametrize(
    "broken",
    [
        lambda metrics: metrics.pop("append_dimensions") and metrics.update(append_dimensions={}),
        lambda metrics: metrics.update(aggregation_dimensions=[]),
        lambda metrics: metrics.update(namespace="CWAgent"),
        lambda metrics: metrics["metrics_collected"].pop("statsd"),
        lambda metrics: metrics["metrics_collected"]["disk"].update(measurement=["inodes_free"]),
    ],
    ids=["no instance", "no aggregation", "other namespace", "no StatsD", "other measurement"],
)
def test_an_alarm_that_would_wait_for_ever_is_seen(broken: Callable[[dict[str, Any]], None]) -> None:
    """The check above can fail, in each of the ways in which such set-ups do."""
    metrics = configuration()["metrics"]
    broken(metrics)
    there = {(metrics["namespace"], name, dimensions) for name, dimensions in sent(metrics)}
    assert not {(each.namespace, each.metric_name, frozenset(each.dimensions)) for each in own_alarms()} <= there


def test_it_measures_often_enough_for_the_alarms() -> None:
    """An alarm over 60 seconds needs a value in each of them, or it takes the gap for a database that stands still."""
    metrics = configuration()["metrics"]["metrics_collected"]
    (postgres,) = [each for each in own_alarms() if each.metric_name == "postgres_running"]
    assert metrics["statsd"]["metrics_aggregation_interval"] <= postgres.period_seconds
    assert "OnCalendar=*:*:00,30" in bundle().files["/etc/systemd/system/dify-metrics.timer"].text


def test_the_timer_tells_whom_the_agent_listens_as() -> None:
    """On the loopback only: StatsD believes everybody."""
    assert configuration()["metrics"]["metrics_collected"]["statsd"]["service_address"] == f"127.0.0.1:{STATSD_PORT}"
    assert f">/dev/udp/127.0.0.1/{STATSD_PORT}" in bundle().files["bin/metrics"].text


def test_both_disks_memory_and_swap_are_measured() -> None:
    """Disks by where they are mounted, whatever the device is called."""
    collected = configuration()["metrics"]["metrics_collected"]
    assert collected["disk"]["resources"] == ["/", "/data"]
    assert {name for name, _ in sent(configuration()["metrics"])} == {
        "disk_used_percent",
        "mem_used_percent",
        "swap_used_percent",
        "postgres_running",
    }


def test_the_four_log_groups_get_their_logs() -> None:
    """Groups that exist and that the role may write to, each file in a stream of its own."""
    files = configuration()["logs"]["logs_collected"]["files"]["collect_list"]
    groups = {each["log_group_name"] for each in files}
    assert groups == {log_group_name(SETTINGS, log) for log in LOGS} == set(OUTPUTS.log_groups.values())
    allowed = json.dumps(host_policy(SETTINGS, ACCOUNT))
    assert all(f"log-group:{group}:*" in allowed for group in groups)
    streams = [(each["log_group_name"], each["log_stream_name"]) for each in files]
    assert len(streams) == len(set(streams))
    assert all(name.startswith("{instance_id}") for _, name in streams)


def docker_line(container: str, stream: str, log: str) -> str:
    """A line as Docker's driver json-file writes it with our option ``tag`` (daemon/logger/jsonfilelog of moby)."""
    line = {"log": log, "stream": stream, "attrs": {"tag": container}, "time": "2026-12-01T00:00:00.000000001Z"}
    return json.dumps(line, separators=(",", ":"))


@pytest.mark.parametrize(
    ("container", "stream", "log", "collected"),
    [
        # Dify's logger writes these to LOG_FILE as well, whatever their format, and every line of a traceback.
        ("dify-api-1", "stdout", "2026-12-01 00:00:00.001 INFO [Dummy-1] [app.py:1]  - ready", False),
        ("dify-worker-1", "stdout", "Traceback (most recent call last):", False),
        ("dify-worker_beat-1", "stdout", '{"severity":"INFO"}', False),
        ("dify-api_websocket-1", "stdout", "x", False),
        # These are nowhere else.
        ("dify-api-1", "stderr", "ModuleNotFoundError: No module named 'dify'", True),
        ("dify-migration", "stdout", "Database migration failed", True),
        ("dify-nginx-1", "stdout", "x", True),
        ("dify-plugin_daemon-1", "stdout", "x", True),
        ("another-dify-api-1", "stdout", "x", True),
        ("dify-nginx-1", "stdout", docker_line("dify-api-1", "stdout", "quoted by a client"), True),
    ],
)
def test_each_line_of_dify_is_paid_for_once(container: str, stream: str, log: str, collected: bool) -> None:
    """Each container of Dify logs to a file of its own, which is collected; Docker's log has the same lines again."""
    made = bundle(profile="full")
    options = compose(made)["services"]["api"]["logging"]["options"]
    assert options["tag"] == "{{.Name}}"
    collect = json.loads(made.files[AGENT].text)["logs"]["logs_collected"]["files"]["collect_list"]
    (docker,) = [each for each in collect if each["file_path"].endswith("-json.log")]
    files = {each["file_path"] for each in collect}
    excluded = [re.search(each["expression"], docker_line(container, stream, log)) for each in docker["filters"]]
    assert {each["type"] for each in docker["filters"]} == {"exclude"}
    assert (not any(excluded)) == collected
    if not collected:
        service = container.removeprefix("dify-").removesuffix("-1")
        assert f"/data/dify/logs/dify/{service}.log" in files
        assert given(made, service)["LOG_FILE"] == f"/app/logs/{service}.log"


@pytest.fixture
def machine() -> Machine:
    """A model machine where nothing is installed yet."""
    return Machine("model", VirtualClock())


def steps() -> list[Step]:
    """As dify.py has them."""
    return [
        agent_package("ap-northeast-1", Publishers().cloudwatch_agent),
        File(path=AGENT, data=bundle().files[AGENT].text),
        Service(unit=UNIT, reads=(AGENT,)),
        agent_answers(),
    ]


def test_it_is_installed_once(machine: Machine) -> None:
    """And found there by the next run; a configuration that changed restarts it, and nothing else does."""
    assert len(converge_host(ModelHost(machine), steps()).named("done")) == 3  # it answers as soon as it was started
    again = converge_host(ModelHost(machine), steps())
    assert not again
    assert again.round_trips == 1
    machine.clock.sleep(1)
    ModelHost(machine).write(AGENT, b"{}")
    repaired = converge_host(ModelHost(machine), steps())
    assert repaired.named("done") == (f"file {AGENT}", f"service {UNIT}")


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_that_is_killed_anywhere_is_finished_by_the_next(when: str) -> None:
    """Before and after each command: then installed and running, and nothing of the download left."""

    class ProcessKilled(Exception):
        pass

    for nth in range(1, 20):
        machine = Machine("model", VirtualClock())
        given: list[str] = []

        def kill(script: str, given: list[str] = given, nth: int = nth) -> None:
            given.append(script)
            if len(given) == nth:
                raise ProcessKilled

        try:
            host = ModelHost(machine, before=kill) if when == "before" else ModelHost(machine, after=kill)
            converge_host(host, steps(), workers=1)
        except InstallFailed:
            pass
        else:
            assert nth > 6, "it never died"
            return
        converge_host(ModelHost(machine), steps())
        assert not converge_host(ModelHost(machine), steps())
        assert machine.units.runs(UNIT)
        assert machine.files.get("/var/cache/dify-aws/amazon-cloudwatch-agent") is None
    pytest.fail("it has no end")


@pytest.mark.parametrize(
    "wrong", [{"key": "0" * 40}, {"signed_by": "0" * 40}, {"tampered": True}, {"reached": 28}], ids=str
)
def test_what_is_not_from_aws_is_never_installed(machine: Machine, wrong: dict[str, Any]) -> None:
    """Another key, another signer, another file, or no file: the machine is as it was."""
    for name, value in wrong.items():
        setattr(machine.publisher, name, value)
    with pytest.raises(InstallFailed, match=r"not installed|curl"):
        converge_host(ModelHost(machine), steps())
    assert "amazon-cloudwatch-agent" not in machine.packages.installed
    assert machine.files.get("/var/cache/dify-aws/amazon-cloudwatch-agent") is None
    machine.publisher = type(machine.publisher)()
    assert converge_host(ModelHost(machine), steps())


def test_an_agent_that_starts_and_ends_is_reported(machine: Machine) -> None:
    """systemd has called it active by then."""
    without = [step for step in steps() if not isinstance(step, File)]
    with pytest.raises(InstallFailed, match=r"does not listen"):
        converge_host(ModelHost(machine), without)
