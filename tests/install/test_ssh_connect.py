"""Connecting over SSH: patience with what passes, none with what does not, and a host key that is always verified."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import paramiko
import pytest

from dify_aws.host.errors import AuthenticationRefused, HostClosed, HostKeyMismatch, Unreachable
from dify_aws.host.ssh import tcp
from dify_aws.host.ssh.algorithms import CIPHERS, DIGESTS, KEX, SHA1, SIGNATURES, signatures
from dify_aws.host.ssh.host_key import FirstUse, host_keys
from dify_aws.host.ssh.ssh_host import SshHost
from dify_aws.resources.ec2.ssh_key import new_ssh_key
from dify_aws.secrets import Secret
from tests.support.fast_clock import FastClock
from tests.support.sshd import Sshd

# Keys of nobody, made for this test.
RSA_LINE = (
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7vbqajDw4o6gJy8UtmIbkcpnkO3Kwc4qsEnSZp/TR+fQi62F79RHWmwKOtFmwteURgLbj7D/"
    "WGuNLGOfa/2vse3G2eHnHl5CB8ruRX9fBl/KgwCVr2JaEuUm66bBQeP5XeBotdR4cvX38uPYivCDdPjJ1QWPdspTBKcxeFbccDw== root@ip"
)

DSA_LINE = "ssh-dss AAAAB3NzaC1kc3MAAAAB root@ip"


def test_a_machine_that_boots_is_waited_for(tmp_path: Path, clock: FastClock) -> None:
    """First nobody listens, then something hangs up, then something says nothing; then there is SSH."""
    sshd = Sshd(tmp_path)
    sshd.greetings.extend([lambda sock: False, lambda sock: bool(sock.send(b"not SSH\r\n")) and False])
    clock.on_sleep = lambda count: sshd.start() if count == 3 else None
    try:
        with SshHost("127.0.0.1", key=sshd.user_key, host_key=sshd.host_key, port=sshd.port, clock=clock) as host:
            assert host.must("echo up").stdout == "up\n"
    finally:
        sshd.stop()
    assert len(clock.slept) == 5
    assert sshd.connections == 3
    assert clock.slept == sorted(clock.slept)


def test_a_server_that_says_nothing_is_tried_again(sshd: Sshd, clock: FastClock) -> None:
    """TCP is there long before SSH is: the kernel answers, and nobody accepts."""
    over = threading.Event()
    sshd.greetings.append(lambda sock: over.wait(10) and False)
    with SshHost(
        "127.0.0.1", key=sshd.user_key, host_key=sshd.host_key, port=sshd.port, answer_seconds=0.3, clock=clock
    ) as host:
        assert host.must("true").ok
    over.set()
    assert len(clock.slept) == 1


def test_a_slow_greeting_is_waited_for(sshd: Sshd, clock: FastClock) -> None:
    """A machine that is busy booting takes its time, and is not tried twice for it."""

    def slow(sock: socket.socket) -> bool:
        time.sleep(0.5)
        return True

    sshd.greetings.append(slow)
    with SshHost("127.0.0.1", key=sshd.user_key, host_key=sshd.host_key, port=sshd.port, clock=clock) as host:
        assert host.must("true").ok
    assert clock.slept == []


def test_retries_have_an_end(tmp_path: Path, clock: FastClock) -> None:
    """With what was seen last, and where to look."""
    sshd = Sshd(tmp_path)
    host = SshHost(
        "127.0.0.1", key=sshd.user_key, host_key=sshd.host_key, port=sshd.port, connect_seconds=60, clock=clock
    )
    with pytest.raises(Unreachable, match=r"no SSH after 60 s .*ConnectionRefusedError.*\n.*security group") as failed:
        host.run("true")
    assert 59 < sum(clock.slept) < 61
    assert isinstance(failed.value, ConnectionError)


def test_a_key_that_is_refused_is_reported_at_once(sshd: Sshd, clock: FastClock) -> None:
    """A wrong key does not become right by waiting; its fingerprint is told, and nothing of the key itself."""
    stranger, public = new_ssh_key()
    host = SshHost("127.0.0.1", key=stranger, host_key=sshd.host_key, port=sshd.port, clock=clock)
    with pytest.raises(AuthenticationRefused) as failed:
        host.run("true")
    assert host_keys(public)[0].fingerprint in str(failed.value)
    assert clock.slept == []
    assert sshd.connections == 1


def test_a_host_that_hangs_up_while_we_log_in_is_tried_again(sshd: Sshd, clock: FastClock) -> None:
    """As sshd does for everybody but root while the machine boots (pam_nologin): that is no refusal of the key."""
    hung_up: list[bool] = []
    sshd.check_login = SshdThatHangsUpOnce(hung_up)
    with SshHost("127.0.0.1", key=sshd.user_key, host_key=sshd.host_key, port=sshd.port, clock=clock) as host:
        assert host.must("true").ok
    assert hung_up == [True]
    assert sshd.connections == 2
    assert len(clock.slept) == 1


class Watched:
    """Notes every attempt to log in."""

    def __init__(self, logins: list[object]) -> None:
        self.logins = logins

    def __call__(self, transport: paramiko.Transport) -> bool:
        self.logins.append(transport)
        return True


class SshdThatHangsUpOnce:
    """Cuts the first connection that wants to log in."""

    def __init__(self, hung_up: list[bool]) -> None:
        self.hung_up = hung_up

    def __call__(self, transport: paramiko.Transport) -> bool:
        if not self.hung_up:
            self.hung_up.append(True)
            transport.close()
        return True


def test_a_changed_host_key_is_refused_at_once(sshd: Sshd, clock: FastClock) -> None:
    """Both fingerprints, as ssh-keygen -l says them, and how to pin again; and we have not logged in."""
    pinned = sshd.host_key
    sshd.renew_host_key()
    logins: list[object] = []
    sshd.check_login = Watched(logins)
    host = SshHost("127.0.0.1", key=sshd.user_key, host_key=pinned, port=sshd.port, clock=clock)
    with pytest.raises(HostKeyMismatch, match="pin it in place") as failed:
        host.run("true")
    assert f"pinned:    {host_keys(pinned)[0].fingerprint}\n" in str(failed.value)
    assert f"presented: {host_keys(sshd.host_key)[0].fingerprint}\n" in str(failed.value)
    assert (clock.slept, logins, sshd.commands) == ([], [], [])


def test_a_host_key_that_changes_between_two_connections_is_refused(host: SshHost, sshd: Sshd) -> None:
    """Verified again each time that the connection is made again."""
    host.run("true")
    sshd.renew_host_key()
    sshd.handlers.append(lambda exchange: exchange.drop())
    with pytest.raises(HostKeyMismatch):
        host.run("true", again=True)


def test_one_of_several_pinned_keys_is_enough(sshd: Sshd) -> None:
    """The console log has one of each kind; the host is asked for one of those, the pinned kinds first."""
    lines = f"# from the console\n{DSA_LINE}\n{RSA_LINE}\n\n{sshd.host_key} root@ip-10-0-1-5\n"
    with SshHost("127.0.0.1", key=sshd.user_key, host_key=lines, port=sshd.port) as host:
        assert host.must("true").ok
        assert host.host_key == f"{RSA_LINE.removesuffix(' root@ip')}\n{sshd.host_key}"
    assert signatures(["ssh-rsa"])[:2] == ("rsa-sha2-512", "rsa-sha2-256")
    assert sorted(signatures(["ssh-rsa"])) == sorted(SIGNATURES)


def test_of_a_host_with_several_keys_the_pinned_one_is_requested(sshd: Sshd) -> None:
    """Else it would show its best one, and look like another host."""
    key = paramiko.ECDSAKey.generate()
    sshd.more_host_keys.append(key)
    pinned = f"{key.get_name()} {key.get_base64()}"
    with SshHost("127.0.0.1", key=sshd.user_key, host_key=pinned, port=sshd.port) as host:
        assert host.must("true").ok


def test_a_host_of_another_kind_of_key_is_another_host(sshd: Sshd) -> None:
    """Pinned is an RSA key; that it shows an Ed25519 key in its place is no way around."""
    host = SshHost("127.0.0.1", key=sshd.user_key, host_key=RSA_LINE, port=sshd.port)
    with pytest.raises(HostKeyMismatch, match=r"pinned:    ssh-rsa SHA256:.*\n  presented: ssh-ed25519 SHA256:"):
        host.run("true")


def test_at_first_use_the_key_is_learned_and_reported_before_anything_is_sent(sshd: Sshd) -> None:
    """Once; from then on it is as pinned as any other."""
    result: list[tuple[str, int]] = []
    logins: list[object] = []
    sshd.check_login = Watched(logins)
    first = FirstUse(lambda line: result.append((line, len(logins))))
    with SshHost("127.0.0.1", key=sshd.user_key, host_key=first, port=sshd.port) as host:
        assert host.host_key == sshd.host_key
        assert result == [(sshd.host_key, 0)]
        sshd.renew_host_key()
        sshd.handlers.append(lambda exchange: exchange.drop())
        with pytest.raises(HostKeyMismatch):
            host.run("true", again=True)
    assert len(result) == 1


def test_at_first_use_what_another_has_pinned_meanwhile_counts(sshd: Sshd) -> None:
    """Two runs meet the host at the same time: the first to pin is right, whoever it was."""
    _, other = new_ssh_key()
    host = SshHost("127.0.0.1", key=sshd.user_key, host_key=FirstUse(lambda line: other), port=sshd.port)
    with pytest.raises(HostKeyMismatch):
        host.run("true")
    assert host.host_key == other


def test_at_first_use_a_key_that_cannot_be_kept_is_not_trusted(sshd: Sshd) -> None:
    """Else the next run would learn again, and whoever stood in between would have two chances."""

    def fail(line: str) -> None:
        raise RuntimeError("no place to keep it")

    host = SshHost("127.0.0.1", key=sshd.user_key, host_key=FirstUse(fail), port=sshd.port)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="no place"):
            host.run("true")
    assert sshd.commands == []


@pytest.mark.parametrize(
    "text",
    ["", "# nothing\n", "ssh-ed25519", "ssh-ed25519 not-base64!", DSA_LINE, "ssh-ed25519 AAAA"],
)
def test_what_is_no_host_key_is_refused_before_connecting(text: str) -> None:
    """A key that was cut when it was copied would match nothing later, with a message of a changed host."""
    with pytest.raises(ValueError, match="host key"):
        SshHost("203.0.113.7", key=new_ssh_key()[0], host_key=text)


@pytest.mark.parametrize("cut", [0, 40, 200])
def test_what_is_no_private_key_is_refused_without_showing_it(cut: int) -> None:
    """Neither in the message nor in what Python shows with it."""
    key, public = new_ssh_key()
    text = key.reveal()[:cut]
    with pytest.raises(ValueError, match="no private key") as failed:
        SshHost("203.0.113.7", key=Secret(text), host_key=public)
    assert failed.value.__suppress_context__ or failed.value.__context__ is None
    assert not text or text not in str(failed.value)


def test_a_tunnel_takes_the_place_of_tcp(sshd: Sshd) -> None:
    """A socket that somebody else has connected; a new one each time that the connection is made."""
    made: list[socket.socket] = []

    def tunnel() -> socket.socket:
        made.append(socket.create_connection(("127.0.0.1", sshd.port)))
        return made[-1]

    # An address that cannot be reached, so that only the tunnel can.
    with SshHost("host.invalid", key=sshd.user_key, host_key=sshd.host_key, sock=tunnel) as host:
        assert host.must("true").ok
        sshd.handlers.append(lambda exchange: exchange.drop())
        assert host.must("true", again=True).ok
        assert host.where == "ubuntu@host.invalid"
    assert len(made) == 2


def test_a_host_that_was_closed_while_it_was_being_connected_stays_closed(sshd: Sshd) -> None:
    """Ctrl-C in the middle of it: no connection is left behind, and no command is run on it."""
    host: SshHost

    def close(line: str) -> None:
        host.close()

    host = SshHost("127.0.0.1", key=sshd.user_key, host_key=FirstUse(close), port=sshd.port)
    with pytest.raises(HostClosed):
        host.run("true")
    assert sshd.commands == []
    sshd.transports[0].join(5)
    assert not sshd.transports[0].is_active()


def test_a_connection_notices_when_the_other_side_is_no_more(sshd: Sshd) -> None:
    """A machine that was stopped says nothing: the kernel probes it, and gives up after a minute."""
    with tcp.connect("127.0.0.1", sshd.port, 5) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        for option, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPCNT", 4), ("TCP_USER_TIMEOUT", 60_000)):
            # Not every system has every one.
            desired = getattr(socket, option, None)
            assert desired is None or sock.getsockopt(socket.IPPROTO_TCP, desired) == value


def test_only_good_algorithms_are_offered(sshd: Sshd) -> None:
    """What the server is offered, as it sees it; and what both agree on."""
    with SshHost("127.0.0.1", key=sshd.user_key, host_key=sshd.host_key, port=sshd.port) as host:
        host.run("true")
        (transport,) = sshd.transports
        assert transport.remote_cipher in CIPHERS  # type: ignore[attr-defined]
    for names, weak in (
        (CIPHERS, ("cbc", "3des", "arcfour")),
        (DIGESTS, ("md5", "sha1", "-96")),
        (KEX, ("sha1", "group1-", "group14-sha1")),
        (SIGNATURES, ("ssh-rsa", "ssh-dss")),
    ):
        assert not [name for name in names for word in weak if word in name]


def test_a_server_with_only_bad_algorithms_is_reported_at_once(sshd: Sshd, clock: FastClock) -> None:
    """To wait would not make them better."""
    sshd.ciphers = ("aes128-cbc",)
    host = SshHost("127.0.0.1", key=sshd.user_key, host_key=sshd.host_key, port=sshd.port, clock=clock)
    with pytest.raises(Unreachable, match="no acceptable ciphers"):
        host.run("true")
    assert clock.slept == []


@pytest.mark.parametrize("digest", ["hmac-sha1", "hmac-sha1-96", "hmac-md5"])
def test_a_server_that_can_do_nothing_better_than_sha1_is_refused_at_once(
    digest: str, sshd: Sshd, clock: FastClock
) -> None:
    """paramiko still has these, and would agree on them: the ciphers beside them have no integrity of their own."""
    sshd.ciphers, sshd.digests = ("aes256-ctr",), (digest,)
    host = SshHost("127.0.0.1", key=sshd.user_key, host_key=sshd.host_key, port=sshd.port, clock=clock)
    with pytest.raises(Unreachable, match="no acceptable macs"):
        host.run("true")
    assert (clock.slept, sshd.commands) == ([], [])


def test_no_signature_is_made_or_taken_with_sha1(sshd: Sshd) -> None:
    """Whatever version of paramiko is installed: 3 and 4 still sign with SHA-1 for a server that asks for it."""
    assert {*SHA1} == {"keys", "pubkeys"}
    with SshHost("127.0.0.1", key=sshd.user_key, host_key=sshd.host_key, port=sshd.port) as host:
        connection = host._connection
        assert connection
        assert connection.disabled_algorithms
        for use in ("keys", "pubkeys"):
            assert {"ssh-rsa", "ssh-dss"} <= {*connection.disabled_algorithms[use]}


def test_what_is_offered_on_the_wire_has_no_sha1(sshd: Sshd) -> None:
    """The first message of the client, before anything is agreed on, names what it would take."""
    offered = bytearray()

    def listen(sock: socket.socket) -> bool:
        sock.sendall(b"SSH-2.0-test\r\n")
        sock.settimeout(5)
        while b"none" not in offered:
            offered.extend(sock.recv(65_536))
        return False

    sshd.greetings.append(listen)
    with SshHost("127.0.0.1", key=sshd.user_key, host_key=sshd.host_key, port=sshd.port):
        pass
    assert b"rsa-sha2-256" in offered
    weak = (b"sha1", b"md5", b"ssh-rsa", b"ssh-dss", b"-cbc", b"3des", b"arcfour")
    assert not [word for word in weak if word in offered]


def test_a_name_that_nobody_knows_is_reported_at_once(clock: FastClock) -> None:
    """A typing mistake is not a machine that boots."""

    def unknown() -> socket.socket:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    key, public = new_ssh_key()
    host = SshHost("no.such.host.invalid", key=key, host_key=public, sock=unknown, clock=clock)
    with pytest.raises(Unreachable, match="Name or service not known"):
        host.run("true")
    assert clock.slept == []
