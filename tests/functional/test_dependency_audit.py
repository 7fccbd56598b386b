"""The audit of what we depend on: a vulnerability is an error, silence of all services is none, and is said."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.support.dependency_audit import main

VULNERABILITY = {
    "id": "PYSEC-2999-1",
    "summary": "A hole",
    "details": "A hole.",
    "modified": "2999-01-01T00:00:00Z",
    "published": "2999-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "rich"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}],
        }
    ],
}


class Osv(BaseHTTPRequestHandler):
    """A service of OSV's form that knows one hole, in rich. https://google.github.io/osv.dev/post-v1-query/"""

    def do_POST(self) -> None:
        requested: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found = {"vulns": [VULNERABILITY]} if requested["package"]["name"] == "rich" else {}
        body = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *values: object) -> None:
        """Say nothing on stderr."""


@pytest.fixture
def osv() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Osv) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1/query"
        server.shutdown()


def audit(tmp_path: Path, package: str, url: str) -> int:
    """Audit one package, which is neither looked up nor installed."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(f"{package}\n")
    options = ["--osv-url", url, "--no-deps", "--disable-pip", "-r", str(requirements)]
    return main(["--service", "osv", "--", *options])


def test_a_vulnerability_is_an_error(tmp_path: Path, osv: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(tmp_path, "rich==13.7.0", osv) == 1
    assert "VULNERABLE: rich 13.7.0: PYSEC-2999-1, mended in 99.0" in capsys.readouterr().out


def test_no_vulnerability_is_none(tmp_path: Path, osv: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(tmp_path, "tenacity==9.0.0", osv) == 0
    assert capsys.readouterr().out == "osv: 1 packages audited, 0 vulnerabilities\n"


def test_a_service_that_does_not_answer_is_stated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(tmp_path, "rich==13.7.0", "http://127.0.0.1:9/v1/query") == 0
    result = capsys.readouterr().out
    assert "NOT AUDITED by osv: it does not answer" in result
    assert "No service has audited all packages" in result


def test_another_failure_of_the_audit_is_an_error(tmp_path: Path, osv: str) -> None:
    """It is not taken for a service that is silent."""
    with pytest.raises(RuntimeError, match="pip-audit failed"):
        main(["--service", "osv", "--", "--osv-url", osv, "-r", str(tmp_path / "none.txt")])
