"""Request, Answer: what a web server of the bed's world is asked and says, whichever it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Request:
    """What is asked. ``host`` is the name that is asked for, ``path`` is without the query; headers are in
    lower case."""

    method: str
    host: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What is said: a text, or a file as it is."""

    status: int
    body: str | bytes | Path = ""
    kind: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)


def damaged(answer: Answer) -> Answer:
    """The same but for one bit."""
    body = answer.body
    whole = body.read_bytes() if isinstance(body, Path) else body.encode() if isinstance(body, str) else body
    return replace(answer, body=whole[:-1] + bytes([whole[-1] ^ 1]) if whole else whole)


class Site(Protocol):
    """Answers requests."""

    def answer(self, request: Request) -> Answer:
        """Never raises: what is not there is a 404."""
