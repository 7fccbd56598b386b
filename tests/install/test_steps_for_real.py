"""File and Directory on a real file system: what the shell answers is what the cases say that it answers."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from dify_aws.host.converge import converge_host
from dify_aws.host.errors import InstallFailed
from dify_aws.host.step import Step
from dify_aws.host.steps.directory import Directory
from dify_aws.host.steps.file import File
from dify_aws.host.steps.path import LONGEST, AtPath, PathState
from tests.support.hosts import LocalHost

OWNER = f"{os.getuid()}:{os.getgid()}"


def test_a_path_is_shown_as_it_is(tmp_path: Path) -> None:
    """Nothing, a file, an empty file, a directory, a link, even one to nowhere."""
    (tmp_path / "file").write_bytes(b"a|b\n\xff")
    (tmp_path / "file").chmod(0o4751)
    (tmp_path / "empty").touch()
    (tmp_path / "folder").mkdir(mode=0o750)
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "broken").symlink_to("nowhere")
    facts = {name: AtPath(str(tmp_path / name)) for name in ("nothing", "file", "empty", "folder", "link", "broken")}
    result = LocalHost().ask(facts.values())
    states = {name: result[fact] for name, fact in facts.items()}
    assert states["nothing"] == PathState("nothing")
    assert (states["file"].kind, states["file"].mode, states["file"].data) == ("file", 0o4751, b"a|b\n\xff")
    assert states["file"].owned_by(OWNER)
    assert (states["empty"].kind, states["empty"].data) == ("file", b"")
    assert (states["folder"].kind, states["folder"].mode) == ("directory", 0o750)
    assert states["link"].description == states["broken"].description == "symbolic link"
    assert states["link"].data == b""


def test_a_folder_and_files_in_it(tmp_path: Path) -> None:
    """Made, then already so, in one round trip; then mended after somebody meddled."""
    top = tmp_path / "opt" / "dify"
    steps: list[Step] = [
        Directory(path=str(top), mode=0o750, owner=OWNER),
        File(path=f"{top}/it's.conf", data="a = 1\n", owner=OWNER),
        File(path=f"{top}/.env", data="A=1\n", mode=0o600, owner=OWNER, secret=True),
    ]
    host = LocalHost()
    assert converge_host(host, steps).named("done") == tuple(step.name for step in steps)
    assert stat.S_IMODE(top.stat().st_mode) == 0o750
    assert (top / ".env").read_text() == "A=1\n"

    again = converge_host(host, steps)
    assert not again
    assert again.round_trips == 1

    (top / ".env").chmod(0o644)
    (top / "it's.conf").write_text("a = 2\n")
    before = (top / ".env").stat().st_ino
    repaired = converge_host(host, steps)
    assert [str(change) for outcome in repaired for change in outcome.changes] == [
        "content: 1 line → 1 line",
        "mode: 0644 → 0600",
    ]
    assert (top / ".env").stat().st_ino == before
    assert not converge_host(host, steps)


def test_a_file_of_another_size_is_another_file(tmp_path: Path) -> None:
    """What is longer than what is read of it does not pass for its beginning."""
    data = b"x" * LONGEST
    (tmp_path / "file").write_bytes(data + b"more")
    step = File(path=str(tmp_path / "file"), data=data, owner=OWNER)
    assert converge_host(LocalHost(), [step])
    assert (tmp_path / "file").stat().st_size == LONGEST


def test_what_somebody_put_in_the_way_stays(tmp_path: Path) -> None:
    """A link is not followed, and not replaced: it may lead to what is worth keeping."""
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "file").symlink_to("precious")
    with pytest.raises(InstallFailed, match="is a symbolic link"):
        converge_host(LocalHost(), [File(path=str(tmp_path / "file"), data="a", owner=OWNER)])
    assert (tmp_path / "precious").read_text() == "precious"


@pytest.mark.parametrize(
    "wrong",
    [
        {"path": "relative"},
        {"path": "/opt/"},
        {"path": "/opt/../etc/passwd"},
        {"path": "/opt/..", "data": ""},
        {"mode": 0},
        {"mode": 0o10000},
        {"owner": "root"},
        {"owner": "root:root; rm"},
        {"owner": "-R:root"},
    ],
    ids=str,
)
def test_a_desired_state_that_no_host_can_have_is_refused_at_once(wrong: dict[str, object]) -> None:
    """When it is said, not when the machine is half done."""
    desired: dict[str, object] = {"path": "/opt/a", "data": "a"} | wrong
    with pytest.raises(ValueError, match=r"/opt|relative"):
        File(**desired)  # type: ignore[arg-type]
