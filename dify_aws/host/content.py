"""Content: what is in a file, as a value that can be compared and shown as a diff, and never shows a secret."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from dify_aws.secrets import MASK

ASSIGNMENT: Final = re.compile(r"(\s*[\w.\-\"']+\s*[=:]\s*)(\S.*)")


@dataclass(frozen=True)
class Content:
    """The bytes of a file. ``secret``: only the names of what is in it are ever shown."""

    path: str
    data: bytes = field(repr=False)
    secret: bool = False

    def __str__(self) -> str:
        count = self.data.count(b"\n") + (not self.data.endswith(b"\n") and self.data != b"")
        return f"{count} line" + ("" if count == 1 else "s")

    def lines(self, mask: Callable[[str], str]) -> list[str]:
        """Its lines as they may be shown."""
        lines = mask(self.data.decode()).splitlines()
        return [_name_only(line) for line in lines] if self.secret else lines


def diff(before: Content | None, after: Content | None, mask: Callable[[str], str]) -> str:
    """What changes in a file, as ``diff -u`` says it; no secret in it, neither the new one nor the old one."""
    path = (after or before or Content("", b"")).path
    try:
        # The lines are compared as they are and masked after that: a new password is a change that can be seen.
        old, new = (content.data.decode().splitlines() if content else [] for content in (before, after))
        shown = {False: after, True: before}
        masked = {sign: content.lines(mask) if content else [] for sign, content in shown.items()}
    except UnicodeDecodeError:
        return f"{path} is not text; {len(before.data) if before else 0} → {len(after.data) if after else 0} bytes"
    lines = [f"--- {path if before else '/dev/null'}", f"+++ {path if after else '/dev/null'}"]
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(3):
        first, last = group[0], group[-1]
        lines.append(f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@")
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                lines += [f" {line}" for line in masked[True][old_from:old_to]]
                continue
            lines += [f"-{line}" for line in masked[True][old_from:old_to]]
            lines += [f"+{line}" for line in masked[False][new_from:new_to]]
    return "\n".join(lines)


def _range(start: int, stop: int) -> str:
    """As in a unified diff: the first line and how many."""
    length = stop - start
    return f"{start + (length > 0)},{length}"


def _name_only(line: str) -> str:
    if not line.strip():
        return line
    found = ASSIGNMENT.fullmatch(line)
    return f"{found[1]}{MASK}" if found else MASK
