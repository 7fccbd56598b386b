"""Every exception survives pickle and copy, as process pools and pytest-xdist send them."""

from __future__ import annotations

import copy
import importlib
import pickle
import pkgutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from typing import Any

import pytest
from botocore.exceptions import ClientError

import dify_aws
from dify_aws import errors
from dify_aws.change import Change
from dify_aws.dify import errors as dify_errors
from dify_aws.host import errors as install_errors
from dify_aws.host.host import Result
from dify_aws.host.report import Outcome, Report
from dify_aws.host.ssh.host_key import HostKey
from dify_aws.operations.lock import errors as lock_errors
from dify_aws.secrets import Secret

WHEN = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
HOST = "ubuntu@203.0.113.7"
RESULT = Result("systemctl restart docker", 1, b"", b"Job failed", 0.3)
REFUSED = errors.AwsError("ec2.CreateVpc", "VpcLimitExceeded", "no more", request_id="abc", status=400, advice="Ask.")


def aws_error(cls: type[errors.AwsError]) -> errors.AwsError:
    return cls("ec2.RunInstances", "Broken", "it broke", request_id="r-1", status=500, advice="Run again.")


def installation() -> install_errors.InstallFailed:
    report = Report(HOST, (Outcome("docker", "failed", error="Job failed"),), 3.0, 7)
    return install_errors.InstallFailed(report, {"docker": install_errors.CommandFailed(HOST, RESULT)})


MADE: dict[str, Callable[[], BaseException]] = {
    "DifyAwsError": lambda: errors.DifyAwsError("wrong"),
    "SettingsError": lambda: errors.SettingsError([errors.Problem("region", "mars", "is no region", "Use one")]),
    "AwsError": lambda: REFUSED,
    "ReleaseError": lambda: dify_errors.ReleaseError(
        "1.18.0.toml", [errors.Problem("version", 1, "is no text", "a text")]
    ),
    "CredentialsError": lambda: aws_error(errors.CredentialsError),
    "PermissionDenied": lambda: errors.PermissionDenied(
        "ec2.RunInstances",
        "UnauthorizedOperation",
        "no",
        action="ec2:RunInstances",
        request_id="r-1",
        status=403,
        advice="A",
    ),
    "QuotaExceeded": lambda: aws_error(errors.QuotaExceeded),
    "OutcomeUnknown": lambda: aws_error(errors.OutcomeUnknown),
    "NotAvailable": lambda: aws_error(errors.NotAvailable),
    "WaitTimedOut": lambda: aws_error(errors.WaitTimedOut),
    "ResourceError": lambda: errors.ResourceError("vpc/main", "wrong"),
    "Ambiguous": lambda: errors.Ambiguous("vpc/main", ["vpc-2", "vpc-1"]),
    "NotOurs": lambda: errors.NotOurs("bucket/data", "the bucket data", "dify/dev", owner="lab"),
    "FixedAttribute": lambda: errors.FixedAttribute("vpc/main", "cidr", "10.0.0.0/16", "10.1.0.0/16"),
    "ChangeRefused": lambda: errors.ChangeRefused("volume/data", "it cannot shrink"),
    "DeletionProtected": lambda: errors.DeletionProtected("instance/host", "i-1", "stop protection", "aws ec2 …"),
    "NotConverged": lambda: errors.NotConverged("volume/data", "it is still not so"),
    "UnexpectedAnswer": lambda: made(
        "dify_aws.aws.errors.unexpected_answer", "UnexpectedAnswer", "vpc/main", "find it", KeyError("VpcId")
    ),
    "StackError": lambda: errors.StackError("a cycle"),
    "PlanRefused": lambda: errors.PlanRefused([("volume/data", errors.ChangeRefused("volume/data", "no"))]),
    "PlanOutdated": lambda: errors.PlanOutdated([Change("size", 1, 2)]),
    "AlreadyLocked": lambda: lock_errors.AlreadyLocked(
        "dify/dev", lock_id="abc", owner="ann@laptop", reason="deploy", since=WHEN, until=WHEN
    ),
    "LockUnreadable": lambda: lock_errors.LockUnreadable(
        "dify/dev", "dify-locks", lock_id="unreadable-1", wrong="its turn is no number"
    ),
    "LockLost": lambda: lock_errors.LockLost("dify/dev", "somebody unlocked it"),
    "RunFailed": lambda: errors.RunFailed(
        {"vpc/main": REFUSED, "bucket/data": ClientError({"Error": {"Code": "Slow"}}, "PutObject")}, ["key/a"], ["x"]
    ),
    "RunInterrupted": lambda: made("dify_aws.run_interrupted", "RunInterrupted", ["vpc/main"], ["dify"], {}),
    "HostError": lambda: install_errors.HostError(HOST, "wrong"),
    "Unreachable": lambda: install_errors.Unreachable(HOST, 22, TimeoutError("timed out"), 30.0),
    "HostKeyMismatch": lambda: install_errors.HostKeyMismatch(HOST, ["SHA256:a"], "SHA256:b"),
    "AuthenticationRefused": lambda: install_errors.AuthenticationRefused(
        HOST, "ubuntu", HostKey("ssh-ed25519", b"key")
    ),
    "SessionRefused": lambda: install_errors.SessionRefused(HOST, EOFError()),
    "HostClosed": lambda: install_errors.HostClosed(HOST),
    "ConnectionLost": lambda: install_errors.ConnectionLost(HOST, "docker ps"),
    "CommandFailed": lambda: install_errors.CommandFailed(HOST, RESULT, wrong="it did not start", advice="Look."),
    "CommandTimedOut": lambda: install_errors.CommandTimedOut(HOST, RESULT),
    "FactUnreadable": lambda: install_errors.FactUnreadable(HOST, "what?"),
    "ContainerFailed": lambda: install_errors.ContainerFailed(HOST, "api", "ends", log="boom", advice="Look."),
    "StepRefused": lambda: install_errors.StepRefused(HOST, "too small"),
    "StepNotConverged": lambda: install_errors.StepNotConverged(HOST, "swap", [Change("size", 1, 2)]),
    "InstallFailed": installation,
    "TunnelRefused": lambda: made("dify_aws.host.ssh.tunnel", "TunnelRefused", "10.0.1.9", "HTTP 403"),
    "RetryTimedOut": lambda: made("dify_aws.host.retrying", "RetryTimedOut", TimeoutError("slow"), 30.0),
    "AccountUnknown": lambda: made("dify_aws.runtimes.compose.admin_password", "AccountUnknown", HOST, RESULT),
    "SecretUnusable": lambda: made(
        "dify_aws.resources.secretsmanager.stored_secret",
        "SecretUnusable",
        "ap-northeast-1",
        "dify/dev/application",
        "it is not JSON",
    ),
    "NotThere": lambda: made("dify_aws.operations.diagnosis.checks.check_context", "NotThere", "instance/host"),
    "NotAdoptable": lambda: made("dify_aws.operations.adopt", "NotAdoptable", "vpc/main", "it is gone"),
    "PackageUntrusted": lambda: made("dify_aws.host.steps.signed_package", "PackageUntrusted", HOST, "unsigned"),
    "Broken": lambda: made("dify_aws.settings.rules", "Broken", ("is wrong", "Be right"), ("is worse", "Be better")),
}
"""One of each that does more than keep its message."""


def made(module: str, name: str, *args: Any) -> BaseException:
    error: BaseException = getattr(importlib.import_module(module), name)(*args)
    return error


def every_class() -> Iterator[type[BaseException]]:
    """All exceptions of the package, wherever they are defined."""
    for module in pkgutil.walk_packages(dify_aws.__path__, "dify_aws."):
        if not module.name.endswith("__main__"):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, type) and issubclass(value, BaseException) and value.__module__ == module.name:
                    yield value


CLASSES = {cls.__name__: cls for cls in every_class()}


def example(name: str) -> BaseException:
    if name in MADE:
        return MADE[name]()
    return CLASSES[name]("what is wrong")


def alike(error: object, other: object) -> bool:
    """Whether two errors say the same; exceptions have no equality of their own."""
    if isinstance(error, BaseException) and isinstance(other, BaseException):
        return (
            type(error) is type(other)
            and str(error) == str(other)
            and vars(error).keys() == vars(other).keys()
            and all(alike(value, vars(other)[name]) for name, value in vars(error).items())
        )
    if isinstance(error, dict) and isinstance(other, dict):
        return error.keys() == other.keys() and all(alike(value, other[key]) for key, value in error.items())
    if isinstance(error, tuple) and isinstance(other, tuple):
        return len(error) == len(other) and all(map(alike, error, other))
    if isinstance(error, Result) and isinstance(other, Result):
        return (error.command, error.status, error.err) == (other.command, other.status, other.err)
    return error == other


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_each_exception_survives(name: str) -> None:
    """pickle, copy and deepcopy give the same class, message, attributes and notes."""
    error = example(name)
    assert type(error) is CLASSES[name]
    error.add_note("what happened meanwhile")
    for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert alike(error, other), (vars(error), vars(other))


def fail() -> None:
    raise MADE["RunFailed"]()


def test_a_process_pool_hands_it_over() -> None:
    """With an exception that cannot be made anew, the pool itself breaks."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, pytest.raises(errors.RunFailed) as caught:
        pool.submit(fail).result(60)
    failure = caught.value.failures["vpc/main"]
    assert isinstance(failure, errors.AwsError)
    assert (failure.code, failure.request_id) == ("VpcLimitExceeded", "abc")


class Unpicklable(Exception):
    """As many libraries have them: it takes two arguments, and holds a lock."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")
        self.lock = threading.Lock()


def test_what_cannot_be_pickled_inside_becomes_text() -> None:
    """The message stays, whatever a library's own exception or a setting's value is."""
    failed = errors.RunFailed({"vpc/main": Unpicklable("one", "two")}, [], [])
    wrong = errors.SettingsError([errors.Problem("tags", threading.Lock(), "is no text", "Write one")])
    there = pickle.loads(pickle.dumps(failed))
    assert (str(there), str(there.failures["vpc/main"])) == (str(failed), "Unpicklable: one and two")
    (problem,) = pickle.loads(pickle.dumps(wrong)).problems
    assert (problem.field, problem.wrong) == ("tags", "is no text")
    assert "lock" in problem.value


def test_no_secret_leaves_the_process() -> None:
    """Neither as a value, nor in the output of a command that may hold one."""
    wrong = errors.SettingsError([errors.Problem("env", Secret("hunter2"), "is secret", "Keep it")])
    failed = install_errors.CommandFailed(HOST, Result("cat .env", 1, b"hunter2", b"hunter2", secret=True))
    for error in (wrong, failed):
        sent = pickle.dumps(error)
        assert b"hunter2" not in sent
        assert str(pickle.loads(sent)) == str(error)
