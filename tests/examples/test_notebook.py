"""The notebook: it runs from start to end, with the outputs that are stored in it."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_walkthrough_has_current_outputs() -> None:
    """A run in a new kernel has the stored outputs. If this fails: python docs/notebook.py."""
    notebook = runpy.run_path(str(ROOT / "docs/notebook.py"))
    assert notebook["outputs"](notebook["executed"]()) == notebook["outputs"](notebook["stored"]())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("vpc-0123456789abcdef0", "vpc-fedcba98765432100"),
        ("✓    8 s  + vpc/main", "✓   33 s  + vpc/main"),
        ("   1  2026-11-24 03:20:01 UTC  deploy", "   1  2027-01-01 23:59:59 UTC  deploy"),
        ("0 done, 64 already so (0.0 s, 1 round trip)", "0 done, 64 already so (0.4 s, 1 round trip)"),
    ],
)
def test_ids_and_times_are_not_compared(one: str, other: str) -> None:
    """Ids, times, and how long a thing took."""
    masked = runpy.run_path(str(ROOT / "docs/notebook.py"))["masked"]
    assert masked(one) == masked(other)


@pytest.mark.parametrize(
    ("one", "other"), [("size_gib: 50 → 80", "size_gib: 50 → 90"), ("30 created", "31 created"), ("$63.84", "$63.85")]
)
def test_content_is_compared(one: str, other: str) -> None:
    """Settings, counts, money."""
    masked = runpy.run_path(str(ROOT / "docs/notebook.py"))["masked"]
    assert masked(one) != masked(other)
