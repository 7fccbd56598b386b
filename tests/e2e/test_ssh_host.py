"""SshHost against a real OpenSSH server, as Ubuntu runs it, which is cut off, killed and rebooted."""

import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import cast

import pytest

from dify_aws.host.errors import AuthenticationRefused, ConnectionLost, HostKeyMismatch, Unreachable
from dify_aws.host.ssh.host_key import FirstUse
from dify_aws.host.ssh.ssh_host import SshHost
from dify_aws.secrets import Secret
from tests.e2e.bed.bed import Bed
from tests.e2e.bed.keypair import KeyPair

MIB = 1 << 20
# All of the connections of the user, as an administrator or the kernel would end them.
KILL_SESSIONS = "pkill -KILL -u ubuntu -f sshd"


@pytest.fixture
def host(bed: Bed) -> Iterator[SshHost]:
    """Connected as soon as it is used, with the host key of the console pinned."""
    with SshHost(bed.host, bed.user, key=Secret(bed.key), host_key=bed.host_key, port=bed.port) as host:
        yield host


@pytest.fixture
def aside() -> Iterator[ThreadPoolExecutor]:
    """Where something runs while the test does something else."""
    with ThreadPoolExecutor(2) as threads:
        yield threads


def _until(observed: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not observed():
        assert time.monotonic() < until, "it was never so"
        time.sleep(0.05)


def _running(bed: Bed, name: str) -> Callable[[], bool]:
    """Whether a script has begun that makes this file."""
    return lambda: bed.inside(f"[ -e /run/{name} ] && echo yes || true") == "yes\n"


def test_the_key_of_first_use_is_one_that_the_console_shows_and_stays_pinned(bed: Bed) -> None:
    """It is told once, and a connection that is made again is held against it."""
    result: list[str] = []
    with SshHost(bed.host, bed.user, key=Secret(bed.key), host_key=FirstUse(result.append), port=bed.port) as host:
        host.must("true")
        bed.cut()
        host.must("true", again=True)
        assert host.host_key == result[0]
    assert len(result) == 1
    kind, blob = result[0].split()[:2]
    assert [kind, blob] in [line.split()[:2] for line in bed.host_key.splitlines()]


def test_another_host_key_is_refused(bed: Bed) -> None:
    """The real server shows a key that is not the pinned one: both are named, nothing is sent."""
    other = KeyPair.generate().public
    host = SshHost(bed.host, bed.user, key=Secret(bed.key), host_key=other, port=bed.port)
    with pytest.raises(HostKeyMismatch):
        host.must("true")


def test_another_user_key_is_refused_without_a_retry(bed: Bed) -> None:
    """A "no" of the server does not go away by waiting."""
    bed.inside("systemctl is-system-running --wait || true")
    other = KeyPair.generate().private
    host = SshHost(bed.host, bed.user, key=Secret(other), host_key=bed.host_key, port=bed.port)
    with pytest.raises(AuthenticationRefused):
        host.must("true")


def test_commands_run_as_root_with_their_status_and_both_streams(host: SshHost) -> None:
    """sudo without a password, and the status of the script."""
    result = host.run("id -un; echo bad >&2; exit 7")
    assert (result.stdout, result.stderr, result.status) == ("root\n", "bad\n", 7)


def test_a_file_is_replaced_and_never_rewritten(host: SshHost, bed: Bed) -> None:
    """Whoever has the old file open, here by another name, goes on to see all of it; the new one has its mode."""
    host.write("/etc/try.env", b"a" * MIB, mode=0o600)
    bed.inside("ln -f /etc/try.env /etc/held.env")
    host.write("/etc/try.env", b"b" * MIB, mode=0o600)
    assert host.read("/etc/held.env") == b"a" * MIB
    assert host.read("/etc/try.env") == b"b" * MIB
    assert bed.inside("stat -c '%a %U %G' /etc/try.env") == "600 root root\n"


def test_a_write_that_is_cut_off_is_done_again(host: SshHost, bed: Bed, aside: ThreadPoolExecutor) -> None:
    """While half of it has arrived the old one is there, and what has arrived is for root only; then the new one is."""
    folder = "/srv/cut"
    bed.inside(f"mkdir -p {folder}")
    host.write(f"{folder}/try.env", b"old", mode=0o600)
    with bed.far(1.0):
        writing = aside.submit(host.write, f"{folder}/try.env", b"x" * 20 * MIB, mode=0o600)
        look = f"find {folder} -name '.*' -size +0 -printf '%m\\n'; cat {folder}/try.env"
        seen: list[str] = []

        def half_there() -> bool:
            seen[:] = bed.inside(look).splitlines()
            return len(seen) > 1

        _until(half_there)
        bed.cut()
    writing.result()
    assert seen == ["600", "old"]
    assert host.read(f"{folder}/try.env") == b"x" * 20 * MIB
    assert bed.inside(f"ls -A {folder}") == "try.env\n"


def test_a_secret_is_in_no_process_list(host: SshHost, bed: Bed, aside: ThreadPoolExecutor) -> None:
    """Nor in an environment: what goes in by stdin is seen by nobody else, while the script itself is seen."""
    secret = "correct-horse-battery-staple"
    running = aside.submit(
        host.must, "touch /run/secretive; sleep 2; cat >/dev/null", stdin=secret.encode(), secret=True
    )
    _until(_running(bed, "secretive"))
    listed = bed.inside("ps axww -o args; cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' || true")
    assert not running.done()
    running.result()
    assert "touch /run/secretive" in listed
    assert secret not in listed


def test_50_mb_come_over_in_one_piece(host: SshHost) -> None:
    """None is lost, and the end is the end."""
    result = host.must(f"head -c {50 * MIB} /dev/zero | tr '\\0' x; echo end")
    assert len(result.out) == 50 * MIB + len("end\n")
    assert result.out.endswith(b"xend\n")


@pytest.mark.parametrize("end", [KILL_SESSIONS, ""], ids=["sshd killed", "connection reset"])
def test_what_does_no_harm_twice_is_run_again_on_a_new_connection(
    host: SshHost, bed: Bed, aside: ThreadPoolExecutor, end: str
) -> None:
    """The connection breaks in the middle of a command; the caller notices nothing."""
    bed.inside("rm -f /run/begun")
    script = "[ -e /run/begun ] && again=yes || again=no; touch /run/begun; [ $again = yes ] || sleep 60; echo $again"
    running = aside.submit(host.must, script, again=True)
    _until(_running(bed, "begun"))
    bed.inside(end) if end else bed.cut()
    assert running.result().stdout == "yes\n"


def test_what_may_do_harm_twice_is_not(host: SshHost, bed: Bed, aside: ThreadPoolExecutor) -> None:
    """The caller is told that nobody knows, and the next command has a connection again."""
    bed.inside("rm -f /run/harmful")
    running = aside.submit(host.must, "echo once >>/run/harmful; sleep 60")
    _until(_running(bed, "harmful"))
    bed.inside(KILL_SESSIONS)
    with pytest.raises(ConnectionLost):
        running.result()
    assert host.must("cat /run/harmful").stdout == "once\n"


def test_a_reboot_is_waited_out(host: SshHost) -> None:
    """What is asked for while the machine is down is answered when it is up again."""
    boot = "cat /proc/sys/kernel/random/boot_id"
    before = host.must(boot).stdout
    host.run("systemd-run --on-active=100ms --timer-property=AccuracySec=10ms systemctl reboot")
    until = time.monotonic() + 60
    while (after := host.must(boot, again=True).stdout) == before:
        assert time.monotonic() < until, "it never went down"
        time.sleep(0.1)
    assert after


def test_a_distance_of_50_ms_costs_one_round_trip_a_command(host: SshHost, bed: Bed) -> None:
    """The bed can be far away, which is how the speed of an installation is measured."""
    host.must("true")
    with bed.far(0.05):
        began = time.monotonic()
        host.must("true")
        took = time.monotonic() - began
    assert 0.1 <= took < 1  # opening the channel and the command itself


@pytest.mark.parametrize(
    ("only", "wrong"),
    [
        ("MACs=hmac-sha1 -o Ciphers=aes128-ctr", "no acceptable macs"),
        ("KexAlgorithms=diffie-hellman-group14-sha1", "no acceptable kex"),
        ("HostKeyAlgorithms=ssh-rsa", "no acceptable host key"),
    ],
    ids=["MAC", "key exchange", "signature of the host"],
)
def test_a_server_that_offers_only_sha1_is_refused(only: str, wrong: str, bed: Bed) -> None:
    """A second sshd beside the machine's own, reached through the first: it would talk to whoever takes SHA-1."""
    bed.inside(
        "mkdir -p /run/sshd; [ -e /run/sha1_key ] || ssh-keygen -q -t rsa -b 2048 -N '' -f /run/sha1_key;"
        f"systemd-run --quiet --unit=sha1 --collect /usr/sbin/sshd -D -p 2222 -h /run/sha1_key -o {only}"
    )
    try:
        with SshHost(bed.host, bed.user, key=Secret(bed.key), host_key=bed.host_key, port=bed.port) as first:
            through = first._connection
            assert through

            def tunnel() -> socket.socket:
                channel = through.open_channel("direct-tcpip", ("127.0.0.1", 2222), ("127.0.0.1", 0))
                return cast(socket.socket, channel)  # as much of one as paramiko asks for

            pinned = bed.inside("cat /run/sha1_key.pub")
            host = SshHost("beside", bed.user, key=Secret(bed.key), host_key=pinned, sock=tunnel, connect_seconds=10)
            with pytest.raises(Unreachable, match=wrong):
                host.must("true")
    finally:
        bed.inside("systemctl stop sha1")
