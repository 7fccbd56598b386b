"""File: a file is there, with just this content, mode and owner."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dify_aws.change import Change
from dify_aws.host.content import Content
from dify_aws.host.fact import Fact, Facts
from dify_aws.host.host import Host
from dify_aws.host.steps.path import AtPath, checked, refused


@dataclass(frozen=True, kw_only=True)
class File:
    """A file with this content. It is replaced in one step, so nobody ever reads half of it.

    Args:
        path: absolute. Its directory is there (say so in ``needs``).
        data: its bytes; a text is taken as UTF-8.
        mode: as for chmod.
        owner: user:group, by name or by number.
        secret: nothing of it is shown, but the names of what is in it.
        needs: the steps before it; None is all that stand before it in the list.

    Raises:
        ValueError: this can be no file.
    """

    path: str
    data: bytes | str = field(repr=False)
    mode: int = 0o644
    owner: str = "root:root"
    secret: bool = False
    needs: Sequence[str] | None = None

    def __post_init__(self) -> None:
        checked(self.path, self.mode, self.owner)

    @property
    def name(self) -> str:
        return f"file {self.path}"

    @property
    def _bytes(self) -> bytes:
        return self.data.encode() if isinstance(self.data, str) else self.data

    @property
    def _fact(self) -> AtPath:
        return AtPath(self.path, secret=self.secret)

    def facts(self) -> Sequence[Fact[Any]]:
        return (self._fact,)

    def check(self, facts: Facts) -> Sequence[Change]:
        """Its content, its mode and its owner, as far as they are not as wished."""
        found = facts[self._fact]
        desired = Content(self.path, self._bytes, self.secret)
        if found.kind == "nothing":
            return (Change("content", None, desired),)
        if found.kind != "file":
            raise refused(facts.where, self.path, "file", found)
        changes = []
        if found.data != self._bytes:
            changes.append(Change("content", Content(self.path, found.data, self.secret), desired))
        if found.mode != self.mode:
            changes.append(Change("mode", f"{found.mode:04o}", f"{self.mode:04o}"))
        if not found.owned_by(self.owner):
            changes.append(Change("owner", found.owner, self.owner))
        return tuple(changes)

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Write it; or only mend its mode and owner, and let whoever has it open keep it."""
        if any(change.attribute == "content" for change in changes):
            host.write(self.path, self._bytes, mode=self.mode, owner=self.owner)
            return
        # The owner first: a change of owner takes special bits of the mode away.
        path = shlex.quote(self.path)
        host.must(f"chown -h -- {self.owner} {path}\nchmod -- {self.mode:04o} {path}", again=True)
