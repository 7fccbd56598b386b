"""Server: the web servers of the bed's world, on HTTP and HTTPS."""

import shutil
import ssl
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.e2e.bed.journal import Journal
from tests.e2e.bed.request import Answer, Request, Site, damaged


@dataclass(frozen=True)
class Server:
    """Serves sites. ``sites``: by the beginning of the path; the first that fits has it."""

    journal: Journal
    sites: tuple[tuple[str, Site], ...]

    def start(self, address: str, port: int, certificate: Path | None = None) -> None:
        """Serve from now on, with TLS where there is a certificate."""
        server = ThreadingHTTPServer((address, port), self._handler())
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            # The handshake is the business of the thread that answers, so that a slow client stops nobody.
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def _answer(self, request: Request) -> Answer | None:
        """None: hang up."""
        fault = self.journal.requested(request.method, request.host, request.path)
        if fault:
            time.sleep(fault.seconds)
            if fault.status is not None:
                return Answer(fault.status, f"a fault of the bed: {fault.status}\n") if fault.status else None
        site = next((site for start, site in self.sites if request.path.startswith(start)), None)
        answer = site.answer(request) if site else Answer(404)
        return damaged(answer) if fault and fault.damaged else answer

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                """The journal has it."""

            def do_GET(self) -> None:
                host = self.headers.get("Host", "").partition(":")[0].lower()
                path = unquote(urlsplit(self.path).path)
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer = server._answer(Request(self.command, host, path, headers))
                if answer is None:
                    self.close_connection = True
                else:
                    self._say(answer)

            do_HEAD = do_PUT = do_GET

            def _say(self, answer: Answer) -> None:
                body = answer.body.encode() if isinstance(answer.body, str) else answer.body
                size = body.stat().st_size if isinstance(body, Path) else len(body)
                self.send_response(answer.status)
                for name, value in {"Content-Type": answer.kind, "Content-Length": str(size), **answer.headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                if self.command == "HEAD":
                    return
                if isinstance(body, Path):
                    with body.open("rb") as file:
                        shutil.copyfileobj(file, self.wfile, 1 << 20)
                else:
                    self.wfile.write(body)

        return Handler
