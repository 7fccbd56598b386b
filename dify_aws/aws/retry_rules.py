"""Patience: when to ask AWS again, how long, and why. The only place of the library that sleeps.

Three things are told apart, because they want different answers:

* The request did not arrive, or AWS was busy: botocore's own retries.
* AWS has not caught up with itself yet after a correct order: the rows of :data:`RETRY_RULES`.
* Work that AWS does in its own time (a NAT gateway takes two minutes): ``waiters.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

import tenacity

from dify_aws.aws.error_meaning import is_not_found
from dify_aws.clock import Clock
from dify_aws.errors import AwsError

T = TypeVar("T")


@dataclass(frozen=True)
class RetryRule:
    """AWS answers ``code`` for a while although the order is right.

    ``operation`` and ``message`` are regular expressions (the shortest stable piece, never an id).
    ``fresh`` means: only if the call is about something that this run has just created. ``not_found`` stands for every
    code with which the service says that something is not there.
    """

    operation: str
    code: str
    message: str
    seconds: float
    why: str
    fresh: bool = False
    not_found: bool = False

    def explains(self, error: AwsError, mentions_new: bool) -> bool:
        return (
            re.fullmatch(self.operation, error.operation) is not None
            and (is_not_found(error) if self.not_found else re.fullmatch(self.code, error.code) is not None)
            and re.search(self.message, error.message) is not None
            and (mentions_new or not self.fresh)
        )


RETRY_RULES: Final = (
    RetryRule(
        r"ec2\.(RunInstances|(Associate|Replace)IamInstanceProfile.*)",
        "InvalidParameterValue",
        "(?i)iam ?instance ?profile",
        120,
        "IAM is eventually consistent, and EC2 learns of a new profile (and of the role in it) last. "
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency",
    ),
    RetryRule(
        r".*",
        "",
        "",
        60,
        "What was created a moment ago is not yet known to every part of AWS. "
        "https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html",
        fresh=True,
        not_found=True,
    ),
    RetryRule(
        r"ec2\.(Delete|Detach|Disassociate|Release).*",
        r"DependencyViolation|InvalidIPAddress\.InUse|AuthFailure|VolumeInUse|Client\.DependencyViolation",
        "",
        180,
        "Network interfaces and addresses of an instance or a NAT gateway go some seconds after it.",
    ),
    RetryRule(
        r"iam\.Delete.*",
        "DeleteConflict",
        "",
        30,
        "What was just taken off a role may still count as attached to it.",
    ),
    RetryRule(
        r"ec2\.AssociateAddress",
        r"Gateway\.NotAttached|InvalidInstanceID|IncorrectInstanceState",
        "(?i)gateway|pending|state",
        60,
        "The internet gateway was attached, or the instance was started, a moment ago.",
    ),
    RetryRule(
        r"ec2\.AttachVolume",
        r"IncorrectState|IncorrectInstanceState|VolumeInUse",
        "",
        90,
        "A volume that was just detached, or an instance that was just started, needs some seconds. "
        "A volume that is really in use elsewhere still is after that, and is told.",
    ),
    RetryRule(
        r"ec2\.CreateRoute|ec2\.ReplaceRoute",
        r"InvalidNatGatewayID\.NotFound|InvalidGatewayID\.NotFound|Gateway\.NotAttached",
        "",
        60,
        "Routes learn of a new gateway late.",
        fresh=True,
    ),
    RetryRule(
        r"scheduler\.(Create|Update)Schedule",
        "ValidationException",
        "(?i)assume the role",
        60,
        "IAM is eventually consistent, and EventBridge Scheduler tries the role before it takes the order.",
    ),
    RetryRule(
        r"scheduler\.CreateScheduleGroup",
        "ConflictException",
        "",
        120,
        "A group of the same name is still being deleted, with its schedules.",
    ),
    RetryRule(
        r"dynamodb\.CreateTable",
        "ResourceInUseException",
        "(?i)being deleted",
        120,
        "A table of the same name is still being deleted.",
    ),
    RetryRule(
        r"dynamodb\.DeleteTable",
        "ResourceInUseException",
        "",
        120,
        "A table cannot be deleted while it is being made or changed.",
    ),
    RetryRule(
        r"cloudtrail\.(Create|Update)Trail",
        "InsufficientS3BucketPolicyException|S3BucketDoesNotExistException",
        "",
        60,
        "The bucket, or the policy that lets CloudTrail write to it, was made a moment ago.",
    ),
    RetryRule(
        r"s3\.CreateBucket",
        "OperationAborted",
        "",
        3600,
        "a bucket of this name was deleted, and S3 takes up to an hour until the name is free again. "
        "https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-bucket.html",
    ),
    RetryRule(
        r"s3\..*",
        "OperationAborted",
        "",
        120,
        "S3 is still busy with a change of the same bucket, or with its deletion.",
    ),
)


class RetryRules:
    """Runs a call again while one of :data:`RETRY_RULES` explains its failure: bounded, jittered, on a given clock."""

    FEWEST_TRIES: Final = 6
    """Tries that a lag is always worth, however fast the clock runs."""
    NOTIFY_SECONDS: Final = 20.0
    """A wait that lasts longer is worth a word to whoever looks on."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.notify: Callable[[str], None] = lambda detail: None
        """Is called once in a long wait, with what is waited for."""

    def call(self, attempt: Callable[[], T], mentions_new: Callable[[], bool], subject: str = "") -> T:
        """What ``attempt`` returns, or its last error when the lag lasted longer than it is known to.

        Args:
            attempt: the call.
            speaks_of_fresh: whether it is about something that this run has made.
            subject: what it is about, for whoever looks on.
        """

        def lag(error: BaseException) -> RetryRule | None:
            if not isinstance(error, AwsError):
                return None
            fresh = mentions_new()
            return next((row for row in RETRY_RULES if row.explains(error, fresh)), None)

        began, notified = self.clock.now(), False

        def notify(state: tenacity.RetryCallState) -> None:
            nonlocal notified
            error = state.outcome.exception() if state.outcome else None
            row = lag(error) if error is not None else None
            if row is None or notified or self.clock.now() - began < self.NOTIFY_SECONDS:
                return
            notified = True
            operation = error.operation if isinstance(error, AwsError) else ""
            self.notify(f"{' '.join(filter(None, (operation, subject)))}: {row.why}")

        return self._retrying(
            lambda error: lag(error) is not None, lambda error: getattr(lag(error), "seconds", 0.0), notify
        )(attempt)

    def until(self, attempt: Callable[[], T | None], seconds: float) -> T | None:
        """What ``attempt`` returns once it is not None; None if that does not happen within ``seconds``."""

        def asked() -> T:
            seen = attempt()
            if seen is None:
                raise _NotYet
            return seen

        try:
            return self._retrying(lambda error: isinstance(error, _NotYet), lambda _: seconds)(asked)
        except _NotYet:
            return None

    def _retrying(
        self,
        patient: Callable[[BaseException], bool],
        seconds: Callable[[BaseException], float],
        before_sleep: Callable[[tenacity.RetryCallState], None] | None = None,
    ) -> tenacity.Retrying:
        began = self.clock.now()

        def long_enough(state: tenacity.RetryCallState) -> bool:
            error = state.outcome.exception() if state.outcome else None
            spent = self.clock.now() - began
            return error is None or (state.attempt_number >= self.FEWEST_TRIES and spent >= seconds(error))

        def pause(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            # What takes an hour is not asked for every five seconds.
            longest = max(5.0, seconds(error) / 120) if error is not None else 5.0
            return (tenacity.wait_exponential(multiplier=0.25, max=longest) + tenacity.wait_random(0, 0.25))(state)

        return tenacity.Retrying(
            retry=tenacity.retry_if_exception(patient),
            wait=pause,
            stop=long_enough,
            before_sleep=before_sleep,
            sleep=self.clock.sleep,
            reraise=True,
        )


class _NotYet(Exception):
    """Nothing seen yet; never leaves this file."""
