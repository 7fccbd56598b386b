"""Attacks on nginx and Squid, as the bundle configures them: from the internet, and from foreign code behind the proxy.

Behind nginx stand programs that answer with what they were asked, under the names of Dify's containers.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from dify_aws.dify.known_releases import RELEASES
from tests.e2e.bed.bed import Bed
from tests.e2e.bed.kept import BedFailed
from tests.support.bundles import bundle
from tests.support.destinations import PRIVATE, PUBLIC

HOME, NETWORK = "/srv/attacked", "attacked"
IMAGES = RELEASES["1.17.1"]
DOMAIN = "dify.example.com"
PORTS = {"api": 5001, "web": 3000, "plugin_daemon": 5002}
ECHO = """
import http.server, json, os, sys
class Echo(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        told = {"name": sys.argv[1], "path": self.path, "headers": [[k.lower(), v] for k, v in self.headers.items()]}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_POST = do_GET
http.server.ThreadingHTTPServer(("", int(sys.argv[2])), Echo).serve_forever()
"""
CLEAN = (
    "docker ps --all --quiet --filter name=attacked- | xargs --no-run-if-empty docker rm --force 2>&1;"
    f"docker network rm {NETWORK} 2>&1 || true"
)
HONEST = {"X-Forwarded-Host", "X-Forwarded-For", "X-Real-IP", "X-Forwarded-Proto", "X-Forwarded-Port", "Dify-Hook-Url"}
FORGED = (
    *HONEST,
    *("Forwarded", "CF-Connecting-IP", "True-Client-IP", "X-Client-IP", "X-Cluster-Client-IP", "X-Forwarded-Prefix"),
    *("X-Forwarded-Server", "X-Forwarded-Scheme", "X-Forwarded-Ssl", "X-Original-Host", "X-Original-URL"),
    *("X-Rewrite-URL", "X-HTTP-Method-Override", "Proxy", "X-Middleware-Subrequest", "X_Forwarded_For", "X_Real_IP"),
)


@dataclass(frozen=True)
class Answer:
    """What came back: the status, and what the program behind nginx was asked."""

    status: int
    requested: Mapping[str, Any]

    @property
    def headers(self) -> dict[str, str]:
        return dict(self.requested["headers"])


@dataclass(frozen=True)
class Front:
    """nginx with the bundle's configuration, and what a client can send to it."""

    bed: Bed
    url: str

    def ask(self, path: str, *words: str) -> Answer:
        """One request, with the path as it stands and further words for curl."""
        name = self.url.partition("//")[2]
        curl = ["curl", "--silent", "--insecure", "--path-as-is", "--globoff", "--write-out", "\n%{http_code}"]
        for port in (80, 443):
            curl += ["--connect-to", f"{name}:{port}:127.0.0.1:{port}"]
        curl += words
        body, _, status = self.bed.inside(shlex.join([*curl, f"{self.url}{path}"])).rpartition("\n")
        return Answer(int(status), json.loads(body) if body.startswith("{") else {})


@pytest.fixture(scope="module", params=[False, True], ids=["http", "https"])
def front(docker: Bed, request: pytest.FixtureRequest) -> Iterator[Front]:
    made = bundle(https=request.param)
    docker.write(f"{HOME}/nginx/nginx.conf", made.files["nginx/nginx.conf"].text)
    docker.write(f"{HOME}/echo.py", ECHO)
    live = f"{HOME}/letsencrypt/live/{DOMAIN}"
    docker.inside(
        f"{CLEAN}; mkdir -p {live}; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
        f" -subj /CN={DOMAIN} -keyout {live}/privkey.pem -out {live}/fullchain.pem 2>&1;"
        f" docker network create {NETWORK}"
    )
    for name, port in PORTS.items():
        docker.inside(
            f"docker run --detach --quiet --name attacked-{name} --network {NETWORK} --network-alias {name}"
            f" -v {HOME}:/echo:ro --entrypoint python3 {IMAGES['web']} /echo/echo.py {name} {port} 2>&1"
        )
    docker.inside(
        f"docker run --detach --quiet --name attacked-nginx --network {NETWORK} -p 80:80 -p 443:443"
        f" -v {HOME}/nginx:/etc/nginx/dify:ro -v {HOME}/letsencrypt:/etc/letsencrypt:ro {IMAGES['nginx']}"
        " nginx -c /etc/nginx/dify/nginx.conf -g 'daemon off;' 2>&1;"
        "until curl -sf -o /dev/null -H 'Host: localhost' http://127.0.0.1/.well-known/ || "
        "curl -s -o /dev/null http://127.0.0.1/; do sleep 0.1; done"
    )
    front = Front(docker, made.url)
    while front.ask("/").status == 502:  # Python takes a moment
        pass
    yield front
    docker.inside(CLEAN)


def test_what_a_client_says_about_itself_gains_nothing(front: Front) -> None:
    """Whatever headers it forges, alone or twice, each program is told the address and the host that are true."""
    forged = [word for name in FORGED for word in ("--header", f"{name}: 6.6.6.6")]
    doubled = ["--header", "X-Forwarded-For: 7.7.7.7", "--header", "Forwarded: for=7.7.7.7;host=evil.example"]
    for path in ("/console/api/setup", "/v1/x", "/files/x", "/socket.io/", "/e/hook?a=b", "/", "/explore"):
        honest, attack = front.ask(path).headers, front.ask(path, *forged, *doubled).headers
        assert attack == honest, path
        assert attack["host"] == attack["x-forwarded-host"] == front.url.partition("//")[2]
        assert attack["x-forwarded-for"] == attack["x-real-ip"] != "6.6.6.6"
        assert attack["dify-hook-url"] == f"{front.url}{path}"


def test_another_host_than_ours_gains_nothing(front: Front) -> None:
    """By the header, or in the request line: Dify sees its own name, or nobody sees anything."""
    for words in (["--header", "Host: evil.example"], ["--request-target", "http://evil.example/console/api/x"]):
        answer = front.ask("/console/api/x", *words)
        if front.url.startswith("https"):
            assert answer.status == 421
        else:
            assert "evil" not in json.dumps(answer.requested)
            assert answer.headers["host"] == "203.0.113.7"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../inner/api/x",
        "/api/%2e%2e/inner/api/x",
        "/api/.%2e/inner/api/x",
        "/api/%2E%2E%2Finner/api/x",
        "/api/..%2finner/api/x",
        "/api/..%5cinner/api/x",
        "/api/..\\inner/api/x",
        "/plugin/x/../../e/hook",
        "/e/../plugin/x/management/list",
        "/e/%2e%2e/plugin/x/management/list",
        "/e/./../plugin",
        "/files/..",
        "/files/..?x=/v1",
        "/files/%2e",
        "/console/api/x%00/../../e/",
        "/../../etc/passwd",
    ],
)
def test_a_path_that_two_programs_read_differently_goes_to_neither(front: Front, path: str) -> None:
    """nginx would choose by what it comes to, and pass on what was written."""
    answer = front.ask("/", "--request-target", path)
    assert answer.status == 400
    assert not answer.requested


@pytest.mark.parametrize(
    "path",
    ["/v1/a..b", "/files/x.png?next=/../y", "/api/%E3%83%95%E3%82%A1.txt", "/e/a.b/c", "/v1/x/...", "/.well-known/x"],
)
def test_a_path_with_dots_that_are_no_way_up_is_passed_on_as_it_is(front: Front, path: str) -> None:
    """Names of files have dots, and what stands after the question mark is nobody's path."""
    assert front.ask("/", "--request-target", path).requested["path"] == path


def test_what_is_for_the_inside_is_not_routed(front: Front) -> None:
    """The API that plugins call back, and the doors of the plugin daemon; nor is the page for the health check."""
    for path in ("/inner/api/plugin/fetch", "/plugin/x/management/list", "/health"):
        assert front.ask(path).requested["name"] == "web", path
    assert front.bed.inside("curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1/-/healthy") == "404"


# Squid ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["squid", "squid-agent"])
def proxy(docker: Bed, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of Squid, with the configuration of one of the two proxies."""
    docker.inside(CLEAN)
    docker.write(f"{HOME}/squid/squid.conf", bundle(profile="full").files[f"{request.param}/squid.conf"].text)
    docker.inside(
        f"docker run --detach --quiet --name attacked-squid --user 13:13 --ulimit nofile=8192 --entrypoint squid"
        f" -v {HOME}/squid:/etc/squid/dify:ro {IMAGES['squid']} -N -f /etc/squid/dify/squid.conf 2>&1"
    )
    address = docker.inside("docker inspect --format '{{.NetworkSettings.IPAddress}}' attacked-squid").strip()
    docker.inside(f"until echo >/dev/tcp/{address}/3128; do sleep 0.1; done 2>&1")
    yield f"{address}:3128"
    docker.inside(CLEAN)


def response_to(bed: Bed, proxy: str, line: str) -> int:
    """The status that Squid answers a request line with; 0 if it has gone off to look, for a refusal comes at once."""
    host, _, port = proxy.partition(":")
    request = shlex.quote(f"{line} HTTP/1.1\r\nHost: dify\r\nConnection: close\r\n\r\n")
    talk = f"exec 3<>/dev/tcp/{host}/{port}; printf %s {request} >&3; timeout 3 head -n 1 <&3"
    return int([*bed.inside(f"bash -c {shlex.quote(talk)} || true").split(), "0", "0"][1])


@pytest.mark.parametrize(
    "line",
    [
        "GET /squid-internal-mgr/menu",
        "GET /squid-internal-mgr/active_requests",
        "GET http://dify:3128/squid-internal-mgr/active_requests",
        "GET http://dify/squid-internal-mgr/objects",
        "GET http://127.0.0.1:3128/squid-internal-mgr/info",
        "GET http://localhost:3128/squid-internal-mgr/info",
        "GET cache_object://dify/active_requests",
        "GET cache_object://127.0.0.1/info",
        "GET cache_object://localhost/config@secret",
    ],
)
def test_nobody_reads_squids_own_pages(docker: Bed, proxy: str, line: str) -> None:
    """They have the addresses that others ask for, with the keys in them."""
    assert response_to(docker, proxy, line) in (400, 403)


@pytest.mark.parametrize("address", PRIVATE)
def test_no_way_inside_by_whatever_name(docker: Bed, proxy: str, address: str) -> None:
    """Refused, and not merely unreachable from here. As plain http and as a tunnel."""
    host = f"[{address}]" if ":" in address else address
    assert response_to(docker, proxy, f"GET http://{host}/latest/meta-data/") == 403
    assert response_to(docker, proxy, f"CONNECT {host}:443") == 403


@pytest.mark.parametrize("address", ["::ffff:169.254.169.254", "::ffff:10.0.1.4"])
def test_an_ipv4_address_as_an_ipv6_one_is_what_it_is(docker: Bed, proxy: str, address: str) -> None:
    """Of the instance metadata, for one."""
    assert response_to(docker, proxy, f"GET http://[{address}]/") == 403


def test_the_internet_is_not_refused(docker: Bed, proxy: str) -> None:
    """It is not there, in the bed, and that is what Squid says: the tests above would see a rule that refuses all."""
    for address in PUBLIC:
        host = f"[{address}]" if ":" in address else address
        assert response_to(docker, proxy, f"GET http://{host}/") in (0, 502, 503, 504), address


def test_no_tunnel_to_another_port(docker: Bed, proxy: str) -> None:
    """SSH and mail are not the web."""
    for port in (22, 25, 80, 3128):
        assert response_to(docker, proxy, f"CONNECT 1.1.1.1:{port}") == 403
    with pytest.raises(BedFailed):
        docker.inside(f"curl --silent --fail --max-time 5 --proxy http://{proxy} http://1.1.1.1:22/")
