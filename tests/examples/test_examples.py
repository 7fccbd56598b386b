"""The examples: each is run like a person runs it, and does what its docstring says."""

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


def test_quickstart_creates_everything_once_and_deletes_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The first deploy makes the planned changes and installs Dify, the second changes nothing, and nothing is left."""
    output = run("quickstart.py", capsys)
    first, second = output.split("3. Deploy again")
    planned = re.search(r"(\d+) to create", first)
    assert planned
    assert f"{planned[1]} created" in first
    assert re.search(r"\d+ done, \d+ already so", first)
    again = second.partition("4. Outputs")[0]
    assert "nothing to do" in again
    assert "done" not in again
    assert "kept: bucket/storage" in output
    assert "kept: volume/data" in output
    assert output.endswith("Nothing is left.\n")


@pytest.fixture
def own_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A directory with the example settings, in which boto3 finds the account of an offline world."""
    (tmp_path / "settings.toml").write_text((EXAMPLES / "settings.toml").read_text())
    monkeypatch.chdir(tmp_path)
    with dify_aws.offline() as world:
        monkeypatch.setattr(boto3, "Session", lambda **_: world.session)
        yield


def type_answer(monkeypatch: pytest.MonkeyPatch, answer: str, *arguments: str) -> None:
    """Sets the arguments of the program and the answer to its question."""
    monkeypatch.setattr("sys.argv", ["example", *arguments])
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{answer}\n"))


@pytest.mark.usefixtures("own_account")
def test_deploy_asks_and_destroy_keeps_the_data(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No: no changes. Yes: Dify is deployed. The wrong name: no changes. The right name: only the data is kept."""
    settings = dify_aws.Settings.from_file("settings.toml")

    type_answer(monkeypatch, "n", "settings.toml")
    assert "to create" in run("deploy.py", capsys)
    assert not dify_aws.Deployment(settings).plan_destroy(delete_data=True)

    type_answer(monkeypatch, "y")
    output = run("deploy.py", capsys)
    assert "✓" in output
    assert f"http://{dify_aws.Deployment(settings).outputs().public_ip}" in output

    type_answer(monkeypatch, "prod", "settings.toml")
    assert run("destroy.py", capsys).endswith("Nothing was changed.\n")

    type_answer(monkeypatch, "dev", "settings.toml")
    assert "volume/data" in run("destroy.py", capsys).partition("kept")[2]

    type_answer(monkeypatch, "dev", "settings.toml", "--delete-data")
    run("destroy.py", capsys)
    assert not dify_aws.Deployment(settings).plan_destroy(delete_data=True)


@pytest.mark.usefixtures("own_account")
def test_foundation_asks_and_prints_the_roles(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No: no changes. Yes: it prints the roles of GitHub's environments. Again: no question."""
    foundation = dify_aws.Foundation("ap-northeast-1", "octocat/dify")

    type_answer(monkeypatch, "n", "octocat/dify")
    assert "to create" in run("foundation.py", capsys)
    with pytest.raises(dify_aws.DifyAwsError, match="not complete"):
        foundation.outputs()

    type_answer(monkeypatch, "y", "octocat/dify", "ap-northeast-1")
    output = run("foundation.py", capsys)
    assert output.endswith("".join(f"{name}: {role}\n" for name, role in foundation.outputs().github_roles.items()))
    assert not foundation.plan()

    type_answer(monkeypatch, "", "octocat/dify")
    assert "nothing to do" in run("foundation.py", capsys)


def test_own_stack_corrects_drift(capsys: pytest.CaptureFixture[str]) -> None:
    """A stack that has nothing to do with Dify is created, corrected and deleted."""
    output = run("own_stack.py", capsys)
    assert "9 created" in output
    assert "threshold: 99 → 80" in output
    assert "1 updated" in output
    assert "9 deleted" in output


def test_settings_file_can_be_read() -> None:
    """dify_aws accepts the file, and the values that are commented out in it are the defaults."""
    file = EXAMPLES / "settings.toml"
    assert dify_aws.Settings.from_file(file).data_volume_gib == 100
    shown = tomllib.loads("\n".join(re.findall(r"^# (\w+ = .*)", file.read_text(), re.MULTILINE)))
    # These have no value by default, so the file shows an example.
    postgresql = {f"postgres_{what}" for what in ("memory_mib", "shared_buffers_mib", "max_connections")}
    examples = {"availability_zone", "domain", "email", "image_id", "internal_hosts", *postgresql}
    examples |= {"image_registry", "registry_secret", "release", "concurrency"}
    defaults = {name: value for name, value in shown.items() if name not in examples}
    assert len(defaults) > 4
    usual = dify_aws.Settings(environment="dev")
    assert defaults == {name: getattr(usual, name) for name in defaults}
