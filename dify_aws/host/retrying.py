"""Retrying: the waits of this package, on tenacity. A connection is waited for here, and a busy program on the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

import tenacity

from dify_aws.clock import Clock
from dify_aws.host.host import Host, Result
from dify_aws.pickling import Picklable

T = TypeVar("T")

FIRST_SECONDS: Final = 0.5
LONGEST_SECONDS: Final = 5.0
GROWTH: Final = 1.5
"""How much longer each pause is than the one before it."""


class RetryTimedOut(Picklable, Exception):
    """It did not work in time. ``last`` is the error of the last try."""

    def __init__(self, last: Exception, seconds: float) -> None:
        self.last = last
        self.seconds = seconds
        super().__init__(f"{seconds:.0f} s: {last}")


def retry(
    attempt: Callable[[], T],
    clock: Clock,
    seconds: float,
    *,
    is_temporary: Callable[[Exception], bool],
    first: float = FIRST_SECONDS,
) -> T:
    """Try until it works, with pauses that grow.

    Args:
        attempt: what is tried.
        clock: how to wait.
        seconds: when to stop trying. The last try begins at that moment, or just after it.
        is_temporary: whether an error may go away by waiting. One that will not is raised at once.
        first: seconds to wait after the first try.

    Returns:
        What ``attempt`` returns.

    Raises:
        RetryTimedOut: it still did not work.
    """
    began = clock.now()

    def pause(state: tenacity.RetryCallState) -> float:
        growing = tenacity.wait_exponential(multiplier=first, exp_base=GROWTH, max=LONGEST_SECONDS)(state)
        return min(growing, max(seconds - (clock.now() - began), 0))

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, Exception) and is_temporary(error)),
        stop=lambda _: clock.now() - began >= seconds,
        wait=pause,
        sleep=clock.sleep,
    )
    try:
        return retrying(attempt)
    except tenacity.RetryError as error:
        last = error.last_attempt.exception()
        if not isinstance(last, Exception):
            raise
        raise RetryTimedOut(last, clock.now() - began) from last


def retry_on_host(
    host: Host,
    attempt: Callable[[], Result],
    *,
    is_temporary: Callable[[Result], bool],
    tries: int,
    pause_seconds: int,
    before_pause: Callable[[Result], None] | None = None,
) -> Result:
    """Run a command until its result is one that waiting does not change. It pauses on the host, and so stops with it.

    Args:
        host: where it is run.
        attempt: runs it.
        is_temporary: whether the result may be another one later.
        tries: how often it is run at the most.
        pause_seconds: seconds between two tries.
        before_pause: is told each result that is waited for.

    Returns:
        The last result, whether it is a good one or not.
    """

    def result_of(state: tenacity.RetryCallState) -> Result:
        assert state.outcome is not None, "there is an outcome after each try"
        result: Result = state.outcome.result()
        return result

    def notify(state: tenacity.RetryCallState) -> None:
        if before_pause is not None:
            before_pause(result_of(state))

    def sleep(seconds: float) -> None:
        host.must(f"sleep {seconds:g}", again=True)

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_result(is_temporary),
        stop=tenacity.stop_after_attempt(tries),
        wait=tenacity.wait_fixed(pause_seconds),
        sleep=sleep,
        before_sleep=notify,
        retry_error_callback=result_of,
    )
    return retrying(attempt)
