"""The same against a server: through boto3's own HTTP client, and with processes that are really killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.request import Request, urlopen

import boto3
import pytest

from dify_aws import Deployment, Settings
from dify_aws.offline.calls import Call
from dify_aws.offline.server import Served, serve
from tests.support.inventory import WHOLE, counted, inventory

SETTINGS: Final = Settings(environment="dev", alarm_email="a@example.com")
SCRIPT: Final = Path(__file__).with_name("apply_once.py")
ROOT: Final = SCRIPT.parents[2]
PATIENCE_SECONDS: Final = 30


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    with serve() as served:
        monkeypatch.setenv("AWS_ENDPOINT_URL", served.url)
        yield served


def session() -> boto3.Session:
    """As a person has it: everything from the environment, AWS_ENDPOINT_URL too."""
    return boto3.Session(region_name=SETTINGS.region)


def calls(served: Served) -> list[str]:
    """What the server has been asked for."""
    with urlopen(f"{served.url}/dify-aws/calls") as answer:
        told: list[str] = json.load(answer)
    return told


def forget(served: Served) -> None:
    urlopen(Request(f"{served.url}/dify-aws/calls", method="DELETE")).close()


def writes(served: Served) -> list[str]:
    """Those that change something."""
    told = [call.partition(".") for call in calls(served)]
    return [f"{service}.{operation}" for service, _, operation in told if Call(service, operation).writes]


def run(verb: str) -> subprocess.Popen[bytes]:
    """A process of its own that applies or destroys."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen([sys.executable, str(SCRIPT), verb], env=environment, stderr=subprocess.DEVNULL)


def kill_at(served: Served, verb: str, nth: int) -> None:
    """Kill the process, without a warning, when it has sent ``nth`` writing calls."""
    forget(served)
    with run(verb) as process:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while len(writes(served)) < nth:
            assert process.poll() is None, f"it ended before its call {nth}"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL


def test_apply_twice_plan_and_destroy(served: Served) -> None:
    """The second apply sends no writing call, the plan is empty, and after the destroy nothing is there."""
    deployment = Deployment(SETTINGS, session=session())
    outputs = deployment.apply()
    assert counted(inventory(session())) == WHOLE
    forget(served)
    again = Deployment(SETTINGS, session=session())
    assert again.apply() == outputs
    assert writes(served) == []
    assert not again.plan()
    again.destroy(delete_data=True)
    assert counted(inventory(session())) == {}


def test_killed(served: Served) -> None:
    """Six applies are killed, each somewhat later in its work; then one goes to its end. The same with destroys."""
    for nth in (1, 6, 10, 4, 8, 3):
        kill_at(served, "apply", nth)
    with run("apply") as process:
        assert process.wait() == 0
    assert counted(inventory(session())) == WHOLE
    assert not Deployment(SETTINGS, session=session()).plan()
    for nth in (2, 9, 6):
        kill_at(served, "destroy", nth)
    with run("destroy") as process:
        assert process.wait() == 0
    assert counted(inventory(session())) == {}
