"""Proxy: an HTTP proxy on loopback that connects for others (CONNECT), and remembers to whom."""

from __future__ import annotations

import select
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


class Proxy:
    """``connected`` has each "host:port" that somebody was connected to."""

    def __init__(self) -> None:
        self.connected: list[str] = []
        connected = self.connected

        class Handler(BaseHTTPRequestHandler):
            def do_CONNECT(self) -> None:
                connected.append(self.path)
                host, _, port = self.path.rpartition(":")
                with socket.create_connection((host, int(port))) as there:
                    self.send_response(200)
                    self.end_headers()
                    _carry(self.connection, there)
                self.close_connection = True

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Its end waits for those who are being carried, so that no socket outlives a test.
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _carry(one: socket.socket, other: socket.socket) -> None:
    pairs = {one: other, other: one}
    while True:
        for ready in select.select(list(pairs), [], [], 10)[0]:
            try:
                data = ready.recv(65_536)
            except ConnectionResetError:
                return
            if not data:
                return
            pairs[ready].sendall(data)
