"""A connection that is lost: told where nobody knows what was done, made again where it does no harm."""

from __future__ import annotations

from pathlib import Path

import pytest

from dify_aws.host.errors import ConnectionLost, SessionRefused
from dify_aws.host.ssh.ssh_host import SshHost
from tests.support.fast_clock import FastClock
from tests.support.sshd import Exchange, Sshd


def drop_at_once(exchange: Exchange) -> None:
    """The command is taken, and the machine is gone."""
    exchange.drop()


def drop_in_the_middle(exchange: Exchange) -> None:
    """Half of what it has to say is out."""
    exchange.channel.sendall(b"half of ")
    exchange.channel.sendall_stderr(b"an error")
    exchange.drop()


def drop_before_the_end(exchange: Exchange) -> None:
    """All is said, and even the status is told, but not that this was all."""
    exchange.channel.sendall(b"a part")
    exchange.channel.send_exit_status(0)
    exchange.drop()


DROPS = [drop_at_once, drop_in_the_middle, drop_before_the_end]


@pytest.mark.parametrize("drop", DROPS, ids=lambda drop: drop.__name__)
def test_the_outcome_of_a_lost_command_is_unknown(host: SshHost, sshd: Sshd, drop: object) -> None:
    """It is never taken for done, nor done twice; the message says which one it was. The next one runs."""
    sshd.handlers.append(drop)  # type: ignore[arg-type]
    with pytest.raises(ConnectionLost, match="it is unknown whether it was done:\n  touch once") as failed:
        host.run("touch once\nexit 0")
    assert isinstance(failed.value, ConnectionError)
    assert len(sshd.commands) == 1
    assert host.must("echo there").stdout == "there\n"
    assert sshd.connections == 2


@pytest.mark.parametrize("drop", DROPS, ids=lambda drop: drop.__name__)
def test_a_lost_command_that_does_no_harm_twice_is_run_again(host: SshHost, sshd: Sshd, drop: object) -> None:
    """And what comes back is what the second one said, all of it, and nothing of the first."""
    sshd.handlers.append(drop)  # type: ignore[arg-type]
    result = host.run("echo whole", again=True)
    assert (result.stdout, result.stderr, result.status) == ("whole\n", "", 0)
    assert host.round_trips == 2


def test_it_is_not_run_again_forever(host: SshHost, sshd: Sshd) -> None:
    """A command that takes the machine down takes it down each time."""
    sshd.handlers.extend([drop_at_once] * 10)
    with pytest.raises(ConnectionLost):
        host.run("true", again=True)
    assert len(sshd.commands) == 4


def test_a_connection_that_was_lost_meanwhile_is_made_again(host: SshHost, sshd: Sshd) -> None:
    """Nothing was under way, so nothing is in doubt, whether it does harm or not."""
    host.run("true")
    for transport in sshd.transports:
        transport.close()
    assert host.run("echo there").stdout == "there\n"
    assert sshd.connections == 2


def test_a_lost_connection_is_retried_for_some_time(sshd: Sshd, clock: FastClock) -> None:
    """The machine reboots: it is gone for a while, and comes back."""
    with SshHost("127.0.0.1", key=sshd.user_key, host_key=sshd.host_key, port=sshd.port, clock=clock) as host:
        sshd.greetings.extend([lambda sock: False] * 4)
        sshd.handlers.append(drop_at_once)
        assert host.run("echo back", again=True).stdout == "back\n"
    assert len(clock.slept) == 4


def test_a_command_that_is_refused_is_no_lost_connection(host: SshHost, sshd: Sshd) -> None:
    """ForceCommand, or a shell that is no shell: told, not tried for ever."""
    sshd.runs_commands = False
    with pytest.raises(SessionRefused, match="ForceCommand"):
        host.run("true", again=True)
    assert sshd.connections == 1


def test_a_write_that_was_cut_leaves_the_old_file(host: SshHost, sshd: Sshd, tmp_path: Path) -> None:
    """The shell there sees the cut as the end of the data; nobody may take half of it for the whole."""
    path = tmp_path / "file"
    path.write_bytes(b"old")
    data = b"new" * 100_000

    def cut(exchange: Exchange) -> None:
        """A real shell runs it, and the connection is gone before all the data is through."""
        sshd.really_run(exchange, only=100_000)

    sshd.handlers.extend([cut] * 4)
    with pytest.raises(ConnectionLost):
        host.write(str(path), data, owner=sshd.owner)
    sshd.settle()
    assert path.read_bytes() == b"old"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bin", "file"]
    host.write(str(path), data, owner=sshd.owner)
    assert path.read_bytes() == data
