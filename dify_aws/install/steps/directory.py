"""Directory: a directory is there, with this mode and owner; what is in it is not its business."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dify_aws.change import Change
from dify_aws.install.fact import Fact, Facts
from dify_aws.install.host import Host
from dify_aws.install.steps.path import AtPath, checked, refused


@dataclass(frozen=True, kw_only=True)
class Directory:
    """A directory. Those above it are made with mode 0755 where they are missing, and left alone where they are not.

    Args:
        path: absolute.
        mode: as for chmod.
        owner: user:group, by name or by number. Only of itself: what is in it keeps its own.
        needs: the steps before it; None is all that stand before it in the list.

    Raises:
        ValueError: this can be no directory.
    """

    path: str
    mode: int = 0o755
    owner: str = "root:root"
    needs: Sequence[str] | None = None

    def __post_init__(self) -> None:
        checked(self.path, self.mode, self.owner)

    @property
    def name(self) -> str:
        return f"directory {self.path}"

    def facts(self) -> Sequence[Fact[Any]]:
        return (AtPath(self.path),)

    def check(self, facts: Facts) -> Sequence[Change]:
        """That it is there, its mode and its owner, as far as they are not as wished."""
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
        return tuple(changes)

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Make it, closed to all others until it is as wished; or mend it."""
        path, above = shlex.quote(self.path), shlex.quote(self.path.rpartition("/")[0] or "/")
        host.must(
            f"umask 022\nmkdir -p -- {above}\n[ -d {path} ] || mkdir -m 0700 -- {path}\n"
            f"chown -h -- {self.owner} {path}\nchmod -- {self.mode:04o} {path}",
            again=True,
        )
