"""The whole installation on a real machine: once, again, after changes, and after what breaks."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from dify_aws import Deployment, Settings, offline
from dify_aws.install.dify_secrets import DifySecrets
from dify_aws.install.report import Outcome, Report
from dify_aws.offline.world import World
from dify_aws.operations import dify_secrets
from tests.e2e.bed.bed import Bed
from tests.e2e.reach import BedDeployment

SETTINGS = Settings(environment="dev", admin_email="admin@example.com", storage="local")
CONTAINERS = "docker ps --all --filter label=com.docker.compose.project=dify --format '{{.Names}} {{.ID}}' | sort"
STARTED = "docker inspect --format '{{.Name}} {{.State.StartedAt}}' $(docker ps --quiet) | sort"
UNITS = "docker amazon-cloudwatch-agent dify-metrics.timer systemd-journald ssh"
RESTARTED = f"systemctl show --property ActiveEnterTimestamp {UNITS}"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with offline() as world:
        yield world


@pytest.fixture(scope="module")
def dify(world: World, bed: Bed) -> BedDeployment:
    return BedDeployment(world, bed, SETTINGS)


@pytest.fixture(scope="module")
def first(dify: BedDeployment) -> Report:
    """The report of the first installation; every test builds on it."""
    return dify.install(probe=True)


@pytest.fixture(scope="module")
def secrets(dify: BedDeployment, first: Report) -> DifySecrets:
    return dify_secrets.read(dify.deployment.aws, dify.outputs.secrets["application"])


def test_it_answers(bed: Bed, first: Report) -> None:
    """From outside, through nginx: the API, the login page, and nobody can become the first admin any more."""
    assert first
    assert not first.named("failed", "not tried")
    assert json.loads(bed.get("/console/api/ping")[1]) == {"result": "pong"}
    assert json.loads(bed.get("/console/api/setup")[1])["step"] == "finished"
    assert bed.get("/signin")[0] == 200


def test_the_model_machine_does_the_same(world: World, first: Report) -> None:
    """Step by step: on the machine of the offline world the same is found amiss and done, and in the end it is so."""
    rehearsal = Deployment(SETTINGS.replace(environment="rehearsal"), session=world.session)
    rehearsal.apply()
    model = rehearsal.install()
    assert {outcome.step: told(outcome) for outcome in model} == {outcome.step: told(outcome) for outcome in first}


def told(outcome: Outcome) -> tuple[str, tuple[str, ...]]:
    """What came of a step, and what of it was not as wished."""
    return outcome.state, tuple(change.attribute for change in outcome.changes)


def test_again_nothing_is_changed(bed: Bed, dify: BedDeployment, first: Report) -> None:
    """Nothing is done, nothing restarted, and it takes few round trips."""
    before = bed.inside(STARTED), bed.inside(RESTARTED)
    again = dify.install()
    assert not again
    assert {outcome.state for outcome in again} == {"already so"}
    assert again.round_trips <= 3
    assert (bed.inside(STARTED), bed.inside(RESTARTED)) == before


def test_a_dry_run_changes_nothing(bed: Bed, dify: BedDeployment, first: Report) -> None:
    """It tells what would be changed, as a diff in which no secret shows, and leaves every file alone."""
    sums = "find /opt/dify /etc/docker /etc/systemd/system -type f -exec sha256sum {} + | sort"
    before = bed.inside(sums), bed.inside(STARTED)
    report = dify.install(dry_run=True, settings=SETTINGS.replace(env={"UPLOAD_FILE_SIZE_LIMIT": "50"}))
    assert report.named("would change") == ("file /opt/dify/compose.yaml", "file /opt/dify/.env")
    assert "UPLOAD_FILE_SIZE_LIMIT" in str(report)
    assert (bed.inside(sums), bed.inside(STARTED)) == before


def test_only_what_reads_a_changed_setting_restarts(bed: Bed, dify: BedDeployment, first: Report) -> None:
    """A variable of Dify's own makes its containers anew, and no other."""
    before = dict(line.split() for line in bed.inside(CONTAINERS).splitlines())
    dify.install(settings=SETTINGS.replace(env={"UPLOAD_FILE_SIZE_LIMIT": "50"}))
    after = dict(line.split() for line in bed.inside(CONTAINERS).splitlines())
    anew = {name.removeprefix("dify-").removesuffix("-1") for name in after if after[name] != before.get(name)}
    assert anew == {"api", "worker", "worker_beat"}
    assert bed.get("/console/api/ping")[0] == 200  # nginx looks the name up again
    assert dify.install()  # and back
    assert not dify.install()


def test_what_was_changed_by_hand_is_put_back(bed: Bed, dify: BedDeployment, first: Report) -> None:
    """A file, its mode, a stopped container, a unit that is off."""
    bed.inside(
        "echo '# mine' >>/opt/dify/nginx/nginx.conf; chmod 644 /opt/dify/.env; docker stop dify-web-1;"
        "systemctl disable --now dify-metrics.timer"
    )
    report = dify.install()
    assert set(report.named("done")) >= {
        "file /opt/dify/nginx/nginx.conf",
        "file /opt/dify/.env",
        "service dify-metrics.timer",
    }
    assert bed.inside("stat -c %a /opt/dify/.env").strip() == "600"
    assert bed.get("/signin")[0] == 200
    assert not dify.install()


def test_after_a_reboot_it_answers_by_itself(bed: Bed, dify: BedDeployment, first: Report) -> None:
    """Everything comes up again, and the installer finds nothing to do."""
    bed.reboot()
    dify.install()  # waits until the containers are healthy
    assert bed.get("/console/api/ping")[0] == 200
    assert not dify.install()


def test_no_secret_lies_about(bed: Bed, secrets: DifySecrets) -> None:
    """Not in a log, not in a file that others can read, not in the command line of any process."""
    bed.write("/srv/words", "\n".join(value.reveal() for value in secrets.values) + "\n", 0o600)
    found = bed.inside(
        "journalctl --no-pager | grep -cFf /srv/words || true\n"
        "cat /proc/*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -cFf /srv/words || true\n"
        "grep -lFf /srv/words -r /var/log --exclude-dir=journal || true\n"
        "find / /data -xdev -type f -perm /044 -size -1M -exec grep -lFf /srv/words {} + 2>/dev/null || true\n"
        "rm /srv/words"
    )
    assert found.split() == ["0", "0"]
