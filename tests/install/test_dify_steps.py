"""The steps of Dify itself on the model machine: images, containers, migration, first admin, and the smoke test."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest

from dify_aws.host.converge import converge_host
from dify_aws.host.errors import HostError, InstallFailed
from dify_aws.host.report import Report
from dify_aws.host.step import Step, needed
from dify_aws.offline.clock import VirtualClock
from dify_aws.offline.machine.dify import database
from dify_aws.offline.machine.engine import Running, named
from dify_aws.offline.machine.files import Entry
from dify_aws.offline.machine.host import ModelHost
from dify_aws.offline.machine.machine import Machine
from dify_aws.offline.machine.units import UnitRecord
from dify_aws.runtimes.compose.paths import DATA, HOME
from dify_aws.runtimes.compose.smoke import smoke
from dify_aws.runtimes.compose.steps.migration import MARKER
from dify_aws.secrets import Secret
from dify_aws.settings import Settings
from tests.support.bundles import COMBINATIONS, SECRETS
from tests.support.installed import steps_of

EMAIL = "admin@example.com"
SETTINGS = Settings(environment="dev", storage="local", admin_email=EMAIL)
PASSWORD = Secret('a-"good"-\\passw0rd')


def steps(settings: Settings = SETTINGS, *, password: Secret = PASSWORD, secrets: Any = SECRETS) -> Sequence[Step]:
    """All that the installer does about Dify, for a machine whose disk, packages and Docker are there already."""
    known = replace(secrets, admin_password=password)
    desired = steps_of(settings, known)
    of_dify: tuple[str, ...] = (f"directory {HOME}", f"directory {DATA}/", f"file {HOME}/", "image ", "data services")
    of_dify += ("database roles", "migration", "dify", "first admin", "nginx")
    return [step for step in desired if step.name.startswith(of_dify)]


def without(desired: Sequence[Step], *names: str) -> Sequence[Step]:
    """The steps but for these."""
    return [step for step in desired if step.name not in names]


@dataclass
class Bench:
    """A model machine with Docker, and what was done to it."""

    machine: Machine
    orders: list[str] = field(default_factory=list)

    def run(self, desired: Sequence[Step] | None = None, **how: Any) -> Report:
        """Everything on it, as one run over a connection of its own."""
        host = ModelHost(self.machine, before=self.orders.append)
        return converge_host(host, _among(desired or steps()), secrets=SECRETS.values, **how)

    def probe(self, settings: Settings = SETTINGS) -> Report:
        return self.run(smoke(settings, "http://203.0.113.7"), dry_run=True)

    def container(self, service: str) -> Running:
        return self.machine.engine.containers[named(service)]

    def since(self, desired: Sequence[Step] | None = None) -> list[str]:
        """What one more run does."""
        self.orders.clear()
        self.run(desired)
        return [order.rpartition("/opt/dify ")[2] for order in self.orders]


def _among(desired: Sequence[Step]) -> Sequence[Step]:
    """The same steps, each with those of its needs that are among them: what is left out is there already."""
    names = {step.name for step in desired}
    # Not every step has needs to replace: a probe has none.
    return [
        replace(step, needs=[need for need in step.needs if need in names]) if step.needs else step  # type: ignore[type-var]
        for step in desired
    ]


def fresh() -> Bench:
    """With Docker, and nothing of Dify."""
    bench = Bench(Machine("model", VirtualClock()))
    bench.machine.units.records["docker.service"] = UnitRecord("active", "enabled")
    return bench


def copied(machine: Machine) -> Machine:
    """Another machine in the same state, at the same time of a clock of its own."""
    clock = VirtualClock()
    clock.advance(machine.clock.now())
    return Machine(
        **copy.deepcopy({name: value for name, value in vars(machine).items() if name != "clock"}), clock=clock
    )


@cache
def _state() -> dict[str, Any]:
    bench = fresh()
    bench.run()
    return {name: value for name, value in vars(bench.machine).items() if name != "clock"}


@pytest.fixture
def installed() -> Bench:
    """With a Dify that runs since a minute."""
    clock = VirtualClock()
    clock.advance(600)
    return Bench(Machine(**copy.deepcopy(_state()), clock=clock))


def test_from_nothing_to_a_dify_that_answers() -> None:
    """Everything is done, once; the second run asks one question and does nothing; every probe goes well."""
    bench = fresh()
    desired = steps()
    assert bench.run().named("done") == tuple(step.name for step in desired)
    assert database(bench.machine)["admin"] == EMAIL
    again = bench.run()
    assert (again.named("done"), again.round_trips) == ((), 1)
    probed = bench.probe()
    assert len(probed.named("already so")) == len(probed) == 11


def test_nobody_reaches_dify_before_it_has_an_admin() -> None:
    """nginx, which alone has a port, is started when there is one."""
    bench = fresh()
    bench.run()
    orders = [order for order in bench.orders if "docker compose" in order]
    (admin,) = (number for number, order in enumerate(orders) if "curl" in order)
    (nginx,) = (number for number, order in enumerate(orders) if " nginx" in order)
    assert admin < nginx


@pytest.mark.parametrize("desired", COMBINATIONS, ids=lambda desired: "-".join(map(str, desired.values())))
def test_nginx_waits_for_all_that_it_must_not_be_there_before(desired: dict[str, Any]) -> None:
    """In the installer's own list, whatever is wished for: without the first admin, whoever comes first owns Dify."""
    domain = {"domain": "dify.example.com", "email": "ops@your-company.com"} if desired["https"] else {}
    chosen = {name: value for name, value in desired.items() if name != "https"}
    settings = SETTINGS.replace(**chosen, **domain)
    for admin in (EMAIL, None):
        settings = settings.replace(admin_email=admin)
        before = needed(steps_of(settings, https=desired["https"]))
        assert {"dify", "migration", "data services"} <= before["nginx"]
        assert ("first admin" in before["nginx"]) == bool(admin)


def test_no_secret_is_in_a_command() -> None:
    """They go in by stdin, so no list of processes shows them."""
    bench = fresh()
    bench.run()
    kept = [*SECRETS.values, PASSWORD]
    assert not [order for order in bench.orders for secret in kept if secret.reveal() in order]


# What somebody did by hand --------------------------------------------------------------------------------------------


def _stopped(bench: Bench) -> None:
    bench.container("worker").state = "exited"


def _paused(bench: Bench) -> None:
    bench.container("worker").state = "paused"


def _deleted(bench: Bench) -> None:
    del bench.machine.engine.containers[named("worker")]


def _changed(bench: Bench) -> None:
    bench.machine.engine.containers[named("worker")] = replace(bench.container("worker"), configuration="another")


@pytest.mark.parametrize("drift", [_stopped, _paused, _deleted, _changed])
def test_what_was_done_to_a_container_by_hand_is_undone(installed: Bench, drift: Callable[[Bench], None]) -> None:
    """And no other container is touched."""
    before = {name: found.started for name, found in installed.machine.engine.containers.items()}
    drift(installed)
    report = installed.run()
    assert report.named("done") == ("dify",)
    after = {name: found.started for name, found in installed.machine.engine.containers.items()}
    assert {name for name in before if before[name] != after[name]} <= {named("worker")}
    assert not installed.run()


def test_a_mounted_file_makes_anew_who_reads_it_and_nobody_else(installed: Bench) -> None:
    """nginx.conf is nginx's, whatever was changed in it."""
    place = f"{HOME}/nginx/nginx.conf"
    desired = [replace(step, data="another") if step.name == f"file {place}" else step for step in steps()]  # type: ignore[type-var]
    # As it is when a new dify_aws has another template: the label in compose.yaml goes with the file.
    text = installed.machine.files.text(f"{HOME}/compose.yaml")
    label = installed.container("nginx").configuration
    another = text.replace("labels: {dify-aws.configuration: ", "labels: {dify-aws.configuration: f", 1)
    desired = [replace(step, data=another) if step.name == f"file {HOME}/compose.yaml" else step for step in desired]  # type: ignore[type-var]
    report = installed.run(desired)
    assert report.named("done") == (f"file {HOME}/compose.yaml", f"file {place}", "nginx")
    assert installed.container("nginx").configuration != label


def test_what_read_a_file_that_was_changed_by_hand_reads_it_again(installed: Bench) -> None:
    """Somebody changed nginx.conf, and reloaded nginx: to put the file back is not enough."""
    place, clock = f"{HOME}/nginx/nginx.conf", installed.machine.clock
    installed.machine.files.put(place, Entry("file", b"mine", 0o644, changed=clock.now()))
    clock.sleep(60)
    before = installed.container("nginx").started
    assert installed.run().named("done") == (f"file {place}", "nginx")
    assert installed.container("nginx").started > before
    assert not installed.run()


def test_env_makes_anew_those_containers_that_have_the_variable(installed: Bench) -> None:
    """LOG_TZ is the four's that run dify-api; PostgreSQL, Redis and nginx stay as they are."""
    desired = steps(replace(SETTINGS, env={"LOG_TZ": "Asia/Tokyo"}))
    assert installed.run(desired).named("done") == (f"file {HOME}/.env", "dify")
    assert installed.container("api").environment["LOG_TZ"] == "Asia/Tokyo"


def test_containers_that_are_not_desired_are_removed(installed: Bench) -> None:
    """At the end, when all that is wished for runs."""
    stray = replace(installed.container("web"), service="weaviate")
    installed.machine.engine.containers[named("weaviate")] = stray
    assert installed.run().named("done") == ("nginx",)
    assert named("weaviate") not in installed.machine.engine.containers


def test_files_of_a_restored_backup_are_given_to_dify(installed: Bench) -> None:
    """Whoever has put them there."""
    installed.machine.files.put("/data/dify/storage/privkeys", Entry("directory", owner="0:0"))
    assert installed.run().named("done") == ("directory /data/dify/storage",)
    entry = installed.machine.files.get("/data/dify/storage/privkeys")
    assert entry
    assert entry.owner == "1001:1001"


# A new release --------------------------------------------------------------------------------------------------------

NEWER = replace(SETTINGS, images={"api": "registry.example.com/dify-api:1.18.0"})


def test_a_new_release_is_pulled_then_stopped_then_migrated_then_started(installed: Bench) -> None:
    """What runs is stopped when its images are there, and before its tables move."""
    did = [order for order in installed.since(steps(NEWER)) if not order.startswith(("write", "set"))]
    result = [order.split()[0] if order.split()[0] != "docker" else order.split()[1] for order in did]
    assert result == ["pull", "wait", "stop", "run", "up"]
    assert installed.machine.files.text(MARKER) == "registry.example.com/dify-api:1.18.0\n"
    assert not installed.run(steps(NEWER))


def test_there_is_no_way_back_to_an_older_release(installed: Bench) -> None:
    """Dify has none, so nothing is stopped, and the way out is told."""
    installed.run(steps(NEWER))
    with pytest.raises(InstallFailed, match="restore a backup that was made with the older one"):
        installed.run()
    assert installed.container("api").state == "running"


def test_a_migration_that_was_skipped_is_not_taken_for_one() -> None:
    """Dify skips while another one, or one that was killed, holds its lock, and calls that a success."""
    bench = fresh()
    bench.machine.dify.migration_skips = 2
    bench.run()
    assert len([order for order in bench.orders if " run " in order]) == 3
    assert database(bench.machine)["release"] == "langgenius/dify-api:1.17.1"


# Bad luck -------------------------------------------------------------------------------------------------------------


def _ails(service: str, how: str) -> Callable[[Machine], None]:
    return lambda machine: machine.engine.ails.update({service: how})


def _absent(machine: Machine) -> None:
    machine.engine.absent.add("langgenius/dify-web:1.17.1")


def _registry_down(machine: Machine) -> None:
    machine.engine.refusals = 1000


def _disk_full(machine: Machine) -> None:
    machine.engine.full = True


def _port_taken(machine: Machine) -> None:
    machine.system.listening[80] = "apache2"


def _engine_stopped(machine: Machine) -> None:
    machine.units.records["docker.service"] = UnitRecord("failed", "enabled")


def _migration_fails(machine: Machine) -> None:
    machine.dify.migration_fails = "alembic: Can't locate revision identified by 'f00'"


def _migration_locked(machine: Machine) -> None:
    machine.dify.migration_skips = 1000


LUCK: dict[str, tuple[Callable[[Machine], None], tuple[str, ...]]] = {
    "an image that does not exist": (
        _absent,
        ("langgenius/dify-web:1.17.1: there is no such image", "manifest unknown", "typing mistake in the version"),
    ),
    "a registry that is down": (
        _registry_down,
        ("the registry does not answer", "connection refused", "route table, NAT gateway, security group"),
    ),
    "a disk that is full": (_disk_full, ("the disk is full", "no space left on device", "data_volume_gib")),
    "an engine that does not run": (_engine_stopped, ("the Docker engine does not answer", "journalctl -u docker")),
    "a port that is taken": (
        _port_taken,
        (
            "somebody else listens on a port that nginx needs",
            "On port 80 there is:\n",
            '"apache2"',
            "Stop that program",
        ),
    ),
    "a container that keeps ending": (
        _ails("worker", "ends"),
        ("worker keeps ending (6 times so far); the last time with exit status 1", "worker: ends", "Mend that"),
    ),
    "a container that needs too much memory": (
        _ails("plugin_daemon", "out of memory"),
        ("plugin_daemon was ended because it used more than its 1024 MiB of memory", "8 GiB"),
    ),
    "a container that is not healthy": (
        _ails("api", "unhealthy"),
        ("api runs, and its healthcheck fails", "the last lines of its log", "api: unhealthy"),
    ),
    "a database that does not come up": (
        _ails("db_postgres", "ends"),
        ("db_postgres keeps ending", "db_postgres: ends"),
    ),
    "a migration that fails": (
        _migration_fails,
        ("the database could not be migrated (exit status 1)", "Can't locate revision", "Dify stays stopped"),
    ),
    "a migration that somebody else holds the lock of": (
        _migration_locked,
        ("another migration of the same database is running", "Database migration skipped"),
    ),
}


SOON_SECONDS = 150
"""A registry is asked again for a minute, and Dify's lock waited for until it must be over; nothing takes longer."""


@pytest.mark.parametrize("luck", LUCK, ids=str)
def test_a_failure_is_reported_with_a_remedy_and_nothing_is_lost(luck: str) -> None:
    """One error, with what the host said; and when it is over, the next run finishes."""
    happens, parts = LUCK[luck]
    bench = fresh()
    well = copied(bench.machine)
    happens(bench.machine)
    with pytest.raises(InstallFailed) as caught:
        # One at a time: the model's clock adds up what several wait at once.
        bench.run(workers=1)
    assert bench.machine.clock.now() < SOON_SECONDS
    for part in parts:
        assert part in str(caught.value)
    assert not any(secret.reveal() in str(caught.value) for secret in SECRETS.values)
    for area in ("engine", "dify", "system", "units"):
        for name, value in vars(getattr(well, area)).items():
            if name not in ("images", "containers"):
                setattr(getattr(bench.machine, area), name, value)
    bench.run()
    assert not bench.run()
    bench.probe()


def test_a_container_that_ends_some_seconds_after_its_start_is_not_taken_for_up(installed: Bench) -> None:
    """The worker has no healthcheck: the engine calls it running as soon as it was begun."""
    installed.container("worker").state = "exited"
    installed.machine.engine.ails["worker"] = "ends later"
    with pytest.raises(InstallFailed, match="worker keeps ending"):
        installed.run()


def test_a_container_that_ends_when_nobody_waits_for_it_any_more_fails_its_probe(installed: Bench) -> None:
    """worker_beat answers nobody: that it runs, and has run for some seconds, is all that can be seen of it."""
    installed.machine.engine.ails["worker_beat"] = "ends later"
    with pytest.raises(InstallFailed) as caught:
        installed.probe()
    assert caught.value.failures.keys() == {"probe worker_beat stays up"}
    assert "the last lines of its log:\n    worker_beat: ends later" in str(caught.value)


def test_a_registry_that_is_down_for_a_moment_is_retried() -> None:
    """Three times in vain, with pauses; the fourth counts."""
    bench = fresh()
    bench.machine.engine.refusals = 3
    bench.run()
    assert [order for order in bench.orders if order.startswith("sleep 15")] == ["sleep 15"] * 3


def test_secrets_made_anew_over_old_data_are_reported_by_the_log(installed: Bench) -> None:
    """PostgreSQL knows the password that the role was given; what ends for that says so."""
    desired = steps(secrets=replace(SECRETS, db_password=Secret("something-else")))
    with pytest.raises(InstallFailed, match=r'password authentication failed for user "dify"'):
        installed.run(without(desired, "database roles"))


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"password": Secret("letters-only")}, "HTTP status 201, 400.*Password must contain"),
        ({"secrets": replace(SECRETS, init_password=Secret("made-since"))}, "HTTP status 201, 201|HTTP status 401"),
    ],
)
def test_an_admin_that_dify_refuses_is_reported_and_nginx_stays_down(wrong: dict[str, Any], text: str) -> None:
    """With what Dify says of it. The secrets are not in it."""
    bench = fresh()
    bench.run(without(steps(), "first admin", "nginx"))
    desired = steps(**wrong)
    if "secrets" in wrong:  # the running containers have the old one
        desired = [step for step in desired if not step.name.startswith(("file ", "dify"))]
    with pytest.raises(InstallFailed, match=f"(?s)has not made {EMAIL} its first admin.*(?:{text})") as caught:
        bench.run(desired)
    assert named("nginx") not in bench.machine.engine.containers
    kept = wrong.get("password") or wrong["secrets"].init_password
    assert kept.reveal() not in str(caught.value)


def test_somebody_who_was_faster_is_left_admin() -> None:
    """Whoever has set it up is its admin, and that is no error."""
    bench = fresh()
    bench.run(without(steps(), "first admin", "nginx"))
    data = json.dumps({**database(bench.machine), "admin": "somebody@example.com"}).encode()
    bench.machine.files.put("/data/dify/postgres/pgdata", Entry("file", data))
    assert bench.run().named("done") == ("nginx",)
    assert database(bench.machine)["admin"] == "somebody@example.com"


def test_somebody_who_is_faster_in_that_very_moment_is_left_admin() -> None:
    """Between our look and our request: Dify refuses that, and the next look says that all is well."""
    bench = fresh()
    bench.run(without(steps(), "first admin", "nginx"))

    def faster(order: str) -> None:
        if "curl" in order:
            data = json.dumps({**database(bench.machine), "admin": "somebody@example.com"}).encode()
            bench.machine.files.put("/data/dify/postgres/pgdata", Entry("file", data))

    converge_host(ModelHost(bench.machine, before=faster), _among(steps()))
    assert database(bench.machine)["admin"] == "somebody@example.com"
    assert not bench.run()


# The smoke test -------------------------------------------------------------------------------------------------------


def test_every_probe_that_fails_is_reported_with_the_log_of_the_container(installed: Bench) -> None:
    """One that fails keeps none of the others from being told."""
    installed.machine.engine.ails.update({"sandbox": "ends", "worker": "ends"})
    with pytest.raises(InstallFailed) as caught:
        installed.probe()
    assert caught.value.failures.keys() == {
        "probe worker takes tasks",
        "probe worker stays up",
        "probe sandbox runs code",
    }
    assert "the last lines of its log:\n    sandbox: ends" in str(caught.value)


def test_a_setup_that_nobody_has_done_is_closed_only_if_somebody_should_have() -> None:
    """With an admin in the settings it must be done; without, the initial password guards it."""
    bench = fresh()
    bench.run(steps(replace(SETTINGS, admin_email=None)))
    bench.probe(replace(SETTINGS, admin_email=None))
    with pytest.raises(HostError, match="setup is closed"):
        bench.probe()


@pytest.mark.parametrize("store", ["pgvector", "weaviate", "qdrant"])
@pytest.mark.parametrize("url", ["http://203.0.113.7", "https://dify.example.com"])
def test_probes_hold_no_secret_and_go_to_this_machine(store: str, url: str) -> None:
    """The containers know their keys; DNS and the way over the internet have no part in it."""
    probes = smoke(replace(SETTINGS, vector_store=store), url)
    assert len({probe.name for probe in probes}) == len(probes) == 11
    scripts = [fact.script for probe in probes for fact in probe.facts()]
    assert not any(secret.reveal() in script for secret in SECRETS.values for script in scripts)
    through = [script for script in scripts if url in script]
    assert len(through) == 3
    assert all("--connect-to" in script and ":127.0.0.1:" in script for script in through)
