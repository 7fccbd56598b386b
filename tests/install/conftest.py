"""What the tests of the installer share: a clock that does not wait, a server, and a host on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dify_aws.host.ssh.ssh_host import SshHost
from tests.support.fast_clock import FastClock
from tests.support.sshd import Sshd


@pytest.fixture
def clock() -> FastClock:
    return FastClock()


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Sshd]:
    """A server that listens."""
    with Sshd(tmp_path) as server:
        yield server


@pytest.fixture
def host(sshd: Sshd, clock: FastClock) -> Iterator[SshHost]:
    """A host that is connected to it when it is first used."""
    made = SshHost("127.0.0.1", key=sshd.user_key, host_key=sshd.host_key, port=sshd.port, clock=clock)
    yield made
    made.close()
