"""SSH through an EC2 Instance Connect Endpoint: the same host, the same errors, and a URL that nobody ever sees."""

from __future__ import annotations

import datetime
import logging
import os
import socket
import ssl
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from websockets.sync.server import ServerConnection, serve

from dify_aws import Secret
from dify_aws.host.errors import ConnectionLost, Unreachable
from dify_aws.host.ssh.ssh_host import SshHost
from dify_aws.host.ssh.tunnel import TunnelClosed, TunnelRefused, open_tunnel
from tests.support.fast_clock import FastClock
from tests.support.sshd import Exchange, Sshd
from tests.support.tunnel_end import ADDRESS, BAD_SIGNATURE, REQUEST_ID, TunnelEnd, error

DENIED: Final = (403, error("AccessDenied", "User: me is not authorized to perform: ec2-instance-connect:OpenTunnel"))
NOT_YET: Final = (404, error("EndpointNotFound", "The endpoint is not there."))


@pytest.fixture
def end(sshd: Sshd) -> Iterator[TunnelEnd]:
    """An endpoint that leads to the server."""
    with TunnelEnd(sshd.port) as made:
        yield made
    assert not carriers()


@pytest.fixture
def host(sshd: Sshd, end: TunnelEnd, clock: FastClock) -> Iterator[SshHost]:
    """A host behind it."""
    with_tunnel = partial(open_tunnel, ADDRESS, end.url, answer_seconds=5)
    made = SshHost(ADDRESS, key=sshd.user_key, host_key=sshd.host_key, sock=with_tunnel, clock=clock)
    yield made
    made.close()


def carriers() -> list[threading.Thread]:
    """The threads that carry a tunnel, once they have had time to end."""
    for thread in threading.enumerate():
        if thread.name == "dify-aws-tunnel":
            thread.join(5)
    return [thread for thread in threading.enumerate() if thread.name == "dify-aws-tunnel"]


def open_to(end: TunnelEnd, seconds: float = 5) -> socket.socket:
    return open_tunnel(ADDRESS, end.url, answer_seconds=seconds)


# What goes through ----------------------------------------------------------------------------------------------------


def test_commands_run_through_it(host: SshHost, end: TunnelEnd, sshd: Sshd, tmp_path: Path) -> None:
    """One tunnel for all of them, asked for as AWS wants it."""
    assert host.must("echo through; echo err >&2").stdout == "through\n"
    assert host.run("exit 3").status == 3
    path = tmp_path / "file"
    host.write(str(path), os.urandom(300_000), owner=sshd.owner)
    assert host.read(str(path)) == path.read_bytes()
    (requested,) = end.requested
    assert {name: value for name, value in requested.items() if not name.startswith("X-Amz-")} == {
        "instanceConnectEndpointId": "eice-0123456789abcdef0",
        "remotePort": "22",
        "privateIpAddress": ADDRESS,
        "maxTunnelDuration": "3600",
    }


def test_much_comes_whole(host: SshHost) -> None:
    """Megabytes in and out of one command, with the windows of SSH on both sides of the tunnel."""
    data = os.urandom(4_000_000)
    assert host.must("cat", stdin=data).out == data


def test_much_goes_both_ways_at_the_same_time() -> None:
    """20 MB there and back again; whoever sends does not have to wait until the other has read it all."""
    data = os.urandom(20_000_000)
    with socket.create_server(("127.0.0.1", 0)) as listener, TunnelEnd(listener.getsockname()[1]) as end:
        echo = threading.Thread(target=answer_with_the_same, args=(listener,), daemon=True)
        echo.start()
        with open_to(end) as tunnel:
            assert tunnel.recv(6) == b"hello\n"
            sender = threading.Thread(target=tunnel.sendall, args=(data,))
            sender.start()
            back = bytearray()
            while len(back) < len(data) and (piece := tunnel.recv(65_536)):
                back += piece
            sender.join()
        echo.join(10)
        assert not echo.is_alive()
    assert back == data
    assert not carriers()


def answer_with_the_same(listener: socket.socket) -> None:
    sock, _ = listener.accept()
    with sock:
        sock.sendall(b"hello\n")
        while piece := sock.recv(65_536):
            sock.sendall(piece)


# How it ends ----------------------------------------------------------------------------------------------------------


def test_a_tunnel_cut_in_the_middle_of_a_command_is_a_lost_connection(
    host: SshHost, end: TunnelEnd, sshd: Sshd
) -> None:
    """The command is in doubt; the next one has a tunnel of its own, with a URL of its own."""

    def cut(exchange: Exchange) -> None:
        exchange.channel.sendall(b"half")
        end.drop()

    sshd.handlers.append(cut)
    with pytest.raises(ConnectionLost, match="touch once"):
        host.run("touch once")
    assert host.must("echo there").stdout == "there\n"
    assert len(end.urls) == len(end.requested) == 2


def test_a_command_that_does_no_harm_twice_is_run_again(host: SshHost, end: TunnelEnd, sshd: Sshd) -> None:
    sshd.handlers.append(lambda exchange: end.drop())
    assert host.run("echo whole", again=True).stdout == "whole\n"


def test_the_end_at_the_host_is_the_end_here(end: TunnelEnd, sshd: Sshd) -> None:
    with open_to(end) as tunnel:
        assert tunnel.recv(4) == b"SSH-"
        for transport in sshd.transports:
            transport.close()
        tunnel.settimeout(5)
        while tunnel.recv(1000):
            pass
    assert not carriers()


def test_what_the_host_says_last_comes_through(end: TunnelEnd) -> None:
    """Also to one who reads late, and meanwhile writes to a host that has gone."""
    deleted, last = threading.Event(), [os.urandom(100_000) for _ in range(8)]

    def say_and_go(websocket: ServerConnection) -> None:
        for piece in last:
            websocket.send(piece)
        websocket.close()
        deleted.set()

    end.meetings.append(say_and_go)
    with open_to(end) as tunnel:
        assert deleted.wait(5)
        tunnel.sendall(b"more")
        received = b"".join(iter(partial(tunnel.recv, 500), b""))
    assert received == b"".join(last)


def test_the_end_here_is_the_end_at_the_host(end: TunnelEnd, sshd: Sshd) -> None:
    with open_to(end):
        pass
    assert not carriers()
    for transport in sshd.transports:
        transport.join(5)
        assert not transport.is_active()


# What is refused ------------------------------------------------------------------------------------------------------


def test_a_denial_is_reported_at_once_with_the_answer_of_aws(host: SshHost, end: TunnelEnd, clock: FastClock) -> None:
    """And with what to allow. Waiting gives nobody a permission."""
    end.answers.append(DENIED)
    with pytest.raises(TunnelRefused) as refused:
        host.run("true")
    message = str(refused.value)
    assert message.startswith(
        f"{ADDRESS}: AWS does not open a tunnel to {ADDRESS}: HTTP 403: AccessDenied: User: me is"
    )
    assert f"(request id {REQUEST_ID})\nAllow ec2-instance-connect:OpenTunnel on the endpoint" in message
    assert clock.slept == []


@pytest.mark.parametrize("level", [logging.DEBUG, logging.WARNING])
def test_a_url_is_seen_nowhere(sshd: Sshd, caplog: pytest.LogCaptureFixture, level: int) -> None:
    """AWS repeats token and canonical request to who signed wrongly; neither is in the error, its causes, or a log."""
    caplog.set_level(level)
    with TunnelEnd(sshd.port, key="another key") as end:
        # Those of the endpoint, which stands for AWS, tell what it is asked.
        logging.getLogger("websockets.server").disabled = True
        try:
            with pytest.raises(TunnelRefused, match=BAD_SIGNATURE) as refused:
                open_to(end)
        finally:
            logging.getLogger("websockets.server").disabled = False
        shown = "".join(traceback.format_exception(refused.value)) + repr(refused.value) + caplog.text
        assert "Canonical String" in shown
        assert [secret for secret in end.secrets() if secret in shown] == []
        assert len(end.secrets()) == 3


def test_what_passes_is_waited_for(host: SshHost, end: TunnelEnd, clock: FastClock) -> None:
    """An endpoint that was just made; AWS being busy; a host that boots, and behind which nobody listens yet."""
    end.answers.extend([NOT_YET, (503, "busy")])
    end.meetings.append(lambda websocket: websocket.close(1011, "connection refused"))
    assert host.must("echo up").stdout == "up\n"
    assert len(clock.slept) == 3
    assert len(end.urls) == len(end.requested) == 4


CLOSED: Final[dict[str, tuple[Callable[[ServerConnection], object], str]]] = {
    "with a word": (
        lambda websocket: websocket.close(1011, "no route"),
        "before the host said a word: no route\n.*group",
    ),
    "without": (lambda websocket: websocket.close(), "before the host said a word: 1000\n.*group"),
    "cut": (lambda websocket: websocket.socket.shutdown(socket.SHUT_RDWR), "before the host said a word\n.*group"),
    "silence": (lambda websocket: websocket.recv(), "no SSH server answers.\n.*group of the endpoint in on port 22"),
}


@pytest.mark.parametrize("how", CLOSED)
def test_a_tunnel_to_nobody_is_reported_as_such(end: TunnelEnd, how: str) -> None:
    """AWS opens it before it knows whether a security group lets it through; paramiko would speak of banners."""
    meeting, result = CLOSED[how]
    end.meetings.append(meeting)
    with pytest.raises(TunnelClosed, match=result):
        open_to(end, 0.3)


def test_retries_have_an_end(host: SshHost, end: TunnelEnd, clock: FastClock) -> None:
    """With what AWS said last."""
    end.answers.extend([NOT_YET] * 200)
    with pytest.raises(Unreachable, match=r"no SSH after 30\d s .*EndpointNotFound: The endpoint is not there"):
        host.run("true")


def test_nobody_listens(clock: FastClock) -> None:
    """No network, a name that is not known yet: it may pass."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    with pytest.raises(TunnelClosed, match=f"no tunnel to {ADDRESS}: ConnectionRefusedError"):
        open_tunnel(ADDRESS, lambda: Secret(f"ws://127.0.0.1:{port}/openTunnel"))


def test_who_is_not_aws_learns_nothing(tmp_path: Path) -> None:
    """A certificate that nobody vouches for: no request is sent, so no signature."""
    requested: list[str] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_made_certificate(tmp_path))
    with serve(lambda websocket: requested.append("met"), "127.0.0.1", 0, ssl=context) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        url = f"wss://127.0.0.1:{server.socket.getsockname()[1]}/openTunnel?X-Amz-Signature=0123456789"
        with pytest.raises(TunnelRefused, match="certificate that is not AWS's: self-signed"):
            open_tunnel(ADDRESS, lambda: Secret(url))
    serving.join()
    assert requested == []


def self_made_certificate(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    file = folder / "certificate.pem"
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(key.private_bytes(*plain) + certificate)
    return file


def test_without_websockets_it_says_what_to_install(end: TunnelEnd, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "websockets"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'dify-aws\[tunnel\]'"):
        open_to(end)
    assert end.urls == []
