"""Commands over SSH: what comes back, what goes in, several at a time, and what ends badly."""

from __future__ import annotations

import shlex
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dify_aws.host.errors import CommandFailed, CommandTimedOut, HostClosed, SessionRefused
from dify_aws.host.host import NO_STATUS
from dify_aws.host.ssh.ssh_host import SshHost
from tests.support.fast_clock import FastClock
from tests.support.sshd import Exchange, Sshd

MEGABYTE = 1_048_576


def test_a_command_comes_back_whole(host: SshHost) -> None:
    """Status, both streams, apart from each other, and what it took."""
    result = host.run("echo out; echo err >&2; exit 3")
    assert (result.status, result.stdout, result.stderr, result.ok) == (3, "out\n", "err\n", False)
    assert result.seconds > 0
    assert host.round_trips == 1


def test_a_script_is_strict_bash(host: SshHost) -> None:
    """What fails in the middle, or in a pipe, or is not set, is no success."""
    assert host.run("false; true").status == 1
    assert host.run("false | true").status == 1
    assert host.run('echo "$surely_not_set"').status != 0
    assert host.run("[[ ab == a* ]]").ok


def test_quotes_and_lines_arrive_as_they_are(host: SshHost) -> None:
    """A script goes through two shells on its way."""
    text = """it's "quoted" $HOME `id` \\ * ü\nand a second line"""
    assert host.must(f"printf %s {shlex.quote(text)}").stdout == text


def test_what_is_not_text_is_no_reason_to_fail(host: SshHost) -> None:
    """The bytes are there, and the text shows what can be shown."""
    result = host.run("printf 'caf\\351\\377'; printf '\\200' >&2")
    assert result.out == b"caf\xe9\xff"
    assert result.stdout == "caf\ufffd\ufffd"
    assert result.stderr == "\ufffd"


def test_fifty_megabytes_on_each_stream_while_it_reads(host: SshHost) -> None:
    """Whoever reads one stream after the other, or feeds first and reads then, waits here forever."""
    size = 50 * MEGABYTE
    script = f"head -c {size} /dev/zero & head -c {size} /dev/zero >&2 & cat | wc -c >counted; wait"
    result = host.must(script, stdin=b"x" * (4 * MEGABYTE), timeout=60)
    assert (len(result.out), len(result.err)) == (size, size)
    assert host.must("cat counted").stdout.strip() == str(4 * MEGABYTE)


def test_streams_in_turns_keep_their_own_order(host: SshHost) -> None:
    """Lines of both streams, one after the other, a thousand times."""
    result = host.must("for i in $(seq 1000); do echo o$i; echo e$i >&2; done")
    assert result.stdout.split() == [f"o{i}" for i in range(1, 1001)]
    assert result.stderr.split() == [f"e{i}" for i in range(1, 1001)]


def test_a_command_that_does_not_read_is_no_trouble(host: SshHost) -> None:
    """It ends before all of its input has been fed."""
    assert host.run("exit 5", stdin=b"x" * (8 * MEGABYTE)).status == 5


def test_a_command_that_never_ends_is_ended_there(host: SshHost, sshd: Sshd) -> None:
    """Not only forgotten here: what goes on running would hold apt's lock against the next run."""
    began = time.monotonic()
    with pytest.raises(CommandTimedOut, match=r"still running after 0\.3 s") as failed:
        host.run("echo begun; echo $$ >pid; sleep 60", timeout=0.3)
    assert time.monotonic() - began < 5
    assert failed.value.result.stdout == "begun\n"
    assert isinstance(failed.value, TimeoutError)
    pid = (sshd.folder / "pid").read_text().strip()
    assert not Path("/proc", pid).exists()


def test_a_host_that_hangs_is_not_waited_for(sshd: Sshd) -> None:
    """It took the command, and then neither ends it nor says anything, ever."""
    sshd.handlers.append(lambda exchange: None)
    with SshHost(
        "127.0.0.1", key=sshd.user_key, host_key=sshd.host_key, port=sshd.port, answer_seconds=0.5, end_seconds=0
    ) as host:
        with pytest.raises(CommandTimedOut, match="nothing was heard of it"):
            host.run("true", timeout=0.1)
        assert host.run("echo there").stdout == "there\n"


def test_an_exit_by_signal_is_reported(host: SshHost, sshd: Sshd) -> None:
    """There is no status then, and that is no success."""
    sshd.handlers.append(lambda exchange: exchange.end_by_signal("KILL"))
    result = host.run("true")
    assert result.status == NO_STATUS
    assert not result.ok
    sshd.handlers.append(lambda exchange: exchange.end_by_signal("KILL"))
    with pytest.raises(CommandFailed, match="was ended by a signal"):
        host.must("true")
    assert sshd.connections == 1


def test_a_failure_says_where_what_why_and_what_next(host: SshHost, sshd: Sshd) -> None:
    """All that a person needs, and no more lines than they read."""
    with pytest.raises(CommandFailed) as failed:
        host.must("for i in $(seq 99); do echo line $i >&2; done\nexit 7", advice="Look at the disk.")
    text = str(failed.value)
    assert text.startswith(f"ubuntu@127.0.0.1:{sshd.port}: exit status 7\n  for i in")
    assert "the last 20 of 99 lines of stderr:" in text
    assert "line 99\nLook at the disk." in text
    assert "line 79\n" not in text
    with pytest.raises(CommandFailed, match="stdout:\n  only this"):
        host.must("echo only this; exit 1")


def test_ten_at_a_time_on_one_connection(host: SshHost, sshd: Sshd) -> None:
    """Twenty commands from twenty threads: each gets its own answer, and the server never sees an eleventh."""
    with ThreadPoolExecutor(20) as threads:
        results = list(threads.map(lambda i: host.must(f"sleep 0.05; echo {i}").stdout.strip(), range(20)))
    assert results == [str(i) for i in range(20)]
    assert sshd.connections == 1
    assert 1 < sshd.most_sessions <= 10
    assert host.round_trips == 20


def test_a_server_that_allows_fewer_is_obeyed(tmp_path: Path) -> None:
    """MaxSessions 2: the others wait until it is their turn."""
    with (
        Sshd(tmp_path, max_sessions=2) as sshd,
        SshHost("127.0.0.1", key=sshd.user_key, host_key=sshd.host_key, port=sshd.port) as host,
        ThreadPoolExecutor(6) as threads,
    ):
        results = list(threads.map(lambda i: host.must(f"sleep 0.02; echo {i}").stdout.strip(), range(6)))
        assert sshd.most_sessions == 2
        assert sshd.connections == 1
    assert results == [str(i) for i in range(6)]


def test_a_server_that_allows_none_is_reported(tmp_path: Path, clock: FastClock) -> None:
    """It lets us in and runs nothing: one clear error, and not after an hour."""
    with (
        Sshd(tmp_path, max_sessions=0) as sshd,
        SshHost("127.0.0.1", key=sshd.user_key, host_key=sshd.host_key, port=sshd.port, clock=clock) as host,
        pytest.raises(SessionRefused, match="MaxSessions"),
    ):
        host.run("true")
    assert 55 < sum(clock.slept) < 65


def test_sudo_is_used_unless_it_is_switched_off(host: SshHost, sshd: Sshd) -> None:
    """It never waits for a password."""
    host.run("true")
    host.run("true", sudo=False)
    assert sshd.commands[0].startswith("sudo -n -H -- env LC_ALL=C.UTF-8 timeout --kill-after=10 600 bash ")
    assert sshd.commands[1].startswith("env LC_ALL=C.UTF-8 timeout ")


def test_a_script_that_no_command_line_can_hold_is_refused_here(host: SshHost) -> None:
    """Linux would say "Argument list too long", and nobody would know of what."""
    with pytest.raises(ValueError, match="give its data by stdin"):
        host.run("#" * 100_001)
    assert host.round_trips == 0


def test_nothing_runs_after_close(host: SshHost, sshd: Sshd) -> None:
    """A thread that is still at work does not open a new connection behind our back."""
    host.run("true")
    host.close()
    with pytest.raises(HostClosed):
        host.run("true", again=True)
    assert sshd.connections == 1


def test_closing_ends_what_is_running(host: SshHost, sshd: Sshd) -> None:
    """Ctrl-C does not wait for a pull of ten minutes."""
    began = time.monotonic()

    def close(exchange: Exchange) -> None:
        host.close()

    sshd.handlers.append(close)
    with pytest.raises(HostClosed):
        host.run("sleep 60", again=True)
    assert time.monotonic() - began < 5
