"""A run that was cut at any command is finished by the next: the whole installation, on the model machine."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dify_aws.host.errors import ConnectionLost
from dify_aws.offline.machine.host import ModelHost
from dify_aws.offline.machine.machine import Machine
from dify_aws.settings import Settings
from tests.support.installed import install
from tests.support.model import VOLUME, Killed, fresh

FULL = {"profile": "full", "vector_store": "qdrant", "admin_email": "admin@example.com", "storage": "local"}
DOMAIN = {"domain": "dify.example.com", "email": "ops@your-company.com"}


def large() -> Machine:
    """A machine for the larger profile."""
    machine = fresh()
    machine.memory_mib = 7900
    return machine


@pytest.mark.parametrize("overrides", [{}, {**FULL, **DOMAIN}], ids=["defaults", "all of it"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_every_command(when: str, overrides: dict[str, Any]) -> None:
    """The process dies at a command that none has died at, and the next goes on, until one comes to the end."""
    settings, machine = Settings(environment="dev", **overrides), large()
    killed: set[str] = set()

    def kill(script: str) -> None:
        if script not in killed:
            killed.add(script)
            raise Killed(script)

    for _ in range(400):
        host = ModelHost(machine, before=kill) if when == "before" else ModelHost(machine, after=kill)
        try:
            report = install(host, settings)
            break
        except Killed:
            continue
    else:
        pytest.fail("it never came to an end")
    assert len(killed) > 60, killed
    assert not report.named("failed", "not tried")
    assert not install(ModelHost(machine), settings)


def test_the_connection_is_lost_again_and_again() -> None:
    """One run comes to its end all the same: each step is gone on with, and nobody has to call again."""
    settings, machine = Settings(environment="dev", admin_email="admin@example.com"), fresh()
    given: set[str] = set()

    def loses(script: str) -> None:
        new = script not in given
        given.add(script)
        # Not each of them: a step that loses one command after the other gives up.
        if new and len(given) % 4 == 0:
            raise ConnectionLost("ubuntu@model", script)

    report = install(ModelHost(machine, after=loses), settings)
    assert len(given) > 60
    assert not report.named("failed", "not tried")
    assert not install(ModelHost(machine), settings)


def test_as_many_settings_as_can_be_differ_from_the_default() -> None:
    """Settings that change something on a machine that runs: done, and then nothing is left to do."""
    settings, machine = Settings(environment="dev"), large()
    install(ModelHost(machine), settings)
    for changed in (
        settings.replace(env={"UPLOAD_FILE_SIZE_LIMIT": "50"}),
        settings.replace(profile="full"),
        settings.replace(vector_store="weaviate"),
        settings.replace(**DOMAIN),
        settings,
    ):
        assert install(ModelHost(machine), changed), changed
        assert not install(ModelHost(machine), changed), changed


def test_a_volume_that_grew() -> None:
    """The file system follows, and nothing else is touched."""
    settings, machine = Settings(environment="dev"), fresh()
    install(ModelHost(machine), settings)
    disk = machine.disks.attached[VOLUME]
    machine.disks.attached[VOLUME] = replace(disk, size=80 << 30)
    assert install(ModelHost(machine), settings).named("done") == ("data disk /data",)
