"""Secrets over SSH: they go in by stdin, and are in no argument, no log, no exception and no file that others read."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from dify_aws.change import Change
from dify_aws.host.converge import converge_host
from dify_aws.host.errors import CommandFailed, FactUnreadable, InstallFailed
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Host
from dify_aws.host.ssh.ssh_host import SshHost
from dify_aws.host.steps.file import File
from dify_aws.host.steps.path import AtPath
from dify_aws.secrets import Secret
from tests.support.hosts import ScriptedHost
from tests.support.sshd import Sshd

PASSWORD = "hunter2-but-longer"  # the value that may be nowhere
OLD_PASSWORD = "what-it-was-before"


class Everything(logging.Handler):
    """Every record, as a person with all logs switched on would read it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> Everything:
    """All that is logged, paramiko's own words included."""
    handler = Everything()
    for name in (None, "dify_aws.host.ssh.ssh_host.paramiko"):
        logger = logging.getLogger(name)
        monkeypatch.setattr(logger, "level", logging.DEBUG)
        logger.manager._clear_cache()  # type: ignore[attr-defined]
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [*root.handlers, handler])
    return handler


def test_a_secret_file_is_seen_by_nobody_on_its_way(
    host: SshHost, sshd: Sshd, tmp_path: Path, everything: Everything
) -> None:
    """Written, read, compared, changed, and shown as a diff."""
    path = tmp_path / ".env"
    path.write_text(f"NAME=dify\nPASSWORD={OLD_PASSWORD}\n")
    step = File(path=str(path), data=f"NAME=dify\nPASSWORD={PASSWORD}\n", mode=0o600, owner=sshd.owner, secret=True)
    events: list[object] = []
    dry = converge_host(host, [step], dry_run=True, listener=events.append)
    report = converge_host(host, [step], listener=events.append)
    assert host.read(str(path)) == f"NAME=dify\nPASSWORD={PASSWORD}\n".encode()
    assert path.stat().st_mode & 0o777 == 0o600
    assert "+PASSWORD=********" in str(dry)
    assert "-PASSWORD=********" in str(dry)

    seen = [*sshd.commands, *everything.lines, repr(step), repr(host), *map(repr, events)]
    for result in (dry, report):
        seen += [str(result), repr(result), result.to_json(), result._repr_mimebundle_()["text/html"]]
    assert any("mktemp" in command for command in sshd.commands)
    assert any("run" in line for line in everything.lines)
    assert any("Authentication (publickey) successful" in line for line in everything.lines)
    private = host_secret_lines(sshd)
    for secret in (PASSWORD, OLD_PASSWORD, *private):
        assert not [text for text in seen if secret in text]


def host_secret_lines(sshd: Sshd) -> list[str]:
    """The lines of the private key that say something."""
    return [line for line in sshd.user_key.reveal().splitlines() if not line.startswith("-----")]


def test_what_a_secret_command_says_is_not_reported(host: SshHost, everything: Everything) -> None:
    """Neither by its error nor by its result, however it is looked at."""
    with pytest.raises(CommandFailed, match="not shown, because it may contain secrets") as failed:
        host.must("cat; cat >&2 <&0; exit 1", stdin=PASSWORD.encode(), secret=True)
    assert failed.value.result.stdout == PASSWORD
    output = [*traceback.format_exception(failed.value), repr(failed.value.result), str(failed.value.result)]
    assert not [text for text in (*output, *everything.lines) if PASSWORD in text]


class Leaky:
    """A step whose command says a secret aloud when it fails, as programs do."""

    name = "leaky"
    needs = ()

    def facts(self) -> Sequence[Fact[Any]]:
        return ()

    def check(self, facts: Facts) -> Sequence[Change]:
        return (Change("password", OLD_PASSWORD, PASSWORD),)

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        host.must("cat >&2; exit 1", stdin=f"cannot log in with {PASSWORD}\n".encode())


def test_what_slips_out_of_a_command_is_masked_in_the_report(host: SshHost) -> None:
    """The secrets of the run are known, so none of them is shown by the report, the error or its traceback."""
    events: list[object] = []
    with pytest.raises(InstallFailed) as failed:
        converge_host(host, [Leaky()], secrets=[Secret(PASSWORD), Secret(OLD_PASSWORD)], listener=events.append)
    report = failed.value.report
    assert "cannot log in with ********" in str(failed.value)
    shown = [*traceback.format_exception(failed.value), str(report), repr(report), report.to_json(), *map(repr, events)]
    assert not [text for text in shown if PASSWORD in text or OLD_PASSWORD in text]


def test_an_answer_that_nobody_understands_is_not_shown_if_it_may_hold_secrets() -> None:
    """Shown if it may not, because then it helps."""
    answer = Answer(f"regular file|{PASSWORD}|root:root|0:0\n".encode())
    for secret in (False, True):
        fact = AtPath("/opt/dify/.env", secret=secret)
        with pytest.raises(FactUnreadable, match=r"path /opt/dify/\.env") as failed:
            Facts("here", {fact: answer})[fact]
        assert (PASSWORD in "".join(traceback.format_exception(failed.value))) is not secret


def test_a_secret_file_that_nobody_understands_is_not_shown() -> None:
    """The step says of its question what the wish says of the file."""
    step = File(path="/opt/dify/.env", data="", secret=True)
    host = ScriptedHost({"path /opt/dify/.env": Answer(PASSWORD.encode())})
    with pytest.raises(FactUnreadable) as failed:
        step.check(host.ask(step.facts()))
    assert PASSWORD not in "".join(traceback.format_exception(failed.value))


def test_a_file_is_never_wider_than_it_ends_up(host: SshHost, sshd: Sshd, tmp_path: Path) -> None:
    """Not even for the moment between its making and its chmod, whatever the umask of the login shell."""
    chmod = sshd.folder / "bin" / "chmod"
    chmod.write_text('#!/bin/sh\nfor last; do :; done\nstat -c %a "$last" >>modes\nexec /bin/chmod "$@"\n')
    chmod.chmod(0o755)
    host.write(str(tmp_path / "secret"), PASSWORD.encode(), mode=0o640, owner=sshd.owner)
    assert (tmp_path / "modes").read_text().split() == ["600"]
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o640
