"""nginx, Squid, the sandbox and PostgreSQL: what each is told, as far as a text shows it. tests/e2e asks themselves."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import Any

import pytest
import yaml

from tests.support.bundles import OUTPUTS, bundle, every
from tests.support.destinations import PRIVATE, PUBLIC


def text(path: str, **overrides: Any) -> str:
    return bundle(**overrides).files[path].text


def upstream(path: str, **overrides: Any) -> str:
    """Where nginx sends a path, by its own rules: a regular expression before a prefix, and then the longest prefix."""
    found = re.findall(r"location (~|\^~|=)? ?(\S+) \{\s[^}]*?set \$\w+ (\S+);", text("nginx/nginx.conf", **overrides))
    for kind, pattern, target in found:
        if kind == "~" and re.search(pattern, path):
            return str(target)
    prefixes = [(len(prefix), target) for kind, prefix, target in found if kind != "~" and path.startswith(prefix)]
    return str(max(prefixes)[1])


@pytest.mark.parametrize("https", [False, True])
@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/", "web:3000"),
        ("/apps", "web:3000"),
        ("/apiary", "web:3000"),
        ("/explore/apps", "web:3000"),
        ("/install", "web:3000"),
        ("/console/api/ping", "api:5001"),
        ("/console", "web:3000"),
        ("/api/messages", "api:5001"),
        ("/v1/chat-messages", "api:5001"),
        ("/v1", "api:5001"),
        ("/openapi/v1/x", "api:5001"),
        ("/files/1/file-preview", "api:5001"),
        ("/mcp/server/x/mcp", "api:5001"),
        ("/triggers/plugin/x", "api:5001"),
        ("/e/hook", "plugin_daemon:5002"),
        ("/socket.io/", "api:5001"),
    ],
)
def test_routes(path: str, target: str, https: bool) -> None:
    """Each path goes where Dify's own nginx sends it."""
    assert upstream(path, https=https) == target


def test_websockets_go_to_their_own_container() -> None:
    """Where that runs, that is."""
    assert upstream("/socket.io/", profile="full") == "api_websocket:5001"


def test_nginx_looks_names_up_again() -> None:
    """A name in proxy_pass is looked up once, at the start: a container made anew has another address: 502."""
    for _, made in every():
        targets = re.findall(r"proxy_pass (\S+);", made.files["nginx/nginx.conf"].text)
        assert len(targets) == 4
        assert all(re.fullmatch(r"http://\$\w+", target) for target in targets)
        assert "resolver 127.0.0.11 " in made.files["nginx/nginx.conf"].text


def test_http_answers_nothing_but_the_proof_and_the_way_to_https() -> None:
    """With https, no request reaches Dify in the clear."""
    plain, _, secure = text("nginx/nginx.conf", https=True).partition("listen 443 ssl")
    assert secure
    assert "proxy_pass" not in plain
    assert "proxy_pass" in secure


def test_the_log_has_no_signatures() -> None:
    """Links to files are signed in what stands after the question mark, and a log is read by many."""
    written = text("nginx/nginx.conf").partition("log_format")[2].partition(";")[0]
    assert "$path" in written
    assert not re.search(r"\$(request|request_uri|args|query_string|http_referer)\b", written)


def test_what_a_client_says_of_its_own_address_is_not_passed_on() -> None:
    """Nobody stands before our nginx: who could choose X-Forwarded-For would write anything into Dify's logs and pass
    its limits by address. The headers are set once for all, and a location that set its own would lose them."""
    for overrides, made in every():
        result = made.files["nginx/nginx.conf"].text
        host = "dify.example.com" if overrides["https"] else "203.0.113.7"
        headers = dict(re.findall(r"^\s*proxy_set_header (\S+) (\S+);", result, re.MULTILINE))
        addresses = {"X-Forwarded-For": "$remote_addr", "X-Real-IP": "$remote_addr"}
        params = {
            "Host": host,
            "X-Forwarded-Host": host,
            "X-Forwarded-Proto": "$scheme",
            "X-Forwarded-Port": "$server_port",
        }
        assert headers.items() >= {**addresses, **params}.items()
        assert (
            headers.items() >= dict.fromkeys(("CF-Connecting-IP", "Forwarded", "X-Middleware-Subrequest"), '""').items()
        )
        assert len(headers) == result.count("proxy_set_header")
        assert result.index("proxy_set_header") < result.rindex("proxy_set_header") < result.index("server {")
        words = ("$http_x_", "$proxy_add_x_forwarded_for", "real_ip_header", "set_real_ip_from", "proxy_protocol")
        assert not [word for word in words if word in result]


@pytest.mark.parametrize("path", ["squid/squid.conf", "squid-agent/squid.conf"])
def test_squid_refuses_before_it_allows(path: str) -> None:
    """The order is the policy: Squid's own pages, ports, tunnels, private networks, then everybody."""
    rules = [line for line in text(path, profile="full").splitlines() if line.startswith("http_access")]
    for_agents = ["http_access allow agent_backend agent_stub", "http_access allow api files"]
    assert rules == [
        "http_access deny manager",
        "http_access deny !web",
        "http_access deny CONNECT !tls",
        *(for_agents if "agent" in path else []),
        "http_access deny private",
        "http_access allow all",
    ]


@pytest.mark.parametrize("path", ["squid/squid.conf", "squid-agent/squid.conf"])
def test_squid_knows_every_private_network(path: str) -> None:
    """The instance metadata among them, by each address that leads to it; and nothing of the internet is."""
    result = re.findall(r"^acl private dst (.*)$", text(path, profile="full"), re.MULTILINE)
    private = [ip_network(network) for network in " ".join(result).split()]
    for address in PRIVATE:
        assert any(ip_address(address) in network for network in private), address
    for address in PUBLIC:
        assert not any(ip_address(address) in network for network in private), address
    # In Squid, an IPv4 address is one of these. A network with all of them in it would refuse the internet.
    assert not any(ip_address("::ffff:192.0.2.1") in network for network in private)


HOSTS = ("10.0.5.20:8080", "api.corp.example.com:8443", "10.8.0.0/16", "[fd12::1]:81")


@pytest.mark.parametrize("path", ["squid/squid.conf", "squid-agent/squid.conf"])
def test_squid_lets_in_what_the_settings_name_and_nothing_beside_it(path: str) -> None:
    """For both proxies: each host at its ports, exactly that name, and never what is never let in."""
    lines = text(path, profile="full", internal_hosts=HOSTS).splitlines()
    allowed = [line for line in lines if re.match("http_access allow internal", line)]
    assert allowed == [f"http_access allow internal_{n} internal_{n}_port !never" for n in (1, 2, 3, 4)]
    acls = [line.removeprefix("acl internal_") for line in lines if line.startswith("acl internal_")]
    assert acls == [
        *("1 dst 10.0.5.20/32", "1_port port 8080"),
        *("2 dstdomain -n api.corp.example.com", "2_port port 8443"),
        *("3 dst 10.8.0.0/16", "3_port port 80 443"),
        *("4 dst fd12::1/128", "4_port port 81"),
    ]
    # Without them the file is what it is without the setting.
    known = [line for line in text(path, profile="full").splitlines() if line]
    assert [line for line in lines if line in known] == known


@pytest.mark.parametrize("address", [
    *("169.254.169.254", "169.254.170.2", "fd00:ec2::254", "127.0.0.1", "::1", "0.0.0.0"),
    *("172.30.0.5", OUTPUTS.private_ip, "fe80::1", "::ffff:0:a9fe:a9fe", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1"),
])  # fmt: skip
@pytest.mark.parametrize("path", ["squid/squid.conf", "squid-agent/squid.conf"])
def test_a_name_that_is_let_in_leads_nowhere_else(path: str, address: str) -> None:
    """Who has the name in DNS may point it at the metadata, at the machine or at a container."""
    result = text(path, profile="full", internal_hosts=HOSTS)
    never = " ".join(re.findall(r"^acl never dst (.*)$", result, re.MULTILINE)).split()
    networks = [ip_network(each) for each in never]
    assert any(ip_address(address) in network for network in networks if network.version == ip_address(address).version)
    assert not any(ip_address("10.0.5.20") in network for network in networks if network.version == 4)


def test_squid_writes_no_file_and_little_memory() -> None:
    """A log that it may not open has stopped many a Dify; a cache of 256 MB is a quarter of this machine's."""
    result = text("squid/squid.conf")
    assert "access_log stdio:/dev/stdout" in result
    assert "cache_log /dev/stderr" in result
    assert "cache_mem 16 MB" in result
    assert "/var/log" not in result


def test_the_sandbox_is_given_no_secret() -> None:
    """Its key comes by the environment, so the file, which its code could read, has none; and it does not debug."""
    result = yaml.safe_load(text("sandbox/config.yaml"))
    assert result["app"] == {"port": 8194, "debug": False}
    assert "key" not in str(result).lower()


def test_both_databases_are_made() -> None:
    """Dify's comes with the container; the plugins' and the extensions come from us, whatever the vector store."""
    for _, made in every():
        result = made.files["postgres/init/10-dify.sql"].text
        assert "CREATE DATABASE dify_plugin;" in result
        assert "CREATE EXTENSION IF NOT EXISTS vector;" in result
        assert 'CREATE EXTENSION IF NOT EXISTS "uuid-ossp";' in result


def test_the_certificate_is_renewed_by_a_timer() -> None:
    """Only with a domain, and with the same script that got it."""
    assert not [path for path in bundle().files if "certificate" in path]
    made = bundle(https=True)
    assert "ExecStart=/opt/dify/bin/certificate" in made.files["/etc/systemd/system/dify-certificate.service"].text
    assert "--keep-until-expiring" in made.files["bin/certificate"].text


def test_postgresql_lets_each_role_in_to_its_own_database() -> None:
    """The superuser from inside of the container alone. The first line that fits counts; what fits none is refused."""
    lines = [line.split() for line in text("postgres/pg_hba.conf").splitlines() if line and not line.startswith("#")]
    assert lines == [
        ["local", "all", "postgres", "trust"],
        ["host", "all", "postgres", "all", "reject"],
        ["host", "dify", "dify", "all", "scram-sha-256"],
        ["host", "dify_plugin", "dify_plugin", "all", "scram-sha-256"],
    ]
    assert "hba_file = '/etc/dify/pg_hba.conf'" in text("postgres/postgresql.conf")
