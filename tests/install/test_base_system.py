"""The ground of Dify on the model machine: done once, already so after that, and finished after a death."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dify_aws.dify.drafts.record_text import record_text
from dify_aws.dify.records import known
from dify_aws.errors import SettingsError
from dify_aws.host.converge import converge_host
from dify_aws.host.errors import CommandFailed, InstallFailed, StepRefused
from dify_aws.host.host import Host
from dify_aws.host.packages.publishers import Publishers
from dify_aws.host.report import Report
from dify_aws.host.script import script
from dify_aws.host.step import Step
from dify_aws.host.steps.apt_repository import AptRepository
from dify_aws.host.steps.data_disk import MOUNT, DataDisk
from dify_aws.host.steps.packages import Packages
from dify_aws.host.steps.service import Service
from dify_aws.host.steps.swap import Swap
from dify_aws.offline.machine.files import Entry
from dify_aws.offline.machine.host import ModelHost
from dify_aws.offline.machine.machine import Machine
from dify_aws.runtimes.compose.base_system import DOCKER, base_system, docker_engine
from dify_aws.runtimes.compose.paths import DAEMON
from dify_aws.settings import Settings
from tests.support.model import VOLUME, deaths, fresh

DOCKERS_KEY = "https://download.docker.com/linux/ubuntu/gpg"


def steps(*, daemon: str = '{"data-root": "/data/docker"}\n', **settings: Any) -> tuple[Step, ...]:
    return steps_of(Settings(environment="dev", **settings), daemon)


def steps_of(settings: Settings, daemon: str) -> tuple[Step, ...]:
    docker = docker_engine(settings, daemon=daemon, publishers=Publishers())
    return (*base_system(settings, volume_id=VOLUME), *docker)


def converged(host: Host, steps: Sequence[Step]) -> Report:
    """One step at a time, so that the commands come in the same order in every run."""
    return converge_host(host, steps, workers=1)


def alone(step: Step, machine: Machine) -> None:
    """Check and apply one step, with its error as it is."""
    host = ModelHost(machine)
    step.apply(host, step.check(host.ask(step.facts())))


def repository(**changed: Any) -> AptRepository:
    desired = {"label": "docker", "url": DOCKERS_KEY.removesuffix("/gpg"), "key_url": DOCKERS_KEY}
    return AptRepository(**{**desired, "fingerprint": Publishers().docker, **changed})


def test_a_fresh_machine_gets_ground_and_the_second_run_is_one_look() -> None:
    """All is done in one run; then nothing is, in one round trip."""
    machine = fresh()
    report = converge_host(ModelHost(machine), steps())
    assert {"data disk /data", "swap", "sysctl", "repository docker"} <= set(report.named("done"))
    assert machine.disks.mounted == {"/data": VOLUME}
    assert machine.kernel.used == {"/swapfile"}
    assert machine.kernel.parameters["vm.overcommit_memory"] == "1"
    assert machine.units.runs("docker.service")
    assert {"docker-ce", "docker-compose-plugin"} <= machine.packages.installed.keys()
    again = converge_host(ModelHost(machine), steps())
    assert not again
    assert again.round_trips == 1


def test_docker_of_the_distribution_needs_no_other_repository() -> None:
    """docker_source="distribution"."""
    machine = fresh()
    converge_host(ModelHost(machine), steps(docker_source="distribution"))
    assert "docker.io" in machine.packages.installed
    assert not list(machine.files.below("/etc/apt/sources.list.d"))[1:]
    assert not converge_host(ModelHost(machine), steps(docker_source="distribution"))


def test_docker_finds_its_configuration_and_the_disk_when_it_first_starts() -> None:
    """Its package starts it at once: with no daemon.json or no disk, its life would begin on the root disk."""
    machine = fresh()
    order: list[str] = []
    converged(ModelHost(machine, before=order.append), steps())
    installed = next(place for place, message in enumerate(order) if "docker-ce" in message)
    for before in (f"write {DAEMON}", "write /etc/systemd/system/docker.service.d/data.conf"):
        assert order.index(before) < installed
    assert script(MOUNT, "/data") in order[:installed]
    assert not any("restart docker" in message for message in order)


def test_a_run_that_was_killed_anywhere_is_finished_by_the_next() -> None:
    """Before and after each command and each write. The third run has nothing to do."""
    killed = 0
    for where, machine in deaths(lambda host: converged(host, steps())):
        converge_host(ModelHost(machine), steps())
        assert not converge_host(ModelHost(machine), steps()), where
        assert machine.units.runs("docker.service"), where
        killed += 1
    assert killed >= 40


def test_a_new_configuration_restarts_docker_and_nothing_else() -> None:
    """daemon.json of another release, say."""
    machine = fresh()
    converge_host(ModelHost(machine), steps())
    machine.clock.sleep(60)
    order: list[str] = []
    other = steps(daemon='{"data-root": "/data/docker", "debug": true}\n')
    report = converge_host(ModelHost(machine, before=order.append), other)
    assert report.named("done") == (f"file {DAEMON}", DOCKER)
    assert order == [f"write {DAEMON}", "systemctl restart docker.service\nsystemctl is-active docker.service"]


def test_a_first_boot_that_goes_on_is_waited_for() -> None:
    """cloud-init installs packages and users; nothing is begun before it is done."""
    machine = fresh()
    machine.system.booting = True
    order: list[str] = []
    converged(ModelHost(machine, before=order.append), steps())
    assert order[0] == "cloud-init status --wait"


@pytest.mark.parametrize(("astray", "message"), [(400.0, "ahead of"), (-4000.0, "behind")])
def test_a_clock_that_is_wrong_is_reported(astray: float, message: str) -> None:
    """AWS would refuse everything that the machine says, and apt would find every index out of date."""
    machine = fresh()
    machine.system.astray = astray
    with pytest.raises(InstallFailed, match=f"its clock is .* s {message} ours"):
        converge_host(ModelHost(machine), steps())


# Disks ---------------------------------------------------------------------------------------------------------------


def test_a_blank_disk_is_formatted_by_the_uuid_that_follows_from_its_volume() -> None:
    """So the line of fstab is known before, and two volumes never have the same one."""
    machine = fresh()
    step = DataDisk(volume_id=VOLUME)
    alone(step, machine)
    assert machine.disks.attached[VOLUME].uuid == step.uuid != DataDisk(volume_id="vol-0123456789abcdef1").uuid
    assert f"UUID={step.uuid} /data ext4 defaults,nofail" in machine.files.text("/etc/fstab")


def test_a_formatting_that_was_stopped_half_way_is_finished() -> None:
    """What it left has no signature and is not empty: the mark tells that it was ours. It is gone afterwards."""
    machine = fresh()
    mark = f"/var/lib/dify-aws/formatting-{VOLUME}"
    machine.disks.attached[VOLUME].filled = True
    with pytest.raises(StepRefused, match="not empty"):
        alone(DataDisk(volume_id=VOLUME), machine)
    machine.files.make_directories("/var/lib/dify-aws")
    machine.files.put(mark, Entry("file"))
    alone(DataDisk(volume_id=VOLUME), machine)
    assert machine.disks.mounted == {"/data": VOLUME}
    assert machine.files.get(mark) is None


def test_a_disk_that_somebody_fills_between_look_and_format_is_left_alone() -> None:
    """It is looked at again in the same breath."""
    machine = fresh()
    host, step = ModelHost(machine), DataDisk(volume_id=VOLUME)
    changes = step.check(host.ask(step.facts()))
    machine.disks.attached[VOLUME].signatures = ("xfs",)
    with pytest.raises(CommandFailed, match="is not blank: xfs"):
        step.apply(host, changes)
    assert machine.disks.attached[VOLUME].signatures == ("xfs",)


def test_a_volume_that_grew_grows_while_it_is_used() -> None:
    """Its files stay."""
    machine = fresh()
    alone(DataDisk(volume_id=VOLUME), machine)
    machine.files.put("/data/kept", Entry("file", b"kept"))
    machine.disks.attached[VOLUME].size = 20 << 30
    report = converged(ModelHost(machine), [DataDisk(volume_id=VOLUME)])
    assert [str(change) for change in report["data disk /data"].changes] == ["size: 10 GiB → 20 GiB"]
    assert machine.files.text("/data/kept") == "kept"


def test_docker_does_not_start_without_the_data_disk() -> None:
    """The volume is not attached any more after a reboot: Docker fails with the reason, and begins no second life."""
    machine = fresh()
    converge_host(ModelHost(machine), steps())
    machine.disks.mounted.clear()
    machine.units.records["docker.service"].active = "inactive"
    with pytest.raises(CommandFailed, match=r"journal:\nDependency failed .* /data is not mounted"):
        alone(Service(unit="docker.service"), machine)


def test_a_root_disk_with_no_room_for_swap_is_reported() -> None:
    """With what to do."""
    machine = fresh()
    machine.system.free = 1 << 30
    with pytest.raises(CommandFailed, match=r"(?s)No space left on device.*larger root_volume_gib"):
        alone(Swap(), machine)


# Packages ------------------------------------------------------------------------------------------------------------


def test_a_key_with_another_fingerprint_is_not_put_in_place() -> None:
    """Both are named, and the machine is as it was."""
    machine = fresh()
    machine.packages.offered[DOCKERS_KEY] = "F" * 40
    with pytest.raises(StepRefused, match=f"(?s)trusted: {Publishers().docker}.*found: +{'F' * 40}"):
        alone(repository(), machine)
    assert machine.files.get("/etc/apt/keyrings/docker.asc") is None
    assert machine.files.get("/etc/apt/sources.list.d/docker.sources") is None


def test_what_is_no_key_is_not_put_in_place() -> None:
    """A page of a proxy that wants a login, say."""
    machine = fresh()
    machine.packages.offered[DOCKERS_KEY] = "<html>"
    with pytest.raises(StepRefused, match="no key at all"):
        alone(repository(), machine)


def test_a_key_that_cannot_be_fetched_is_reported() -> None:
    """With where to look."""
    machine = fresh()
    with pytest.raises(CommandFailed, match=r"(?s)404.*route table"):
        alone(repository(key_url="https://example.com/gpg"), machine)


def test_a_key_that_somebody_replaced_is_replaced_again() -> None:
    """The one in place has another fingerprint than the one that is trusted."""
    machine = fresh()
    machine.files.put("/etc/apt/keyrings/docker.asc", Entry("file", b"E" * 40))
    alone(repository(), machine)
    assert machine.files.text("/etc/apt/keyrings/docker.asc") == f"{Publishers().docker}\n"


@pytest.mark.parametrize("hidden", [f"hidden:{'E' * 40}\n", "a comment\n"], ids=["second signer", "anything"])
def test_a_key_that_only_apt_reads_is_not_put_in_place(hidden: str) -> None:
    """Neither from a download nor left in a file that is there; what is trusted is what gpg exports of the one key."""
    machine, keyring = fresh(), "/etc/apt/keyrings/docker.asc"
    machine.packages.offered[DOCKERS_KEY] = f"{Publishers().docker}\n{hidden}"
    alone(repository(), machine)
    assert machine.files.text(keyring) == f"{Publishers().docker}\n"
    machine.files.put(keyring, Entry("file", machine.packages.offered[DOCKERS_KEY].encode()))
    host = ModelHost(machine)
    (change,) = repository().check(host.ask(repository().facts()))
    assert "something besides" in str(change)
    alone(repository(), machine)
    assert machine.files.text(keyring) == f"{Publishers().docker}\n"


@pytest.mark.parametrize("others", [f"{'E' * 40}\n{Publishers().docker}\n", f"{Publishers().docker}\n{'E' * 40}\n"])
def test_a_second_key_beside_the_right_one_is_refused(others: str) -> None:
    """Whoever publishes one more key than we know of is to be looked at by a person; and it is taken off a machine."""
    machine, keyring = fresh(), "/etc/apt/keyrings/docker.asc"
    machine.packages.offered[DOCKERS_KEY] = others
    with pytest.raises(StepRefused, match=f"found: .*{'E' * 40}"):
        alone(repository(), machine)
    assert machine.files.get(keyring) is None
    machine.packages.offered.clear()
    machine.files.put(keyring, Entry("file", others.encode()))
    alone(repository(), machine)
    assert machine.files.text(keyring) == f"{Publishers().docker}\n"


def test_another_who_installs_packages_is_waited_for() -> None:
    """Unattended upgrades, at the first boot."""
    machine = fresh()
    machine.packages.lock_owners = ["unattended-upgr"] * 3
    before = machine.clock.now()
    alone(Packages(requirements=("docker.io",)), machine)
    assert "docker.io" in machine.packages.installed
    assert machine.clock.now() - before == pytest.approx(15)


def test_another_who_never_ends_is_named() -> None:
    """After ten minutes, with who it is."""
    machine = fresh()
    machine.packages.lock_owners = ["aptitude"] * 1000
    with pytest.raises(CommandFailed, match=r"(?s)held by process 812 \(aptitude\).*Let it end, or stop it"):
        alone(Packages(requirements=("docker.io",)), machine)
    assert machine.clock.now() == pytest.approx(601)


def test_what_dpkg_was_interrupted_in_is_finished_first() -> None:
    """A reboot in the middle of an installation."""
    machine = fresh()
    machine.packages.interrupted = True
    alone(Packages(requirements=("docker.io",)), machine)
    assert not machine.packages.interrupted


def test_a_package_that_is_too_old_everywhere_is_refused() -> None:
    """Compose of the distribution before its update."""
    machine = fresh()
    machine.packages.repositories[0].packages["docker-compose-v2"] = "2.20.2+ds1-0ubuntu1~22.04.1"
    with pytest.raises(
        StepRefused, match=r'only\n  docker-compose-v2 2\.20\.2.*2\.24 or later\nWith docker_source = "d'
    ):
        alone(Packages(requirements=("docker-compose-v2>=2.24",)), machine)


def needing(tmp_path: Path, **requirements: Any) -> Settings:
    """Settings of a release that asks for more than the known ones."""
    release = known("1.17.1")
    record = tmp_path / "needs.toml"
    record.write_text(record_text(replace(release, requirements=replace(release.requirements, **requirements))))
    return Settings(environment="dev", release=str(record), docker_source="distribution", data_volume_gib=80)


@pytest.mark.parametrize(("version", "compose"), [("1.16.1", "2.24"), ("1.17.1", "2.35")])
def test_docker_and_compose_are_as_new_as_the_record_of_the_release_asks(version: str, compose: str) -> None:
    """An older one on the machine is brought up to date."""
    requested = {
        each for step in steps(dify_version=version) if isinstance(step, Packages) for each in step.requirements
    }
    assert {f"docker-compose-plugin>={compose}", "docker-ce>=25.0"} <= requested
    machine = fresh()
    overrides = steps(dify_version=version, docker_source="distribution")
    converged(ModelHost(machine), overrides)
    machine.packages.installed["docker-compose-v2"] = "2.30.1-0ubuntu1~22.04.1"
    assert bool(converged(ModelHost(machine), overrides)) == (compose == "2.35")


def test_what_a_release_asks_for_and_no_repository_has_is_refused(tmp_path: Path) -> None:
    """With what is there, and what is needed."""
    settings = needing(tmp_path, compose="2.99", docker="28.1")
    overrides = steps_of(settings, "{}\n")
    with pytest.raises(InstallFailed, match=r"docker-compose-v2 2\.37.*; it has to be 2\.99 or later"):
        converged(ModelHost(fresh()), overrides)


def test_a_machine_with_less_memory_than_the_release_asks_for_is_refused(tmp_path: Path) -> None:
    """Before anything is changed on it."""
    settings = needing(tmp_path, memory_mib=8192)
    overrides = steps_of(settings, "{}\n")
    with pytest.raises(InstallFailed, match="this profile needs 7168") as caught:
        converged(ModelHost(fresh()), overrides)
    assert caught.value.report.named("done") == ()


def test_a_data_disk_that_is_too_small_for_the_release_is_refused_before_aws(tmp_path: Path) -> None:
    settings = needing(tmp_path, disk_gib=60)
    with pytest.raises(SettingsError, match=r"is less than Dify 1\.17\.1 needs.*Write 60 or more"):
        settings.replace(data_volume_gib=59)
    assert settings.replace(data_volume_gib=60).data_volume_gib == 60


def test_a_package_that_is_too_old_is_brought_up_to_date() -> None:
    """It is newer in the repository."""
    machine = fresh()
    machine.packages.installed["docker-compose-v2"] = "2.20.2+ds1-0ubuntu1~22.04.1"
    alone(Packages(requirements=("docker-compose-v2>=2.24",)), machine)
    assert machine.packages.installed["docker-compose-v2"].startswith("2.37")


@pytest.mark.parametrize(
    ("content", "advice"),
    [
        ("E: You don't have enough free space in /var/cache/apt/archives/.", "larger root_volume_gib"),
        ("Err:1 http://archive Temporary failure resolving 'archive'", "route to the internet"),
        ("E: Failed to fetch http://archive/InRelease  503  Service Unavailable", "route to the internet"),
        ("E: The repository 'http://archive jammy InRelease' is not signed.", "not signed by the key that is trusted"),
        (" b : Depends: c but it is not installable\nE: Unable to correct problems", "--fix-broken install"),
        ("E: Conflicting values set for option Signed-By regarding source", "another key"),
        ("E: Sub-process /usr/bin/dpkg returned an error code (1)\nsomething new", "something new"),
    ],
    ids=lambda text: text[:30],
)
def test_what_apt_says_comes_with_what_to_do(content: str, advice: str) -> None:
    """Its last lines, and the way out where there is one that is known."""
    machine = fresh()
    machine.packages.broken = content
    with pytest.raises(CommandFailed) as failed:
        alone(Packages(requirements=("docker.io",)), machine)
    assert content.splitlines()[-1] in str(failed.value)
    assert advice in str(failed.value)


def test_nothing_of_yours_is_removed_for_docker() -> None:
    """Docker of the distribution runs there already."""
    machine = fresh()
    machine.packages.installed["docker.io"] = "24.0.7"
    with pytest.raises(InstallFailed, match="nothing of yours is removed unasked"):
        converge_host(ModelHost(machine), steps())
    assert "docker.io" in machine.packages.installed


# Services ------------------------------------------------------------------------------------------------------------


def test_a_service_that_does_not_start_is_reported_with_its_journal() -> None:
    """The last that it wrote."""
    machine = fresh()
    machine.units.failing["ssh.service"] = "Bad configuration option: Prot"
    machine.units.records["ssh.service"].active = "failed"
    with pytest.raises(CommandFailed, match="journal:\nBad configuration option: Prot"):
        alone(Service(unit="ssh.service"), machine)


@pytest.mark.parametrize(
    ("step", "desired"),
    [
        (Service, {"unit": "docker"}),
        (Service, {"unit": "a.service; reboot"}),
        (DataDisk, {"volume_id": "nvme1n1"}),
        (DataDisk, {"volume_id": VOLUME, "path": "/my data"}),
        (Packages, {"requirements": ["-y"]}),
        (Packages, {"requirements": ["curl>=new"]}),
        (Swap, {"mib": 0}),
        (repository, {"fingerprint": "8D81803C0EBFCD88"}),
        (repository, {"key_url": "http://download.docker.com/gpg"}),
        (repository, {"label": "../x"}),
    ],
)
def test_a_desired_state_that_no_machine_can_have_is_refused_at_once(step: Any, desired: dict[str, Any]) -> None:
    """When it is said, not when the machine is half done."""
    with pytest.raises(ValueError, match=r".+"):
        step(**desired)
