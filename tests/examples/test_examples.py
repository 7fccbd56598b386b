"""The examples: each is run as a person runs it, and does what it says."""

from __future__ import annotations

import re
import runpy
import tomllib
from pathlib import Path

import pytest

import dify_aws

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(name: str, capsys: pytest.CaptureFixture[str]) -> str:
    """What an example prints."""
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    return capsys.readouterr().out


def test_quickstart_makes_everything_once_and_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """The first deploy does what the plan shows and installs Dify, the second does nothing, and nothing is left."""
    told = run("quickstart.py", capsys)
    first, second = told.split("3. Deploy again")
    made = re.search(r"(\d+) to create", first)
    assert made
    assert f"{made[1]} created" in first
    assert re.search(r"\d+ done, \d+ already so", first)
    again = second.partition("4. Outputs")[0]
    assert "nothing to do" in again
    assert "done" not in again
    assert "kept: bucket/storage" in told
    assert "kept: volume/data" in told
    assert told.endswith("Nothing is left.\n")


def test_own_stack_finds_and_mends_what_was_changed_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    """A stack that has nothing to do with Dify is made, mended and taken away."""
    told = run("own_stack.py", capsys)
    assert "9 created" in told
    assert "threshold: 99 → 80" in told
    assert "1 updated" in told
    assert "9 deleted" in told


def test_settings_file_can_be_read() -> None:
    """The file that people copy is one that dify_aws takes, and what is commented out in it is the default."""
    file = EXAMPLES / "settings.toml"
    assert dify_aws.Settings.from_file(file).data_volume_gib == 100
    shown = tomllib.loads("\n".join(re.findall(r"^# (\w+ = .*)", file.read_text(), re.MULTILINE)))
    # These two have no value by default, so the file shows how one would look.
    defaults = {name: value for name, value in shown.items() if name not in ("availability_zone", "image_id")}
    assert len(defaults) > 4
    usual = dify_aws.Settings(environment="dev")
    assert defaults == {name: getattr(usual, name) for name in defaults}
