"""The command line in a pseudo-terminal: what a person types, sees and interrupts. One offline world lasts for all."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pexpect
import pytest

from dify_aws.cli.offline_world import WorldClient, socket_path, start

ROOT = Path(__file__).parents[2]
SECONDS = 60
Spawn = Callable[..., Any]


@pytest.fixture(scope="module")
def environ() -> Iterator[Mapping[str, str]]:
    """The environment variables of somebody without an AWS account, whose offline world is open."""
    # The path of a socket has to be short.
    with tempfile.TemporaryDirectory(prefix="dw") as folder:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "DIFY_AWS_"))}
        environ |= {"XDG_RUNTIME_DIR": folder, "PYTHONPATH": str(ROOT), "TERM": "xterm", "DIFY_AWS_ENVIRONMENT": "dev"}
        environ |= {"HOME": folder, "LANG": "C.UTF-8"}
        start(environ, 60)
        try:
            yield environ
        finally:
            world = WorldClient.connect(environ)
            assert world is not None, "the offline world has died meanwhile"
            with world:
                world.stop()
            assert not socket_path(environ).exists()


@pytest.fixture
def spawn(environ: Mapping[str, str], tmp_path: Path) -> Spawn:
    """Give a command in a terminal."""

    def spawn(words: str, *, columns: int = 100) -> Any:
        return pexpect.spawn(
            sys.executable,
            ["-m", "dify_aws", *words.split()],
            env=dict(environ),
            cwd=str(tmp_path),
            dimensions=(40, columns),
            timeout=SECONDS,
            encoding="utf-8",
        )

    return spawn


def ended(child: Any) -> tuple[int, str]:
    """The exit status, and the rest of what was on the screen, without colours."""
    rest = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", child.read()).replace("\r\n", "\n")
    child.close()
    return child.exitstatus, rest


def test_from_the_question_to_ctrl_c_to_the_end(spawn: Spawn) -> None:
    """Nobody agrees; somebody agrees and interrupts; the same command resumes; other commands find what was made."""
    child = spawn("apply --offline")
    child.expect_exact("dify/dev in ap-northeast-1; settings: DIFY_AWS_ENVIRONMENT; offline")
    child.expect_exact("Do this? [yes/no]")
    child.sendline("no")
    assert ended(child)[0] == 1
    status, rest = ended(spawn("status --offline"))
    assert (status, "there is no dify/dev in ap-northeast-1" in rest) == (0, True)

    child = spawn("apply --offline")
    child.expect_exact("Do this? [yes/no]")
    child.sendline("yes")
    child.expect(r"✓[^\n]*subnet/public")
    child.sendintr()
    child.expect_exact("interrupted")
    status, rest = ended(child)
    assert status == 130
    done, not_done, costs = [line for line in rest.splitlines() if line][-3:]
    assert done.startswith("done: ")
    assert {"vpc/main", "subnet/public"} <= set(done.removeprefix("done: ").split(", "))
    assert "alarm/cpu" in not_done
    assert not_done.startswith("not done: ")
    assert "costs money now" in costs or "fixed cost" in costs
    assert costs.endswith("To resume, run: dify-aws apply --offline")

    status, rest = ended(spawn("apply --offline --yes"))
    assert status == 0, rest
    assert "vpc/main" not in [line.split()[-1] for line in rest.splitlines() if line.startswith("✓")]
    status, rest = ended(spawn("status --offline"))
    assert (status, "is running" in rest) == (0, True)


def test_forty_columns_are_enough(spawn: Spawn) -> None:
    """Nothing is cut off, and nothing runs over the edge."""
    status, rest = ended(spawn("plan --offline --environment narrow", columns=40))
    assert status == 2
    lines = rest.splitlines()
    assert max(map(len, lines[2:])) <= 40
    assert "vpc-endpoint/s3" in rest
    assert "10.0.0.0/16" in rest


def test_bash_completes_commands_and_options(spawn: Spawn, environ: Mapping[str, str], tmp_path: Path) -> None:
    """The script is sourced as the page says."""
    status, script = ended(spawn("completion bash"))
    assert status == 0
    (tmp_path / "completion").write_text(script)
    child = pexpect.spawn(
        "bash", ["--norc", "--noprofile"], env={**environ, "PS1": "$ "}, cwd=str(tmp_path), timeout=10
    )
    child.sendline("bind 'set enable-bracketed-paste off'; source ./completion; echo ready")
    child.expect(rb"[\r\n]ready\r")
    child.send("dify-aws reset-\t")
    child.expect_exact(b"reset-admin-password")
    child.sendcontrol("u")
    child.send("dify-aws destroy --delete-\t")
    child.expect_exact(b"--delete-data")
    child.close(force=True)
