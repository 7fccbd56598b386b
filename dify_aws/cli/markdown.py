"""Markdown: a result for where Markdown is shown, such as the summary of a GitHub Actions job."""

from __future__ import annotations

import re
from typing import Final

from dify_aws.engine.plan import Plan

SIGNS: Final = {"create": "+", "update": "!", "delete": "-", "keep": " "}
"""What colours a line in a block of the language ``diff`` as a plan in a terminal is coloured."""


def markdown(value: object) -> str:
    """A plan as its summary, its changes as a coloured block and its notes; everything else as a block of its text."""
    if not isinstance(value, Plan):
        return _block(str(value)) + "\n"
    parts = [f"### {value.deployment} in {value.region}: {value.summary()}"]
    if value.actions:
        lines = []
        for action in value:
            head, *rest = str(action).splitlines()
            lines += [SIGNS[action.verb] + head[1:], *(f"  {line}" for line in rest)]
        parts.append(_block("\n".join(lines), "diff"))
    if value.notes:
        parts.append("\n".join(f"- {_flat(note)}" for note in value.notes))
    return "\n\n".join(parts) + "\n"


def _block(text: str, language: str = "") -> str:
    # A fence is longer than any in what it holds, so that nothing in there ends it.
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _flat(text: str) -> str:
    return re.sub(r"([\\`*_<>\[\]|])", r"\\\1", " ".join(text.split()))
