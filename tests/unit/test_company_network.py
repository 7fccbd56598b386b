"""Behind a proxy that opens encrypted traffic: every connection of the library goes through it and trusts it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
import pytest
from websockets.sync.server import ServerConnection, serve

from dify_aws import Aws, AwsError, DifyAwsError, Secret, SettingsError
from dify_aws.host.ssh.tunnel import TunnelRefused, open_tunnel
from dify_aws.operations.access.connectivity import Internet
from dify_aws.trusted_roots import tls_context
from tests.support.authority import Authority
from tests.support.proxy import Proxy

MY_ADDRESS = "203.0.113.9"


class Page(BaseHTTPRequestHandler):
    """One's own address on each GET, and AWS's answer to each POST: who one is."""

    def do_GET(self) -> None:
        self._answer("text/plain", f"{MY_ADDRESS}\n")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        identity = {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/x", "UserId": "x"}
        xml = "".join(f"<{name}>{value}</{name}>" for name, value in identity.items())
        result = f"<GetCallerIdentityResult>{xml}</GetCallerIdentityResult>"
        self._answer("text/xml", f"<GetCallerIdentityResponse>{result}</GetCallerIdentityResponse>")

    def _answer(self, kind: str, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def server(authority: Authority) -> Iterator[str]:
    """An HTTPS server that only the authority vouches for: host and port."""
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    httpd.daemon_threads = False
    httpd.socket = authority.server.wrap_socket(httpd.socket, server_side=True)
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield f"127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


@pytest.fixture
def websocket(authority: Authority) -> Iterator[str]:
    """The end of a tunnel behind which an SSH server speaks."""

    def greet(connection: ServerConnection) -> None:
        connection.send(b"SSH-2.0-test\r\n")
        for _ in connection:
            pass

    with serve(greet, "127.0.0.1", 0, ssl=authority.server) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield f"127.0.0.1:{made.socket.getsockname()[1]}"
    thread.join()


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with Proxy() as made:
        monkeypatch.setenv("HTTPS_PROXY", made.url)
        yield made


def aws(server: str, monkeypatch: pytest.MonkeyPatch) -> Aws:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://{server}")
    return Aws(boto3.Session("AKIDEXAMPLE", "key", region_name="ap-northeast-1"), deployment="lab")


@pytest.mark.parametrize("variable", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"])
def test_all_connections_trust_whom_boto3_trusts(
    authority: Authority, server: str, websocket: str, proxy: Proxy, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """boto3's own, the question for one's own address, and the tunnel: each through the proxy."""
    monkeypatch.setenv(variable, str(authority.bundle))
    client = aws(server, monkeypatch)
    assert client.account == "123456789012"
    assert Internet(client.ca_bundle, f"https://{server}").my_address() == MY_ADDRESS
    url = Secret(f"wss://{websocket}/openTunnel?X-Amz-Signature=0123456789")
    with open_tunnel("10.0.1.5", lambda: url, tls_context(client.ca_bundle)) as opened:
        assert opened.recv(100) == b"SSH-2.0-test\r\n"
    assert proxy.connected == [server, server, websocket]


def test_the_profile_may_name_the_bundle(
    authority: Authority, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(f"[default]\nca_bundle = {authority.bundle}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert aws(server, monkeypatch).ca_bundle == str(authority.bundle)


def test_without_the_bundle_the_variable_is_named(server: str, websocket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = aws(server, monkeypatch)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    url = Secret(f"wss://{websocket}/openTunnel?X-Amz-Signature=0123456789")
    with pytest.raises(AwsError, match="AWS_CA_BUNDLE"):
        _ = client.account
    with pytest.raises(DifyAwsError, match="AWS_CA_BUNDLE"):
        Internet(None, f"https://{server}").my_address()
    with pytest.raises(TunnelRefused, match="AWS_CA_BUNDLE"):
        open_tunnel("10.0.1.5", lambda: url, tls_context(None))


@pytest.mark.parametrize("content", [None, "", json.dumps({"no": "certificate"})])
def test_a_bundle_that_is_none(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "bundle.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(SettingsError, match="AWS_CA_BUNDLE"):
        partial(tls_context, str(file))()
