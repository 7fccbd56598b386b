"""The public face of the library under mypy: right use has the right types, and wrong use is refused."""

from __future__ import annotations

import re
from pathlib import Path

from mypy import api

from tests.house.source import ROOT

CASES = ROOT / "tests/typing_cases"


def check(*arguments: str) -> tuple[str, int]:
    """What mypy reports of these files, and its exit status."""
    out, err, status = api.run(["--config-file", str(ROOT / "setup.cfg"), "--no-error-summary", *arguments])
    assert not err
    return out, status


def test_the_public_face_has_the_types_that_it_shows() -> None:
    """Each verb's arguments and result, through the decorators of the table of verbs."""
    assert check(str(CASES / "correct_use.py")) == ("", 0)


def test_wrong_use_is_refused(tmp_path: Path) -> None:
    """Each line with the error that stands behind it, and no other."""
    lines = (CASES / "wrong_use.txt").read_text().splitlines()
    expected = {
        number: found[1] for number, line in enumerate(lines, 1) if (found := re.search(r"  # ([a-z-]+)$", line))
    }
    file = tmp_path / "wrong_use.py"
    # mypy would take the remark for nothing; without it, the code is what a user writes.
    file.write_text("\n".join(line.partition("  # ")[0] for line in lines) + "\n")
    out, status = check(str(file))
    reported = dict(re.findall(r"wrong_use\.py:(\d+): error: .*\[([a-z-]+)\]", out))
    assert (status, {int(number): code for number, code in reported.items()}) == (1, expected)
