"""Secret: a text that never shows itself by accident."""

from __future__ import annotations

from typing import Final

MASK: Final = "********"


class Secret:
    """Holds a secret text and shows ``********`` wherever it is printed, logged, formatted or put into an exception.

    It is not a ``str`` on purpose: joining it into a command or a log line by mistake is a type error.

    >>> key = Secret("hunter2")
    >>> f"{key}"
    '********'
    >>> key.reveal()
    'hunter2'
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself. Say it only to who must know it."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK!r})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a Secret is not pickled: keep it in Secrets Manager")
