"""AtPath: what is at a path of the host: a file with its content, a directory, something else, or nothing."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from dify_aws.host.errors import StepRefused
from dify_aws.host.fact import Answer, Fact, Facts

Kind: TypeAlias = Literal["file", "directory", "nothing", "something else"]

LONGEST: Final = 1_048_576
"""Bytes that are read of a file. What is longer than that was not written by us."""

# How stat -c %F says it in the C locale.
KINDS: Final[dict[str, Kind]] = {"regular file": "file", "regular empty file": "file", "directory": "directory"}

OWNER: Final = re.compile(r"\w[\w.-]*:\w[\w.-]*", re.ASCII)


@dataclass(frozen=True)
class PathState:
    """What is there. ``owner`` is by name and ``ids`` by number; ``words`` is how the host calls the kind of it."""

    kind: Kind
    description: str = "nothing"
    mode: int = 0
    owner: str = ""
    ids: str = ""
    data: bytes = field(default=b"", repr=False)

    def owned_by(self, owner: str) -> bool:
        """Whether it belongs to user:group, be they said by name or by number."""
        return owner in (self.owner, self.ids)


@dataclass(frozen=True)
class AtPath(Fact[PathState]):
    """What is at this path? A link is not followed."""

    path: str
    secret: bool = False

    @property
    def name(self) -> str:
        return f"path {self.path}"

    @property
    def script(self) -> str:
        path = shlex.quote(self.path)
        return (
            f"[ -e {path} ] || [ -L {path} ] || exit 0\n"
            f"stat -c '%F|%a|%U:%G|%u:%g' -- {path}\n"
            f"if [ -f {path} ] && [ ! -L {path} ]; then head -c {LONGEST + 1} -- {path}; fi"
        )

    def read(self, answer: Answer) -> PathState:
        if answer.status:
            raise ValueError(f"status {answer.status}")
        if not answer.out:
            return PathState("nothing")
        head, _, data = answer.out.partition(b"\n")
        description, mode, owner, ids = head.decode().split("|")
        return PathState(KINDS.get(description, "something else"), description, int(mode, 8), owner, ids, data)


def text_at(facts: Facts, at: AtPath) -> str:
    """The content of a file as text; empty if there is no file.

    Args:
        facts: with the answer to ``at``.
        at: the file.

    Returns:
        The text.

    Raises:
        StepRefused: the file is not UTF-8.
        FactUnreadable: the answer has no meaning.
    """
    data = facts[at].data
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise StepRefused(
            facts.where,
            f"{at.path} should be UTF-8 text, and line {line} of it is not ({error.reason}). Nothing was changed. "
            "Correct that line, or move the file away, and run again.",
        ) from None


def checked(path: str, mode: int, owner: str) -> None:
    """Refuse a wish that no host could fulfil. Raises ValueError."""
    if not path.startswith("/") or path.endswith("/") or "/../" in f"{path}/" or "\0" in path:
        raise ValueError(f"{path!r} is no absolute path of one thing")
    if not 0 < mode <= 0o7777:
        raise ValueError(f"{path}: the mode {mode:#o} is none; 0o644 is one")
    if not OWNER.fullmatch(owner):
        raise ValueError(f"{path}: the owner {owner!r} is none; it is user:group, by name or by number")


def refused(where: str, path: str, expected: str, found: PathState) -> StepRefused:
    """Somebody has put something else there, which may be worth keeping."""
    return StepRefused(
        where,
        f"{path} should be a {expected}, and is a {found.description}. Move it away, or delete it, and run again.",
    )
