"""The bed as a fixture: one for each module, whose tests share what takes seconds to boot, and one with Docker."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bed.bed import Bed
from tests.e2e.bed.needs import missing

HERE = Path(__file__).parent
DOCKER = """
    cloud-init status --wait >/dev/null
    install -m 0755 -d /etc/apt/keyrings
    curl -fsS https://download.docker.com/linux/ubuntu/gpg -o /etc/apt/keyrings/docker.asc
    . /etc/os-release
    echo "deb [arch=amd64 signed-by=/etc/apt/keyrings/docker.asc]" \
        "https://download.docker.com/linux/ubuntu $VERSION_CODENAME stable" >/etc/apt/sources.list.d/docker.list
    apt-get -qq update
    apt-get -qq install --yes docker-ce docker-ce-cli containerd.io docker-compose-plugin >/dev/null
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that is here has the mark; this is called with the items of all folders."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def able() -> None:
    """That a bed can be raised here. Skips where it cannot, but never in CI."""
    if lacking := missing():
        why = f"the bed needs {', '.join(lacking)}"
        if os.environ.get("CI"):
            pytest.fail(why, pytrace=False)
        pytest.skip(why)


@pytest.fixture(scope="module")
def bed(able: None) -> Iterator[Bed]:
    """A machine, fresh for this module."""
    with Bed() as raised:
        yield raised


@pytest.fixture(scope="session")
def docker(able: None) -> Iterator[Bed]:
    """A machine with Docker from download.docker.com, for all who take away again what they start on it."""
    with Bed() as raised:
        raised.inside(DOCKER)
        yield raised
