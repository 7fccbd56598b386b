"""Gateway: the offline world on a local port, for processes that are killed or measured."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable
from typing import Any

from moto.core.request import Request
from moto.core.routing import NotFound, get_service_router
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.wrappers import Response

from dify_aws.offline.calls import Call, Ledger
from dify_aws.offline.clock import RealClock
from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import install
from dify_aws.offline.corrections import ALL
from dify_aws.offline.same_machine import refusal

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

# The signing name of a service, if it differs from boto3's name.
_SIGNS_AS = {"monitoring": "cloudwatch", "tagging": "resourcegroupstaggingapi"}


class Gateway:
    """The WSGI application of moto, with the corrections, a delay before each response, and a list of the calls.

    `GET /dify-aws/calls` returns this list ("ec2.CreateVpc", …) as JSON; `DELETE` clears it.

    Args:
        latency_ms: delay of each response, in milliseconds.
        speed: seconds of its clock per real second.
    """

    def __init__(self, *, latency_ms: float = 0.0, speed: float = 1.0) -> None:
        self._latency = latency_ms / 1000
        self._wall = RealClock()
        self._ledger = Ledger()
        install(ALL, Cloud(RealClock(speed)))
        self._moto: Application = DomainDispatcherApplication(create_backend_app)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if (refused := refusal(environ)) is not None:
            return refused(environ, start_response)
        if environ["PATH_INFO"] == "/dify-aws/calls":
            return self._respond(environ)(environ, start_response)
        self._ledger.note(_call(environ))
        if self._latency:
            self._wall.sleep(self._latency)
        return self._moto(environ, start_response)

    def _respond(self, environ: dict[str, Any]) -> Response:
        if environ["REQUEST_METHOD"] == "DELETE":
            self._ledger.forget()
            return Response(status=204)
        return Response(json.dumps([str(call) for call in self._ledger.calls()]), mimetype="application/json")


def _call(environ: dict[str, Any]) -> Call:
    request = Request(dict(environ))
    scope = request.headers.get("Authorization", "").partition("Credential=")[2].partition(",")[0].split("/")
    signs_as = scope[3] if len(scope) > 3 else "s3"
    service = _SIGNS_AS.get(signs_as, signs_as)
    if target := request.headers.get("X-Amz-Target"):
        return Call(service, target.rpartition(".")[2])
    body = environ["wsgi.input"].getvalue()
    if b"Action=" in body and "form-urlencoded" in request.headers.get("Content-Type", ""):
        return Call(service, body.partition(b"Action=")[2].partition(b"&")[0].decode())
    try:
        operation, _ = get_service_router(service).match(request)
    except (NotFound, NotImplementedError):
        return Call(service, "Unknown")
    return Call(service, str(operation.name))


class _KeepAlive(MotoRequestHandler):  # type: ignore[misc]  # moto has no types
    """Reads the complete request and sends the length of the response, so that the connection can be reused."""

    protocol_version = "HTTP/1.1"
    # Without this, each response on a reused connection waits 40 ms for an acknowledgement.
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        environ = self.make_environ()
        if environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read()
        else:
            body = self.rfile.read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        answer = Response.from_app(self.server.app, environ, buffered=True)
        content = answer.get_data()
        self.send_response(answer.status_code)
        head = self.command == "HEAD"
        for key, value in answer.headers.items():
            if key.lower() not in ("connection", "transfer-encoding", "date", "server") and (
                head or key.lower() != "content-length"
            ):
                self.send_header(key, value)
        if not head:
            self.send_header("Content-Length", str(len(content)))
        elif "Content-Length" not in answer.headers:
            self.send_header("Content-Length", "0")
        self.end_headers()
        if not head:
            self.wfile.write(content)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing; the list of the calls is available."""


def listen(gateway: Gateway, port: int) -> BaseWSGIServer:
    """A server on the loopback address.

    Args:
        gateway: the application.
        port: its port; 0 means any free port.
    """
    return make_server("127.0.0.1", port, gateway, threaded=True, request_handler=_KeepAlive)
