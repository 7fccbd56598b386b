"""The ground under every test: no credentials of a person, no settings of a person, no network but loopback."""

import gc
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from typing import Any

import pytest

# At import, not in a fixture: boto3 and moto read these when they are imported, and child processes inherit them.
PERSONAL = ("AWS_", "DIFY_AWS_", "MOTO_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "FORCE_COLOR", "NO_COLOR")
OUR_OWN = "DIFY_AWS_E2E_"
for name in [name for name in os.environ if name.upper().startswith(PERSONAL) and not name.startswith(OUR_OWN)]:
    del os.environ[name]
os.environ.update(
    AWS_ACCESS_KEY_ID="testing",
    AWS_SECRET_ACCESS_KEY="testing",
    AWS_SESSION_TOKEN="testing",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_EC2_METADATA_DISABLED="true",
    TZ="UTC",
)
time.tzset()

# Whoever runs the tests in the background of a shell ignores Ctrl-C, and so would what they send it to.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Each client holds the model of a whole service: with Python's own thresholds a third of the time of these tests goes
# into looking for garbage among it.
gc.set_threshold(50_000, 50, 100)


class NetworkReached(AssertionError):
    """A test tried to leave this machine."""


def _is_here(address: object) -> bool:
    if not isinstance(address, tuple):  # a Unix socket's path
        return True
    host = str(address[0]).partition("%")[0]
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _loopback(connect: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if not _is_here(address):
            raise NetworkReached(f"a test connected to {address!r}; tests stay on this machine")
        return connect(self, address)

    return guarded


def _local_names(getaddrinfo: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(host: Any, *args: Any, **kwargs: Any) -> Any:
        if host and not _is_here((host.decode() if isinstance(host, bytes) else host,)):
            raise NetworkReached(f"a test looked up {host!r}; tests stay on this machine")
        return getaddrinfo(host, *args, **kwargs)

    return guarded


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """For the whole run and every thread: a connection, or a look-up, beyond loopback is an error.

    tests/live overrides it with a fixture of the same name.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", _loopback(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", _loopback(socket.socket.connect_ex))
        patch.setattr(socket, "getaddrinfo", _local_names(socket.getaddrinfo))
        yield
