"""The jobs of a release on the model machine: each runs once, on a first installation or an upgrade, and is resumed."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from dify_aws.dify.drafts.record_text import record_text
from dify_aws.dify.records import known
from dify_aws.dify.release import Job
from dify_aws.host.errors import InstallFailed
from dify_aws.offline.clock import VirtualClock
from dify_aws.offline.machine.host import ModelHost
from dify_aws.offline.machine.machine import Machine
from dify_aws.runtimes.compose.steps.jobs import MARKER
from dify_aws.settings import Settings
from tests.support.installed import install
from tests.support.model import Killed, fresh

BEFORE, AFTER = "1.16.1", "1.17.1"
JOBS = (
    Job(name="check", command=("check-rows",), when="before", crossing_to="1.17.0", reason="Rows have to be whole."),
    Job(name="rows", command=("data-migrate", "--apply"), when="after", crossing_to="1.17.1", reason="For lookups."),
    Job(name="old", command=("old",), when="after", crossing_to="1.16.1", reason="It was crossed before."),
    Job(name="seed", command=("seed",), when="after", crossing_to="1.17.0", reason="For templates.", fresh=True),
)
UPGRADE = [("check-rows", 0), ("data-migrate --apply", 0), ("seed", 0)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a release with jobs."""
    record = tmp_path / "with-jobs.toml"
    record.write_text(record_text(replace(known(AFTER), jobs=JOBS)))
    return Settings(environment="dev", release=str(record), dify_version=AFTER)


@cache
def _older() -> dict[str, Any]:
    machine = fresh()
    install(ModelHost(machine), Settings(environment="dev", dify_version=BEFORE))
    return {name: value for name, value in vars(machine).items() if name != "clock"}


def older() -> Machine:
    """A machine with the release before."""
    clock = VirtualClock()
    clock.advance(6000)
    return Machine(**copy.deepcopy(_older()), clock=clock)


def marker(machine: Machine) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(machine.files.text(MARKER.path))
    return values


def test_a_first_installation_runs_the_jobs_for_it_and_records_the_release(settings: Settings) -> None:
    machine = fresh()
    install(ModelHost(machine), settings)
    assert machine.dify.jobs == [("seed", 0)]
    assert marker(machine) == {"release": AFTER, "done": ["seed-1.17.0"]}
    assert not install(ModelHost(machine), settings)


def test_an_upgrade_runs_what_it_crosses_once_around_the_migration(settings: Settings) -> None:
    """A job that an older release asked for is not among them, and the second run does nothing."""
    machine, orders = older(), list[str]()
    report = install(ModelHost(machine, before=orders.append), settings)
    assert machine.dify.jobs == UPGRADE
    started = [order.split("--name ")[1].split()[0] for order in orders if " run " in order]
    assert started == ["dify-job-check-1.17.0", "dify-migration", "dify-job-rows-1.17.1", "dify-job-seed-1.17.0"]
    stopped = next(order for order in orders if " stop " in order or " run " in order)
    assert " stop api worker worker_beat" in stopped, "the older release runs while a job changes its tables"
    assert "jobs after the migration" in report.named("done")
    assert not install(ModelHost(machine), settings)
    assert machine.dify.jobs == UPGRADE
    assert not [name for name in machine.engine.containers if name.startswith("dify-job")]


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_every_command_of_a_job_each_runs_once(when: str, settings: Settings) -> None:
    """The next run takes the result of the container that it finds."""
    machine, killed = older(), set[str]()

    def kill(script: str) -> None:
        if script not in killed and ("dify-job" in script or MARKER.path in script or "migration" in script):
            killed.add(script)
            raise Killed(script)

    for _ in range(60):
        host = ModelHost(machine, before=kill) if when == "before" else ModelHost(machine, after=kill)
        try:
            install(host, settings)
            break
        except Killed:
            continue
    else:
        pytest.fail("it never came to an end")
    assert len(killed) > 8, killed
    assert machine.dify.jobs == UPGRADE
    assert not install(ModelHost(machine), settings)


def test_a_job_that_fails_is_reported_with_its_last_lines_and_run_again(settings: Settings) -> None:
    """Those that are done are not; Dify runs meanwhile, and the release counts as not finished."""
    machine = older()
    machine.dify.job_fails["dify-job-seed-1.17.0"] = "KeyError: tenant"
    with pytest.raises(InstallFailed) as caught:
        install(ModelHost(machine), settings)
    for part in ("the job seed (flask seed) ended with exit status 1", "KeyError: tenant", "For templates."):
        assert part in str(caught.value)
    assert marker(machine) == {"release": BEFORE, "done": ["check-1.17.0", "rows-1.17.1"]}
    assert "nginx" in caught.value.report.named("done", "already so")
    machine.dify.job_fails.clear()
    install(ModelHost(machine), settings)
    assert machine.dify.jobs == [*UPGRADE[:2], ("seed", 1), ("seed", 0)]
    assert marker(machine)["release"] == AFTER


def test_a_failed_job_before_the_migration_keeps_the_tables_as_they_are(settings: Settings) -> None:
    machine = older()
    machine.dify.job_fails["dify-job-check-1.17.0"] = "row 7 is broken"
    with pytest.raises(InstallFailed, match="row 7 is broken") as caught:
        install(ModelHost(machine), settings)
    assert "migration" in caught.value.report.named("not tried")


def test_a_container_that_was_made_and_never_started_is_not_taken_for_a_job_that_is_done(settings: Settings) -> None:
    """Docker reports exit status 0 of it."""
    machine = older()
    made = replace(machine.engine.containers["dify-api-1"], state="created", one_off=True, exit_code=0)
    machine.engine.containers["dify-job-rows-1.17.1"] = made
    install(ModelHost(machine), settings)
    assert machine.dify.jobs == UPGRADE
