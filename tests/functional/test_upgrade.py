"""Every release that is known is deployed, and one release after another: forwards only, and nothing unseen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Final, Literal

import pytest

from dify_aws import Deployment, PlanRefused, Settings
from dify_aws.dify.drafts.record_text import record_text
from dify_aws.dify.known_releases import INSTALLABLE
from dify_aws.dify.records import known
from dify_aws.dify.release import Job
from dify_aws.offline.machine.dify import database
from dify_aws.offline.world import World

OLDEST, BEFORE, NEWEST = INSTALLABLE
SETTINGS: Final = Settings(environment="dev")


def deployment(world: World, version: str, **overrides: Any) -> Deployment:
    return Deployment(SETTINGS.replace(dify_version=version, **overrides), session=world.session)


def release_of_tables(world: World) -> str:
    (machine,) = world.connectivity.machines.values()
    release: str = database(machine)["release"]
    return release


@pytest.mark.parametrize("version", INSTALLABLE)
def test_each_release_is_deployed_and_a_second_deploy_writes_nothing(world: World, version: str) -> None:
    deployment(world, version).deploy()
    assert release_of_tables(world) == f"langgenius/dify-api:{version}"
    assert not deployment(world, version).plan()
    report = deployment(world, version).install()
    assert not report
    assert release_of_tables(world) == f"langgenius/dify-api:{version}"


def test_a_newer_release_is_shown_and_migrates_once(world: World) -> None:
    deployment(world, BEFORE).deploy()
    plan = deployment(world, NEWEST).plan()
    assert f"release: {BEFORE} → {NEWEST}" in str(plan)
    assert f"Dify {BEFORE} → {NEWEST}: The migration drops agent_runtime_sessions" in str(plan)
    assert "There is no way back behind this without a backup." in str(plan)
    assert "CELERY_QUEUES" not in str(plan), "a gate before the release that is installed is not crossed"
    assert "Weaviate" not in str(plan), "a gate of a service that does not run is not crossed"
    deployment(world, NEWEST).deploy()
    assert release_of_tables(world) == f"langgenius/dify-api:{NEWEST}"
    assert not deployment(world, NEWEST).plan()
    assert not deployment(world, NEWEST).install()


def test_the_jobs_of_a_newer_release_are_shown_and_run(world: World, tmp_path: Path) -> None:
    """By the record alone."""
    moments: tuple[Literal["before", "after"], ...] = ("before", "after")
    jobs = tuple(
        Job(name=when, command=(when,), when=when, crossing_to=NEWEST, reason="Its record asks for it.")
        for when in moments
    )
    record = tmp_path / "newer.toml"
    record.write_text(record_text(replace(known(NEWEST), jobs=jobs)))
    deployment(world, BEFORE).deploy()
    upgrade = deployment(world, NEWEST, release=str(record))
    assert "jobs before the migration, migration, dify, jobs after the migration" in str(upgrade.plan())
    upgrade.deploy()
    (machine,) = world.connectivity.machines.values()
    assert machine.dify.jobs == [("before", 0), ("after", 0)]
    assert not upgrade.plan()


def test_over_two_releases_every_gate_is_shown(world: World) -> None:
    deployment(world, OLDEST).deploy()
    notes = "\n".join(deployment(world, NEWEST).plan().notes)
    assert "CELERY_QUEUES" in notes
    assert "agent_runtime_sessions" in notes
    assert "Squid" not in notes


def test_an_older_release_is_refused_by_plan_deploy_and_install_and_nothing_is_changed(world: World) -> None:
    deployment(world, NEWEST).deploy()
    world.forget_calls()
    # The port would be opened, and a resource changed, if it were noticed on the machine only.
    older = deployment(world, BEFORE, cpu_credits="standard")
    for refuse in (older.plan, older.deploy, older.install):
        with pytest.raises(PlanRefused, match=f"Dify {NEWEST} is installed, and {BEFORE} is older: its databases only"):
            refuse()
    changed = {str(call) for call in world.writes if str(call).startswith("ec2.")}
    assert changed == set()
    assert not deployment(world, NEWEST).plan()


def test_a_gate_that_has_to_be_crossed_step_by_step_stops_the_upgrade(world: World) -> None:
    """Until somebody takes the steps, with an image of his own for that service."""
    own = {"images": {"weaviate": "semitechnologies/weaviate:1.28.16"}}
    deployment(world, BEFORE, vector_store="weaviate").deploy()
    upgrade = deployment(world, NEWEST, vector_store="weaviate")
    for refuse in (upgrade.plan, upgrade.deploy, upgrade.install):
        with pytest.raises(PlanRefused, match=r"must not skip a minor version.*images = \{weaviate"):
            refuse()
    assert "must not skip" not in str(deployment(world, NEWEST, vector_store="weaviate", **own).plan())


def test_a_tag_that_somebody_wrote_is_no_release(world: World) -> None:
    """Then nothing is known of what was there before, and the marker on the machine decides."""
    deployment(world, NEWEST).deploy()
    ec2: Any = world.session.client("ec2")
    (machine,) = ec2.describe_instances()["Reservations"][0]["Instances"]
    ec2.create_tags(Resources=[machine["InstanceId"]], Tags=[{"Key": "dify-aws:dify", "Value": "newest.of.all"}])
    assert "newest.of.all" in str(deployment(world, BEFORE).plan())
    with pytest.raises(Exception, match="Dify knows no way back"):
        deployment(world, BEFORE).deploy()
