"""Turn: what a run holds while it changes something, so that no other one does."""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self


class RunLock(Protocol):
    """A context manager, for one use: it is this run's turn inside of it."""

    def look(self) -> bool:
        """To be called before AWS is looked at; whether it is nobody's turn now.

        Then what is seen is true still when it is ours, if nobody else has had a turn in between.
        """

    @property
    def unchanged_since_look(self) -> bool:
        """Whether nobody has had a turn between :meth:`look` and ours."""

    def check(self) -> None:
        """To be called before each step; raises if the turn is lost."""

    def __enter__(self) -> Self:
        """Wait for it, or raise."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""


class NoRunLock:
    """The turn of a run that shares its stack with nobody: it is always there."""

    unchanged_since_look = True

    def look(self) -> bool:
        """Nobody else is there."""
        return True

    def check(self) -> None:
        """It cannot be lost."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass
