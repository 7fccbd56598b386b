"""The ground under the tests: what tests/conftest.py promises to every one of them."""

import os
import socket
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest

# TEST-NET-1 of RFC 5737: belongs to nobody, so a broken guard harms nobody.
ELSEWHERE = ("192.0.2.1", 9)


@pytest.mark.parametrize("family", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_no_connection_leaves_the_machine(family: socket.SocketKind) -> None:
    """TCP and UDP alike, before a packet is sent."""
    with socket.socket(socket.AF_INET, family) as connection:
        connection.settimeout(0.1)
        with pytest.raises(AssertionError, match="stay on this machine"):
            connection.connect(ELSEWHERE)


def test_no_connection_leaves_the_machine_from_a_thread() -> None:
    """The engine calls AWS from threads."""
    with ThreadPoolExecutor(1) as threads, pytest.raises(AssertionError, match="stay on this machine"):
        threads.submit(socket.create_connection, ELSEWHERE, 0.1).result()


def test_no_name_is_resolved() -> None:
    """A look-up leaves the machine before the connection does."""
    with pytest.raises(AssertionError, match="stay on this machine"):
        socket.getaddrinfo("example.com", 443)


def test_loopback_works() -> None:
    """A moto server on this machine is reached, by address and by name."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        socket.create_connection(("127.0.0.1", port), 1).close()
        socket.create_connection(("localhost", port), 1).close()


def test_nothing_of_a_person_is_read() -> None:
    """Neither a profile nor real credentials, whatever the shell has."""
    assert boto3.Session().available_profiles == []
    assert os.environ["AWS_ACCESS_KEY_ID"] == "testing"
    assert not {"AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION"} & set(os.environ)
