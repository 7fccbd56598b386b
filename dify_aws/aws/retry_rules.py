"""RetryRules: when to ask AWS again, how long, and why. The only place of the library that sleeps.

Three things are told apart, because they want different answers:

* The request did not arrive, or AWS was busy: botocore's own retries.
* AWS has not caught up with itself yet after a correct request: the rules of :func:`retry_rules`.
* Work that AWS does in its own time (a NAT gateway takes two minutes): ``waiters.py``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import tenacity

from dify_aws.aws.retry_rule import RetryRule, retry_rules
from dify_aws.clock import Clock
from dify_aws.errors import AwsError

T = TypeVar("T")


class RetryRules:
    """Runs a call again while one of :func:`retry_rules` explains its failure: bounded, jittered, on a given clock."""

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
            return next((row for row in retry_rules() if row.explains(error, fresh)), None)

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

        def once() -> T:
            seen = attempt()
            if seen is None:
                raise _NotYet
            return seen

        try:
            return self._retrying(lambda error: isinstance(error, _NotYet), lambda _: seconds)(once)
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
