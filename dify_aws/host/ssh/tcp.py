"""TCP: a connection that ends when the other side does not answer any more."""

from __future__ import annotations

import socket
from typing import Final

UNANSWERED_SECONDS: Final = 60
"""The connection ends when nothing that was sent has been acknowledged for so long."""

PROBE_SECONDS: Final = 15


def connect(address: str, port: int, seconds: float) -> socket.socket:
    """A connection to the first address of a name that answers within ``seconds``.

    paramiko's keep-alives are sent and never missed (https://github.com/paramiko/paramiko/issues/2463), so without
    this a command would wait for hours on a machine that was stopped.

    Raises:
        OSError: it could not be made.
    """
    sock = socket.create_connection((address, port), seconds)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    # By name, because not every system has every one. https://man7.org/linux/man-pages/man7/tcp.7.html
    options = {
        "TCP_KEEPIDLE": PROBE_SECONDS,
        "TCP_KEEPINTVL": PROBE_SECONDS,
        "TCP_KEEPCNT": UNANSWERED_SECONDS // PROBE_SECONDS,
        "TCP_USER_TIMEOUT": UNANSWERED_SECONDS * 1000,
    }
    for name, value in options.items():
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return sock
