"""What the tests of the installer share: a clock that does not wait, a server, and a host on it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dify_aws.install.ssh import SshHost
from tests.support.sshd import Sshd


class HurriedClock:
    """Real time plus all that was slept, which takes no time. ``on_sleep`` sees each sleep."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.on_sleep: Callable[[int], None] = lambda count: None

    def now(self) -> float:
        return time.monotonic() + sum(self.slept)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.on_sleep(len(self.slept))


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
