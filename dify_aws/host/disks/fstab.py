"""Fstab: the table of what is mounted at boot, with one line put in or replaced and all others left alone."""

from __future__ import annotations

from typing import Final

from dify_aws.change import Change
from dify_aws.host.content import Content
from dify_aws.host.errors import StepRefused
from dify_aws.host.fact import Facts
from dify_aws.host.steps.path import AtPath, text_at

PATH: Final = "/etc/fstab"
TABLE: Final = AtPath(PATH)
"""What is in it?"""

ATTRIBUTE: Final = "/etc/fstab"
"""How a change of it is called."""


def change(facts: Facts, line: str, key: int) -> Change | None:
    """What has to be changed so that ``line`` is in it, or None.

    Args:
        facts: with the answer to :data:`TABLE`.
        line: six fields, without the end of the line.
        key: which field tells the line apart: other lines with the same one are taken out.

    Raises:
        StepRefused: it is no file, or not UTF-8 text.
    """
    found = facts[TABLE]
    if found.kind not in ("file", "nothing"):
        raise StepRefused(facts.where, f"{PATH} should be a file, and is a {found.description}.")
    current = text_at(facts, TABLE)
    desired = _with(current, line, key)
    if desired == current:
        return None
    return Change(ATTRIBUTE, Content(PATH, found.data), Content(PATH, desired.encode()))


def _with(text: str, line: str, key: int) -> str:
    own_fields = line.split()
    kept: list[str] = []
    placed = False
    for each in text.splitlines():
        fields = each.split("#")[0].split()
        if len(fields) <= key or fields[key] != own_fields[key]:
            kept.append(each)
        elif not placed:
            # In its old place, since the order is that of mounting; as it is written, if it says the same.
            kept.append(each if fields == own_fields else line)
            placed = True
    return "".join(f"{each}\n" for each in ([*kept] if placed else [*kept, line]))
