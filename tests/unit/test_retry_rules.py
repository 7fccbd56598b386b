"""What patience waits for, how long, and what it lets through at once."""

from __future__ import annotations

import threading
import time

import pytest

import dify_aws.resources  # noqa: F401 - their rules
from dify_aws.aws.retry_rule import retry_rules
from dify_aws.aws.retry_rules import RetryRules
from dify_aws.clock import Stopped, SystemClock
from dify_aws.errors import AwsError
from dify_aws.offline.clock import VirtualClock


class Aws:
    """Answers with errors, one after the other, then with yes."""

    def __init__(self, *errors: AwsError, for_ever: bool = False) -> None:
        self.errors = list(errors)
        self.for_ever = for_ever
        self.requested = 0

    def __call__(self) -> str:
        self.requested += 1
        if self.errors:
            raise self.errors[0] if self.for_ever else self.errors.pop(0)
        return "yes"


PROFILE = AwsError(
    "ec2.RunInstances", "InvalidParameterValue", "Value (x) for parameter iamInstanceProfile.arn is invalid"
)
OTHER_VALUE = AwsError("ec2.RunInstances", "InvalidParameterValue", "Value (x) for parameter imageId is invalid")
NOT_FOUND = AwsError("ec2.ModifyVpcAttribute", "InvalidVpcID.NotFound", "The vpc ID 'vpc-1' does not exist")
IN_USE = AwsError("ec2.DeleteSecurityGroup", "DependencyViolation", "resource sg-1 has a dependent object")


def test_a_known_lag_is_waited_out() -> None:
    clock, aws = VirtualClock(), Aws(PROFILE, PROFILE, PROFILE)

    assert RetryRules(clock).call(aws, lambda: False) == "yes"
    assert clock.now() > 0


def test_another_error_of_the_same_code_goes_through_at_once() -> None:
    clock, aws = VirtualClock(), Aws(OTHER_VALUE)

    with pytest.raises(AwsError, match="imageId"):
        RetryRules(clock).call(aws, lambda: True)
    assert (aws.requested, clock.now()) == (1, 0)


def test_not_found_is_waited_out_only_for_what_was_just_made() -> None:
    assert RetryRules(VirtualClock()).call(Aws(NOT_FOUND, NOT_FOUND), lambda: True) == "yes"

    aws = Aws(NOT_FOUND)
    with pytest.raises(AwsError, match="NotFound"):
        RetryRules(VirtualClock()).call(aws, lambda: False)
    assert aws.requested == 1


def test_retries_end_and_the_last_error_is_reported() -> None:
    clock, aws = VirtualClock(), Aws(IN_USE, for_ever=True)

    with pytest.raises(AwsError, match="DependencyViolation"):
        RetryRules(clock).call(aws, lambda: False)
    assert 180 <= clock.now() < 200, "the time that its row in LAGS gives it"


def test_a_look_goes_on_until_there_is_something_to_see() -> None:
    seen = iter([None, None, "vpc-1"])

    assert RetryRules(VirtualClock()).until(lambda: next(seen), 30) == "vpc-1"


def test_a_look_that_sees_nothing_ends() -> None:
    clock = VirtualClock()

    assert RetryRules(clock).until(lambda: None, 30) is None
    assert 30 <= clock.now() < 40


def test_each_lag_says_why() -> None:
    assert all(lag.why and lag.seconds > 0 for lag in retry_rules())
    assert len(retry_rules()) >= 14


def test_a_sleep_ends_at_once_when_the_run_is_stopped_and_the_next_run_may_sleep_again() -> None:
    clock, ended = SystemClock(), threading.Event()

    def sleeper() -> None:
        with pytest.raises(Stopped):
            clock.sleep(60)
        ended.set()

    thread = threading.Thread(target=sleeper)
    thread.start()
    clock.stop()
    assert ended.wait(5)
    thread.join()

    clock.resume()
    began = time.monotonic()
    clock.sleep(0.01)
    assert time.monotonic() - began >= 0.01
