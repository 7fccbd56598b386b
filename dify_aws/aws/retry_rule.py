"""RetryRule: an answer of AWS that passes by itself, because AWS has not caught up with a correct request yet.

What one kind of resource waits for stands in the file of the kind. The rules of all kinds are collected from their
classes, so that there is no list of them to keep.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Final

from dify_aws.aws.errors.error_meaning import is_not_found
from dify_aws.errors import AwsError


@dataclass(frozen=True)
class RetryRule:
    """AWS answers ``code`` for a while although the request is right.

    Args:
        operation: a regular expression, as in ``ec2\\.Delete.*``.
        code: a regular expression for the whole code.
        message: a regular expression for the shortest stable piece of the message, never an id.
        seconds: how long it may last.
        why: shown to whoever waits.
        fresh: only if the call is about something that this run has just created.
        not_found: in place of ``code``: every code with which the service says that something is not there.
    """

    operation: str
    code: str
    message: str
    seconds: float
    why: str
    fresh: bool = False
    not_found: bool = False

    def explains(self, error: AwsError, mentions_new: bool) -> bool:
        """Whether this is what ``error`` means, in a call that is about something new or not."""
        return (
            re.fullmatch(self.operation, error.operation) is not None
            and (is_not_found(error) if self.not_found else re.fullmatch(self.code, error.code) is not None)
            and re.search(self.message, error.message) is not None
            and (mentions_new or not self.fresh)
        )


class Retried:
    """What has retry rules of its own: every kind of resource."""

    retry_rules: ClassVar[tuple[RetryRule, ...]] = ()
    """Answers of AWS to calls about this kind that pass by themselves."""


EVERY_KIND: Final = (
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
)
"""What holds for every kind; asked after the rules of the kinds."""


def retry_rules() -> tuple[RetryRule, ...]:
    """The rules of every kind that Python has loaded, and those of all kinds."""

    def below(cls: type[Retried]) -> Iterator[RetryRule]:
        yield from cls.__dict__.get("retry_rules", ())
        for each in cls.__subclasses__():
            yield from below(each)

    # A class with two parents would be met twice.
    return (*dict.fromkeys(below(Retried)), *EVERY_KIND)
