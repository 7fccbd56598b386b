"""Directory: a directory is there, with this mode and owner; what is in it is its business only if it is said so."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.change import Change
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Host
from dify_aws.host.steps.path import AtPath, checked, refused

LOOK_SECONDS: Final = 1
"""How long is looked for strangers: enough for some hundred thousand files. What was restored, or copied by root, shows
among the first; a single file, deep in a larger tree, does not."""


@dataclass(frozen=True)
class Strangers(Fact[str]):
    """What below this path is not of this owner? The first that is met; nothing, if none is."""

    path: str
    owner: str

    @property
    def name(self) -> str:
        return f"strangers below {self.path}"

    @property
    def script(self) -> str:
        path, (user, _, group) = shlex.quote(self.path), self.owner.partition(":")
        return (
            f"[ -d {path} ] || exit 0\n"
            f"timeout {LOOK_SECONDS} find {path} -mindepth 1 -xdev ! '(' -user {user} -group {group} ')' -print -quit\n"
            "exit 0"
        )

    def read(self, answer: Answer) -> str:
        return answer.text


@dataclass(frozen=True, kw_only=True)
class Directory:
    """A directory. Those above it are made with mode 0755 where they are missing, and left alone where they are not.

    Args:
        path: absolute.
        mode: as for chmod.
        owner: user:group, by name or by number.
        deep: all that is in it must be of this owner too. Else it keeps its own.
        needs: the steps before it; None is all that stand before it in the list.

    Raises:
        ValueError: this can be no directory.
    """

    path: str
    mode: int = 0o755
    owner: str = "root:root"
    deep: bool = False
    needs: Sequence[str] | None = None

    def __post_init__(self) -> None:
        checked(self.path, self.mode, self.owner)

    @property
    def name(self) -> str:
        return f"directory {self.path}"

    @property
    def _strangers(self) -> Strangers:
        return Strangers(self.path, self.owner)

    def facts(self) -> Sequence[Fact[Any]]:
        return (AtPath(self.path), self._strangers) if self.deep else (AtPath(self.path),)

    def check(self, facts: Facts) -> Sequence[Change]:
        """That it is there, its mode and its owner, and that of what is in it, as far as they are not as wished."""
        found = facts[AtPath(self.path)]
        if found.kind == "nothing":
            return (Change("directory", None, f"{self.mode:04o} {self.owner}"),)
        if found.kind != "directory":
            raise refused(facts.where, self.path, "directory", found)
        changes = []
        if found.mode != self.mode:
            changes.append(Change("mode", f"{found.mode:04o}", f"{self.mode:04o}"))
        if not found.owned_by(self.owner):
            changes.append(Change("owner", found.owner, self.owner))
        if self.deep and (stranger := facts[self._strangers]):
            changes.append(Change(f"owner of {stranger} and others", "another", self.owner))
        return tuple(changes)

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Make it, or mend it; and all that is in it, if it is about that."""
        user, _, group = self.owner.partition(":")
        path = shlex.quote(self.path)
        lines = [f"install -d -m {self.mode:04o} -o {user} -g {group} -- {path}"]
        if self.deep:
            lines.append(f"chown -h -R -- {self.owner} {path}")
        host.must("\n".join(lines), again=True)
