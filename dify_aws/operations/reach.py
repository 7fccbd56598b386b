"""Reach: what a deployment needs of the world beside AWS's API: who we are out there, names, and a way to the host."""

from __future__ import annotations

import socket
from collections.abc import Callable
from http.client import HTTPException
from typing import Final, Protocol
from urllib.request import urlopen

from dify_aws.errors import DifyAwsError
from dify_aws.install.host import Host
from dify_aws.install.hostkey import FirstUse
from dify_aws.install.publishers import Publishers
from dify_aws.secrets import Secret

CHECK_IP: Final = "https://checkip.amazonaws.com"
"""AWS's own answer to "what is my address?". It is asked over IPv4 and IPv6, whichever this machine prefers."""

CHECK_IP_SECONDS: Final = 10.0

KNOCK_SECONDS: Final = 5.0
"""Anywhere on earth answers in one. What a firewall drops never does."""


class Reach(Protocol):
    """The world as this machine reaches it. The offline world brings its own, as ``reach`` of its session."""

    @property
    def publishers(self) -> Publishers:
        """Whose packages are trusted."""
        ...

    def my_address(self) -> str:
        """The public address that this machine's connections come from.

        Raises:
            DifyAwsError: nobody could tell.
        """
        ...

    def resolve(self, name: str) -> tuple[str, ...]:
        """The addresses of a name in DNS; none if there is no such name."""
        ...

    def knock(self, address: str, port: int) -> None:
        """Return if somebody answers on a TCP port; nothing is said to him.

        Raises:
            OSError: nobody does: ConnectionRefusedError if the machine says so, TimeoutError if nothing does.
        """
        ...

    def host(
        self,
        address: str,
        *,
        user: str,
        key: Secret,
        host_key: str | FirstUse,
        sock: Callable[[], socket.socket] | None = None,
    ) -> Host:
        """The machine at an address, as :class:`dify_aws.install.SshHost` takes it."""
        ...


class Internet:
    """The real one."""

    publishers = Publishers()

    def my_address(self) -> str:
        """See :meth:`Reach.my_address`."""
        try:
            with urlopen(CHECK_IP, timeout=CHECK_IP_SECONDS) as answer:
                told: bytes = answer.read(100)
        except (OSError, HTTPException) as error:
            raise DifyAwsError(
                f"nobody could tell the public address of this machine: {CHECK_IP}: {error}\n"
                'Give it yourself: access(address="203.0.113.7").'
            ) from error
        return told.decode("ascii", "replace").strip()

    def resolve(self, name: str) -> tuple[str, ...]:
        """See :meth:`Reach.resolve`."""
        try:
            found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except socket.gaierror:
            return ()
        return tuple(sorted({str(address[0]) for *_, address in found}))

    def knock(self, address: str, port: int) -> None:
        """See :meth:`Reach.knock`."""
        socket.create_connection((address, port), KNOCK_SECONDS).close()

    def host(
        self,
        address: str,
        *,
        user: str,
        key: Secret,
        host_key: str | FirstUse,
        sock: Callable[[], socket.socket] | None = None,
    ) -> Host:
        """See :meth:`Reach.host`."""
        # paramiko takes a third of a second to load, and most runs need no host.
        from dify_aws.install.ssh import SshHost

        return SshHost(address, user, key=key, host_key=host_key, sock=sock)
