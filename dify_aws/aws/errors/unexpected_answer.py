"""UnexpectedAnswer: an answer of AWS that cannot be read, and the one boundary where it becomes an error of ours.

Keys can be missing, values of another type, and lists nested to any depth: AWS adds forms of its own, emulators and
proxies leave some out. Whoever reads an answer reads it inside of :func:`reading`, so no KeyError reaches a person.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from dify_aws.errors import DifyAwsError, ResourceError

UNREADABLE: Final = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError)
"""What Python raises where a value is missing, of another type, out of range, or nested too deep."""

MOST_SHOWN: Final = 200
"""Characters of a text that is not ours."""

PACKAGE: Final = __name__.partition(".")[0] + "."


class UnexpectedAnswer(ResourceError):
    """AWS answered in a form that cannot be read. ``task`` is what it was read for; ``__cause__`` is Python's error.

    A mistake in the code of dify_aws looks the same from here: the cause and its traceback tell the two apart.
    """

    def __init__(self, address: str, task: str, error: Exception) -> None:
        self.task = task
        super().__init__(
            address,
            f"AWS's answer cannot be read to {task}: {_wrong(error)}{_place(error)}. Run again. If it stays so: where "
            "AWS_ENDPOINT_URL or a proxy leads to something else than AWS, look there; else AWS answers in a form that "
            "this version of dify_aws does not know: update it, or report this message with its traceback.",
        )


@contextmanager
def reading(address: str, task: str) -> Iterator[None]:
    """A block, or a function as a decorator, that reads what AWS answered. Errors of ours go through as they are.

    Args:
        address: what it is about: the address of a resource, a kind, or the name of a thing.
        task: what it is read for, as in "find it".

    Raises:
        UnexpectedAnswer: something in the answer is missing, or has another form.
    """
    try:
        yield
    except UNREADABLE as error:
        if isinstance(error, DifyAwsError):
            raise
        raise UnexpectedAnswer(address, task, error) from error


def _wrong(error: Exception) -> str:
    if isinstance(error, KeyError) and error.args:
        return f"{error.args[0]!r:.{MOST_SHOWN}} is missing"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    return f"{type(error).__name__}: {str(error)[:MOST_SHOWN]}"


def _place(error: Exception) -> str:
    """The last line of our own code that the error came through."""
    ours = [
        (frame.f_globals["__name__"], line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if str(frame.f_globals.get("__name__", "")).startswith(PACKAGE)
    ]
    return f" ({ours[-1][0]}, line {ours[-1][1]})" if ours else ""
