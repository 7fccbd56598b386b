"""LogFile: a regular file that a container appends to, in a folder that the container does not have."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.change import Change
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Host
from dify_aws.host.script import script
from dify_aws.host.steps.path import checked

# $1: the path; $2: the owner; $3: the mode. What a container may have put there, a link above all, is taken away and
# not followed. A folder is taken away only if it is empty, as Docker makes one where a file to be mounted is missing.
MAKE: Final = """\
if [ -d "$1" ] && [ ! -L "$1" ]; then rmdir -- "$1"; fi
if [ -L "$1" ] || [ ! -f "$1" ]; then rm -f -- "$1"; (set -o noclobber; : >"$1"); fi
chown -h -- "$2" "$1"
chmod -- "$3" "$1"
"""


@dataclass(frozen=True)
class FileKind(Fact[tuple[str, str, str]]):
    """What is at this path, with which mode and owner? Not what is in it; a link is not followed."""

    path: str

    @property
    def name(self) -> str:
        return f"kind of {self.path}"

    @property
    def script(self) -> str:
        return f"stat -c '%F|%a|%u:%g' -- {shlex.quote(self.path)} 2>/dev/null\nexit 0"

    def read(self, answer: Answer) -> tuple[str, str, str]:
        if not answer.text:
            return ("nothing", "", "")
        kind, mode, owner = answer.text.split("|")
        return ("file" if kind in ("regular file", "regular empty file") else kind, mode, owner)


@dataclass(frozen=True, kw_only=True)
class LogFile:
    """The file. It alone is mounted into its container, which can write to it, and put nothing else in its place.

    The CloudWatch agent reads it as root: a link to another file would send that to CloudWatch.

    Args:
        path: absolute. Its directory is there, and root's (say so in ``needs``).
        owner: user:group, by number.
        mode: as for chmod.
        needs: the steps before it; None is all that stand before it in the list.

    Raises:
        ValueError: this can be no file.
    """

    path: str
    owner: str = "0:0"
    mode: int = 0o640
    needs: Sequence[str] | None = None

    def __post_init__(self) -> None:
        checked(self.path, self.mode, self.owner)

    @property
    def name(self) -> str:
        return f"log {self.path}"

    def facts(self) -> Sequence[Fact[Any]]:
        return (FileKind(self.path),)

    def check(self, facts: Facts) -> Sequence[Change]:
        """That it is a file, with this mode and owner."""
        kind, mode, owner = facts[FileKind(self.path)]
        if kind != "file":
            return (Change("log", None if kind == "nothing" else kind, "file"),)
        changes = [Change("mode", mode, f"{self.mode:o}")] if mode != f"{self.mode:o}" else []
        return (*changes, *([Change("owner", owner, self.owner)] if owner != self.owner else []))

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Make it, or mend it; what is in it stays."""
        host.must(script(MAKE, self.path, self.owner, f"{self.mode:04o}"), again=True)
