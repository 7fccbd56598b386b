"""Service: a small HTTP server, which is what most stand-ins are."""

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.e2e.bed.stand_ins.container import say


@dataclass(frozen=True)
class Request:
    """A request: ``route`` is its method and its path, headers are in lower case, ``body`` is what was sent as JSON."""

    route: str
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Reply:
    """An answer: a text is HTML, all else is JSON."""

    content: Any = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)


def serve(port: int, answer: Callable[[Request], Reply]) -> None:
    """Answer for ever; 500 where ``answer`` raises."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            say(format % args)

        def do_GET(self) -> None:
            try:
                reply = answer(self._requests())
            except Exception as error:  # noqa: BLE001 - as a web framework does
                say(traceback.format_exc())
                reply = Reply({"code": "internal_server_error", "message": str(error), "status": 500}, 500)
            self._say(reply)

        do_POST = do_HEAD = do_GET

        def _requests(self) -> Request:
            headers = {name.lower(): value for name, value in self.headers.items()}
            cookies = {name: morsel.value for name, morsel in SimpleCookie(headers.get("cookie", "")).items()}
            sent = self.rfile.read(int(headers.get("content-length", 0)))
            method = "GET" if self.command == "HEAD" else self.command
            return Request(f"{method} {urlsplit(self.path).path}", headers, cookies, json.loads(sent) if sent else {})

        def _say(self, reply: Reply) -> None:
            text = isinstance(reply.content, str)
            body = (reply.content if text else json.dumps(reply.content)).encode()
            self.send_response(reply.status)
            self.send_header("Content-Type", "text/html; charset=utf-8" if text else "application/json")
            self.send_header("Content-Length", str(len(body)))
            for name, value in reply.headers.items():
                self.send_header(name, value)
            for name, value in reply.cookies.items():
                self.send_header("Set-Cookie", f"{name}={value}; HttpOnly; Path=/; SameSite=Lax")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

    say(f"listens on port {port}")
    ThreadingHTTPServer(("", port), Handler).serve_forever()
