"""The same against a server: through boto3's own HTTP client, and with processes that are really killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.request import Request, urlopen

import boto3
import pytest

from dify_aws import Deployment, Settings
from dify_aws.offline.calls import Call
from dify_aws.offline.server import Served, serve
from dify_aws.operations.lock.unlock import lock_owner_of
from tests.support.inventory import AFTER_DESTROY, WHOLE, counted, inventory
from tests.support.plans import aws_plan

SETTINGS: Final = Settings(environment="dev", alarm_email="a@your-company.com")
SCRIPT: Final = Path(__file__).with_name("apply_once.py")


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
        result: list[str] = json.load(answer)
    return result


def forget(served: Served) -> None:
    urlopen(Request(f"{served.url}/dify-aws/calls", method="DELETE")).close()


def writes(served: Served) -> list[str]:
    """Those that change something."""
    result = [call.partition(".") for call in calls(served)]
    return [f"{service}.{operation}" for service, _, operation in result if Call(service, operation).writes]


def kill(served: Served, verb: str, moment: str, call: str) -> None:
    """A process of its own applies or destroys and is killed before ``call`` is sent, or after its answer came."""
    forget(served)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, str(SCRIPT), verb, moment, *call.split(".")]
    ended = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert (call in writes(served)) == (moment == "after")
    # Nobody has to wait here until the lease of the dead process has run out.
    run = Deployment(SETTINGS, session=session())
    lock_owner = lock_owner_of(run.aws)
    assert lock_owner is not None
    run.unlock(lock_owner.id)


@pytest.mark.exhaustive
def test_killed(served: Served) -> None:
    """Three applies are killed, each further in its work; then one goes to its end. The same with two destroys.

    Each call needs what the call before it has made, or has to be gone first, so each process does come to its call,
    and each leaves its lock behind. In between, a second apply sends no writing call, and the plan is empty.
    """
    kill(served, "apply", "before", "ec2.CreateSubnet")
    kill(served, "apply", "after", "ec2.RunInstances")
    kill(served, "apply", "before", "ec2.AssociateAddress")
    outputs = Deployment(SETTINGS, session=session()).apply()
    assert counted(inventory(session())) == WHOLE
    forget(served)
    again = Deployment(SETTINGS, session=session())
    assert again.apply() == outputs
    assert writes(served) == []
    assert not aws_plan(again)
    kill(served, "destroy", "before", "ec2.DeleteSubnet")
    kill(served, "destroy", "after", "ec2.DeleteVpc")
    again.destroy(delete_data=True)
    assert counted(inventory(session())) == AFTER_DESTROY
