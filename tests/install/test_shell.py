"""What a host with a real shell does: read, write in one step, and answer many questions at once."""

from __future__ import annotations

import os
import re
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dify_aws.host.errors import CommandFailed, FactUnreadable
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Result
from tests.support.hosts import LocalHost

OWNER = f"{os.getuid()}:{os.getgid()}"
AWKWARD = ["plain", "with space", "it's", '"quoted"', "-dash", "$HOME", "ü", "*", "semi;colon"]


@dataclass(frozen=True)
class Says(Fact[Answer]):
    """Whatever these lines of shell say."""

    lines: str

    @property
    def name(self) -> str:
        return f"says {self.lines}"

    @property
    def script(self) -> str:
        return self.lines

    def read(self, answer: Answer) -> Answer:
        return answer


@pytest.mark.parametrize("name", AWKWARD)
def test_a_file_comes_back_as_it_was_written(tmp_path: Path, name: str) -> None:
    """Every byte of it, whatever it is called; and nothing else is left in the directory."""
    host, path, data = LocalHost(), tmp_path / name, bytes(range(256)) * 5
    host.write(str(path), data, mode=0o640, owner=OWNER)
    assert path.read_bytes() == data
    assert host.read(str(path)) == data
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    """Not the same as none."""
    host, path = LocalHost(), tmp_path / "empty"
    assert host.read(str(path)) is None
    host.write(str(path), b"", owner=OWNER)
    assert host.read(str(path)) == b""


def test_a_file_that_cannot_be_read_is_no_absent_one(tmp_path: Path) -> None:
    """To take an error for "not there" would make everything anew."""
    with pytest.raises(CommandFailed, match="Is a directory"):
        LocalHost().read(str(tmp_path))


def test_a_directory_is_not_written_over(tmp_path: Path) -> None:
    """A rename would put the file into it, and say that all is well."""
    (tmp_path / "there").mkdir()
    with pytest.raises(CommandFailed, match="directory"):
        LocalHost().write(str(tmp_path / "there"), b"data", owner=OWNER)
    assert list((tmp_path / "there").iterdir()) == []
    assert [each.name for each in tmp_path.iterdir()] == ["there"]


@pytest.mark.parametrize("tool", ["cat", "chown", "chmod", "sync", "mv"])
def test_a_write_that_fails_anywhere_leaves_what_was_there(tmp_path: Path, tool: str) -> None:
    """A full disk, most of all. The old file is whole, and no half of a new one lies beside it."""
    tools, place = tmp_path / "bin", tmp_path / "place"
    tools.mkdir()
    place.mkdir()
    (tools / tool).write_text("#!/bin/sh\necho No space left on device >&2\nexit 1\n")
    (tools / tool).chmod(0o755)
    (place / "file").write_bytes(b"old")
    with pytest.raises(CommandFailed, match="No space left on device"):
        LocalHost(tools).write(str(place / "file"), b"new", owner=OWNER)
    assert (place / "file").read_bytes() == b"old"
    assert [each.name for each in place.iterdir()] == ["file"]


def test_a_file_is_on_the_disk_before_it_is_in_its_place(tmp_path: Path) -> None:
    """After a power cut there is the old file or the new one, and never an empty one: sync, rename, sync."""
    tools, place = tmp_path / "bin", tmp_path / "place"
    tools.mkdir()
    place.mkdir()
    for tool in ("sync", "mv"):
        (tools / tool).write_text(f'#!/bin/sh\necho {tool} "$@" >>{tmp_path}/done\nexec {shutil.which(tool)} "$@"\n')
        (tools / tool).chmod(0o755)
    LocalHost(tools).write(str(place / "file"), b"new", owner=OWNER)
    temporary = rf"{place}/\.file\.dify-aws\.\w+"
    done = f"sync -- ({temporary})\nmv -fT -- \\1 {place}/file\nsync -- {place}\n"
    assert re.fullmatch(done, (tmp_path / "done").read_text())


def test_what_a_killed_write_left_is_swept_by_the_next(tmp_path: Path) -> None:
    """A power cut asks nobody to tidy up."""
    (tmp_path / ".file.dify-aws.aBcDeFgH").write_bytes(b"half")
    (tmp_path / ".other.dify-aws.aBcDeFgH").write_bytes(b"not ours")
    LocalHost().write(str(tmp_path / "file"), b"new", owner=OWNER)
    assert sorted(each.name for each in tmp_path.iterdir()) == [".other.dify-aws.aBcDeFgH", "file"]


def test_many_questions_are_one_round_trip() -> None:
    """Each answer is its own: bytes, status and errors, with or without a line end, empty or not."""
    facts = [
        Says("printf one"),
        Says("echo two; echo oops >&2; exit 3"),
        Says("true"),
        Says("printf '\\000\\377\\n\\n'"),
        Says("cat; cd /nowhere; exit"),
        Says("surely_no_such_command"),
        Says("echo 'it''s' \"$(echo quoted)\""),
    ]
    host = LocalHost()
    result = host.ask(facts)
    assert host.round_trips == 1
    assert [result[fact].out for fact in facts] == [b"one", b"two\n", b"", b"\0\xff\n\n", b"", b"", b"its quoted\n"]
    assert [result[fact].status for fact in facts] == [0, 3, 0, 0, 1, 127, 0]
    assert result[facts[1]].err == b"oops\n"
    assert result[facts[0]].err == b""
    assert b"not found" in result[facts[5]].err


def test_the_same_fact_is_queried_once(tmp_path: Path) -> None:
    """Two steps that want to know the same share the answer."""
    counted = tmp_path / "counted"
    result = LocalHost().ask([Says(f"echo x >>{counted}; echo y"), Says(f"echo x >>{counted}; echo y")])
    assert counted.read_text() == "x\n"
    assert result[Says(f"echo x >>{counted}; echo y")].text == "y"


def test_no_question_is_no_round_trip() -> None:
    """Steps that ask nothing cost nothing."""
    host = LocalHost()
    host.ask([])
    assert host.round_trips == 0


def test_more_questions_than_a_command_line_can_hold() -> None:
    """A hundred kilobytes of them."""
    facts = [Says(f"echo {i} # {'x' * 2000}") for i in range(60)]
    result = LocalHost().ask(facts)
    assert [result[fact].text for fact in facts] == [str(i) for i in range(60)]


def test_an_answer_that_breaks_off_is_no_answer(tmp_path: Path) -> None:
    """A host that ran out of memory half way: nobody takes the rest for empty."""
    real = shutil.which("timeout")
    killing = f'#!/bin/sh\nfor last; do :; done\n[ "$last" != "echo two" ] || kill -9 $PPID\nexec {real} "$@"\n'
    (tmp_path / "timeout").write_text(killing)
    (tmp_path / "timeout").chmod(0o755)
    host = LocalHost(tmp_path)
    assert host.ask([Says("echo one")])[Says("echo one")].text == "one"
    with pytest.raises(CommandFailed):
        host.ask([Says("echo one"), Says("echo two"), Says("echo three")])


@pytest.mark.parametrize("text", [b"", b"nothing of the kind"])
def test_an_answer_to_something_else_is_no_answer(text: bytes) -> None:
    """A forced command that says its own thing and ends well, as some images have."""

    class Deaf(LocalHost):
        def execute(self, script: str, command: str, **how: Any) -> Result:
            return Result(script, 0, text)

    with pytest.raises(FactUnreadable, match="1 facts were requested, and 0 came back"):
        Deaf().ask([Says("echo one")])


def test_a_question_that_hangs_is_reported_by_its_name() -> None:
    """And does not take the others with it."""
    facts = Facts("here", {Says("a"): Answer(status=124), Says("b"): Answer(b"b")})
    with pytest.raises(FactUnreadable, match=r"thought about 'says a' for more than 60 s"):
        facts[Says("a")]
    assert facts[Says("b")].text == "b"
