"""The examples: each is run as a person runs it, and does what it says."""

from __future__ import annotations

import io
import re
import runpy
import tomllib
from collections.abc import Iterator
from pathlib import Path

import boto3
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


@pytest.fixture
def own_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A folder with the settings that people copy, where boto3 finds an account: that of an offline world."""
    (tmp_path / "settings.toml").write_text((EXAMPLES / "settings.toml").read_text())
    monkeypatch.chdir(tmp_path)
    with dify_aws.offline() as world:
        monkeypatch.setattr(boto3, "Session", lambda **_: world.session)
        yield


def answered(monkeypatch: pytest.MonkeyPatch, answer: str, *arguments: str) -> None:
    """Somebody gives these arguments, and this answer to what is asked."""
    monkeypatch.setattr("sys.argv", ["example", *arguments])
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{answer}\n"))


@pytest.mark.usefixtures("own_account")
def test_deploy_asks_and_destroy_leaves_the_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No: nothing is done. Yes: Dify is there. The wrong name: it stays. The right one: only its data stays."""
    settings = dify_aws.Settings.from_file("settings.toml")

    answered(monkeypatch, "n", "settings.toml")
    assert "to create" in run("deploy.py", capsys)
    assert not dify_aws.Deployment(settings).plan_destroy(delete_data=True)

    answered(monkeypatch, "y")
    told = run("deploy.py", capsys)
    assert "✓" in told
    assert f"http://{dify_aws.Deployment(settings).outputs().public_ip}" in told

    answered(monkeypatch, "prod", "settings.toml")
    assert run("destroy.py", capsys).endswith("Nothing was changed.\n")

    answered(monkeypatch, "dev", "settings.toml")
    assert "volume/data" in run("destroy.py", capsys).partition("kept")[2]

    answered(monkeypatch, "dev", "settings.toml", "--delete-data")
    run("destroy.py", capsys)
    assert not dify_aws.Deployment(settings).plan_destroy(delete_data=True)


@pytest.mark.usefixtures("own_account")
def test_foundation_asks_and_tells_the_role(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No: nothing is done. Yes: the role is told, for jobs of GitHub's environments only. Again: no question."""
    mine = dify_aws.Foundation("ap-northeast-1", "octocat/dify")

    answered(monkeypatch, "n", "octocat/dify")
    assert "to create" in run("foundation.py", capsys)
    with pytest.raises(dify_aws.DifyAwsError, match="not complete"):
        mine.outputs()

    answered(monkeypatch, "y", "octocat/dify", "ap-northeast-1")
    told = run("foundation.py", capsys)
    assert told.endswith("".join(f"{name}: {role}\n" for name, role in mine.outputs().github_roles.items()))
    assert not mine.plan()

    answered(monkeypatch, "", "octocat/dify")
    assert "nothing to do" in run("foundation.py", capsys)


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
    # These have no value by default, so the file shows how one would look.
    postgresql = {f"postgres_{what}" for what in ("memory_mib", "shared_buffers_mib", "max_connections")}
    examples = {"availability_zone", "domain", "email", "image_id", "internal_hosts", *postgresql}
    examples |= {"image_registry", "registry_secret", "release"}
    defaults = {name: value for name, value in shown.items() if name not in examples}
    assert len(defaults) > 4
    usual = dify_aws.Settings(environment="dev")
    assert defaults == {name: getattr(usual, name) for name in defaults}
