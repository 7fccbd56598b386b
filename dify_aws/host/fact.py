"""Fact: one question to a host, and Facts: what it answered. Reading is kept apart from doing, so both are data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from dify_aws.host.errors import FactUnreadable

T = TypeVar("T")

FACT_SECONDS: Final = 60
"""How long the host may think about one question."""

UNREADABLE: Final = (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError, OSError)
"""What Python raises where a host, that anybody may have taken over, answers something else than was asked."""

TIMED_OUT: Final = (124, 137)
"""The statuses of timeout(1), when it ended something gently and when it had to kill it."""

LONGEST_SHOWN: Final = 300


@dataclass(frozen=True)
class Answer:
    """What the script of a fact said, byte for byte, and how it ended."""

    out: bytes = b""
    status: int = 0
    err: bytes = b""

    @property
    def text(self) -> str:
        """What it said, as text without the white space around it."""
        return self.out.decode(errors="replace").strip()


class Fact(ABC, Generic[T]):
    """One question: a script that only reads, and what its answer means. Equal facts are asked once.

    Subclasses are frozen dataclasses. The script is bash with ``-uo pipefail`` and an empty stdin, run as root; it
    never holds a secret. It may end with any status: :meth:`read` sees it.
    """

    @property
    def secret(self) -> bool:
        """Whether the answer may hold secrets: then no message shows it."""
        return False

    @property
    @abstractmethod
    def name(self) -> str:
        """What is asked, for messages and for cases of tests: "path /opt/dify/.env"."""

    @property
    @abstractmethod
    def script(self) -> str:
        """The question in bash."""

    @abstractmethod
    def read(self, answer: Answer) -> T:
        """What the answer means. Raises one of :data:`UNREADABLE` if it means nothing."""


class Facts:
    """What a host answered: ``facts[fact]`` is the meaning of its answer.

    >>> from dify_aws.host.steps.path import AtPath
    >>> facts = Facts("somewhere", {AtPath("/etc"): Answer(b"directory|755|root:root|0:0|4096")})
    >>> facts[AtPath("/etc")].mode == 0o755
    True
    """

    def __init__(self, where: str, answers: Mapping[Fact[Any], Answer]) -> None:
        self.where = where
        self._answers = dict(answers)

    def __contains__(self, fact: object) -> bool:
        """Whether it was asked."""
        return fact in self._answers

    def __getitem__(self, fact: Fact[T]) -> T:
        """Raises FactUnreadable if the answer means nothing, KeyError if it was not asked."""
        answer = self._answers[fact]
        if answer.status in TIMED_OUT:
            raise FactUnreadable(
                self.where,
                f"the host thought about {fact.name!r} for more than {FACT_SECONDS} s and was stopped. "
                "It is overloaded, or a disk or a service of it hangs.",
            )
        try:
            return fact.read(answer)
        except UNREADABLE as error:
            raise FactUnreadable(
                self.where,
                f"nobody understands its answer to {fact.name!r} (status {answer.status}){_shown(fact, answer)}",
            ) from (None if fact.secret else error)


def _shown(fact: Fact[Any], answer: Answer) -> str:
    if fact.secret:
        return ", which is not shown because it may hold secrets"
    output = (answer.out + b"\n" + answer.err).decode(errors="replace").strip()
    return f":\n{output[:LONGEST_SHOWN]}{'…' if len(output) > LONGEST_SHOWN else ''}"
