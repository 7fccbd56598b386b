"""What the tests of the installer share: a clock that does not wait, a server, and a host on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dify_aws.install.ssh import SshHost
from tests.support.hurried_clock import HurriedClock
from tests.support.sshd import Sshd


@pytest.fixture
def clock() -> HurriedClock:
    return HurriedClock()


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """A server that listens."""
    with Sshd(tmp_path) as server:
        yield server


@pytest.fixture
def host(sshd: Sshd, clock: HurriedClock) -> Iterator[SshHost]:
    """A host that is connected to it when it is first used."""
    made = SshHost("127.0.0.1", key=sshd.user_key, host_key=sshd.host_key, port=sshd.port, clock=clock)
    yield made
    made.close()
