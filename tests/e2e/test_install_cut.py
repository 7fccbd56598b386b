"""An installation over a connection that breaks again and again, with no registry, and with a container that dies."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from dify_aws import Settings, offline
from dify_aws.host.errors import HostError, InstallFailed
from tests.e2e.bed.bed import Bed
from tests.e2e.connectivity import BedDeployment

SETTINGS = Settings(environment="dev", storage="local")
EVERY_SECONDS = 2.5
RUNS = 30


@pytest.fixture(scope="module")
def dify(bed: Bed) -> Iterator[BedDeployment]:
    with offline() as world:
        yield BedDeployment(world, bed, SETTINGS)


@contextmanager
def cut_again_and_again(bed: Bed) -> Iterator[None]:
    """Every connection to the machine is reset every few seconds, as long as this lasts."""
    over = threading.Event()

    def cut() -> None:
        while not over.wait(EVERY_SECONDS):
            bed.cut()

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture(scope="module")
def without_registry(bed: Bed, dify: BedDeployment) -> InstallFailed:
    """What the first run came to: there was no registry."""
    with bed.fault(r"registry-1\.docker\.io", 503), pytest.raises(InstallFailed) as failed:
        dify.install()
    return failed.value


@pytest.fixture(scope="module")
def runs(bed: Bed, dify: BedDeployment, without_registry: InstallFailed) -> int:
    """How many runs it took after that, each of them cut again and again."""
    with cut_again_and_again(bed):
        for run in range(1, RUNS):
            try:
                dify.install()
            except HostError:
                continue
            return run
    pytest.fail("it never came to its end")


def test_a_registry_that_is_down(without_registry: InstallFailed) -> None:
    """It is told with what to do, and nothing that came before is lost."""
    assert "registry" in str(without_registry)
    assert "service docker.service" in without_registry.report.named("done", "already so")


def test_a_connection_that_breaks_every_few_seconds(bed: Bed, dify: BedDeployment, runs: int) -> None:
    """Each run goes on where the last one was, until one comes to the end; then there is nothing left to do."""
    assert runs >= 1
    assert bed.get("/console/api/ping")[0] == 200
    assert not dify.install()


def test_a_container_that_keeps_ending(bed: Bed, dify: BedDeployment, runs: int) -> None:
    """The last it said is told, by each run; with the right image again, all is as before."""
    broken = SETTINGS.replace(images={"web": "langgenius/dify-web:broken"})
    for _ in range(2):
        with pytest.raises(InstallFailed, match="web keeps ending") as failed:
            dify.install(settings=broken)
        assert "exit status 1" in str(failed.value)
        assert "nothing works today" in str(failed.value)
    assert bed.get("/console/api/ping")[0] == 200
    assert dify.install()
    assert not dify.install()


def test_an_image_that_does_not_exist(bed: Bed, dify: BedDeployment, runs: int) -> None:
    """It is told before anything is stopped."""
    with pytest.raises(InstallFailed, match="dify-web:none"):
        dify.install(settings=SETTINGS.replace(images={"web": "langgenius/dify-web:none"}))
    assert bed.get("/signin")[0] == 200
