"""Patience: try again, a little later each time, for as long as was agreed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from dify_aws.clock import Clock
from dify_aws.pickling import Picklable

T = TypeVar("T")

FIRST_SECONDS: Final = 0.5
LONGEST_SECONDS: Final = 5.0


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
    """What ``attempt`` returns, once it does.

    Args:
        seconds: when to stop trying. The last try begins at that moment, or just after it.
        bears: whether an error may go away by waiting. One that will not goes through at once.
        first: seconds to wait after the first try.

    Raises:
        RetryTimedOut: it was still not so.
    """
    began, wait = clock.now(), first
    while True:
        try:
            return attempt()
        except Exception as error:
            spent = clock.now() - began
            if not is_temporary(error):
                raise
            if spent >= seconds:
                raise RetryTimedOut(error, spent) from error
        clock.sleep(min(wait, max(seconds - spent, 0)))
        wait = min(wait * 1.5, LONGEST_SECONDS)
