"""The internet as this machine reaches it: a knock at a port."""

from __future__ import annotations

import socket

import pytest

from dify_aws.operations.access.connectivity import Internet


def test_a_checked_port_is_open_or_refused() -> None:
    """On a port where somebody listens, and right after he has gone."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        Internet().check_port("127.0.0.1", port)
    with pytest.raises(ConnectionRefusedError):
        Internet().check_port("127.0.0.1", port)
