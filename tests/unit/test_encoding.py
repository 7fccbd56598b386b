"""Output in any encoding of a terminal: every character is written or escaped, and nothing dies of one."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from typing import Any

import pytest

from dify_aws import Progress
from dify_aws.cli.run import main
from dify_aws.cli.terminal import Terminal
from dify_aws.events import Event

TEXT = "✓ vpc/main → 開発 … é"
ENCODINGS = ["ascii", "cp932", "cp1252", "euc-jp", "latin-1", "utf-8", "utf-16"]


class Stream(io.TextIOWrapper):
    """As Python opens one for a terminal or a pipe of this encoding."""

    def __init__(self, encoding: str) -> None:
        self.bytes = io.BytesIO()
        super().__init__(self.bytes, encoding=encoding, errors="strict", write_through=True)

    @property
    def text(self) -> str:
        return self.bytes.getvalue().decode(self.encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_command_speaks_in_every_encoding(encoding: str) -> None:
    out, err = Stream(encoding), Stream(encoding)
    terminal = Terminal(io.StringIO(), out, err)
    terminal.show(TEXT)
    terminal.say(TEXT)
    with terminal.progress() as progress:
        progress(Event("failed", "vpc/main", "create", detail=TEXT, where="dify/dev"))
    for stream in (out, err):
        assert "vpc/main" in stream.text
        assert TEXT in stream.text.encode("ascii", "backslashreplace").decode("unicode_escape")
    assert out.errors == "strict"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_json_is_json_in_every_encoding(encoding: str) -> None:
    out = Stream(encoding)
    value: dict[str, Any] = {"name": TEXT}
    Terminal(io.StringIO(), out, io.StringIO()).show(value, "json")
    assert json.loads(out.text) == value


def test_progress_in_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    """On the standard output of a shell without a locale; a run that dies of its own pictures leaves half a house."""
    stream = Stream("ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    with Progress() as progress:
        progress(Event("done", "vpc/main", "create", 1.0, where="dify/dev"))
    assert r"\u2713" in stream.text


def test_a_whole_program_in_the_c_locale() -> None:
    """With Python's UTF-8 mode off, as on a minimal server or in cron."""
    environ = {**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "dify_aws", "plan", "--offline", "--environment", "dev"]
    done = subprocess.run(command, env=environ, capture_output=True, timeout=120)
    assert done.returncode == 2, done.stderr.decode("ascii")
    assert b"vpc/main" in done.stdout


def test_an_error_in_another_alphabet() -> None:
    """A settings file whose name the terminal cannot show."""
    out, err = Stream("ascii"), Stream("ascii")
    status = main(["plan", "--settings", "設定.toml"], environ={}, terminal=Terminal(io.StringIO(), out, err))
    assert status == 1
    assert r"\u8a2d\u5b9a.toml" in err.text
