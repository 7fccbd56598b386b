"""From an empty folder to the first login: init, password, open, ssh."""

from __future__ import annotations

import json
import os
import stat
import tomllib
import webbrowser
from pathlib import Path

import pytest

from dify_aws import Deployment, DifyAwsError, Settings
from dify_aws.offline.world import World
from tests.support.shell import Shell

SETTINGS = Settings(environment="dev", nat_gateway=False, admin_email="you@your-company.com")
TOML = 'environment = "dev"\nnat_gateway = false\nadmin_email = "you@your-company.com"\n'


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def shell(world: World, place: Path) -> Shell:
    """In a folder with a settings file, with Dify installed."""
    Path("settings.toml").write_text(TOML)
    Deployment(SETTINGS, session=world.session).deploy()
    return Shell(world.session, environ={})


def test_init_asks_five_questions_and_shows_the_bill(place: Path) -> None:
    """A wrong answer is explained and asked again; no AWS account is needed; a file that is there stays."""
    typed = "prod\nmars\neu-west-1\nyou@your-company.com\ndify.your-company.com\n203.0.113.0/24\n\n"
    result = Shell(session=object(), environ={})("init", typed=typed)
    assert result.status == 0, result.err
    assert "region = 'mars'" in result.err
    written = tomllib.loads(Path("settings.toml").read_text())
    assert Settings.from_file("settings.toml") == Settings(**written)
    assert (written["region"], written["domain"], written["email"], written["nat_gateway"]) == (
        "eu-west-1",
        "dify.your-company.com",
        "you@your-company.com",
        False,
    )
    assert "does not let the certificate authority in" in result.err
    assert written["web_cidrs"] == ["0.0.0.0/0"]
    assert "EC2 t3.medium" in result.out
    again = Shell(session=object(), environ={})("init", typed="\n" * 5)
    assert (again.status, "is there already" in again.err) == (1, True)
    ended = Shell(session=object(), environ={})("init other.toml", typed="dev\n")
    assert (ended.status, Path("other.toml").exists()) == (1, False)


def test_the_password_is_all_that_is_on_stdout(shell: Shell, world: World) -> None:
    """So it can be piped; whoever only prints the value in Python does not see it."""
    secret = world.session.client("secretsmanager").get_secret_value(SecretId="dify/dev/application")["SecretString"]
    right = json.loads(secret)["admin_password"]
    result = shell("password")
    assert (result.status, result.out) == (0, f"{right}\n")
    assert "http://" in result.err
    assert right not in result.err
    assert json.loads(shell("password --json").out)["password"] == right
    login = Deployment(SETTINGS, session=world.session).password()
    assert login.password.reveal() == right
    assert right not in f"{login} {login!r}"


def test_open_opens_what_outputs_names(shell: Shell, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """And shows it, for a computer without a browser."""
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url))
    result = shell("open")
    url = Deployment(SETTINGS, session=world.session).outputs().url
    assert (result.status, result.out, opened) == (0, f"{url}\n", [url])
    assert "no browser" in result.err


def test_ssh_has_key_and_host_key_and_an_open_port_only_meanwhile(
    shell: Shell, world: World, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here a program stands for OpenSSH's: it keeps what it was given, and ends with a status of its own."""
    programs = place / "bin"
    programs.mkdir()
    program = programs / "ssh"
    program.write_text(
        '#!/bin/sh\nprintf "%s\\n" "$@" > given; stat -c %a "$2" > mode; head -1 "$2" > first\n'
        'for word; do case $word in UserKnownHostsFile=*) cat "${word#*=}" > known;; esac; done; exit 7\n'
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    result = shell("ssh --minutes 5 -- docker ps")
    assert result.status == 7, result.err
    outputs = Deployment(SETTINGS, session=world.session).outputs()
    given = Path("given").read_text().splitlines()
    assert given[-3:] == [f"ubuntu@{outputs.public_ip}", "docker", "ps"]
    assert "StrictHostKeyChecking=yes" in given
    assert Path("mode").read_text() == "600\n"
    assert "PRIVATE KEY" in Path("first").read_text()
    assert Path("known").read_text().startswith(f"{outputs.public_ip} ssh-ed25519 ")
    assert not Path(given[1]).exists()
    assert json.loads(shell("status --json").out)["open_accesses"] == []


def test_without_a_program_ssh_it_says_so(shell: Shell, monkeypatch: pytest.MonkeyPatch, place: Path) -> None:
    """And the port is closed again."""
    monkeypatch.setenv("PATH", str(place))
    result = shell("ssh")
    assert (result.status, "install the client of OpenSSH" in result.err) == (1, True)
    assert json.loads(shell("status --json").out)["open_accesses"] == []


def test_before_the_installation_there_is_no_password(world: World, place: Path) -> None:
    """And the error says what makes one."""
    of = Deployment(SETTINGS, session=world.session)
    of.apply()
    with pytest.raises(DifyAwsError, match=r"deploy\(\) does that"):
        of.password()
