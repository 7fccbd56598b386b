"""Reach: what a deployment needs of the world beside AWS's API: who we are out there, names, and a way to the host."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from http.client import HTTPException
from typing import Final, Protocol
from urllib.request import urlopen

from dify_aws.errors import DifyAwsError
from dify_aws.host.host import Host
from dify_aws.host.packages.publishers import Publishers
from dify_aws.host.ssh.host_key import FirstUse
from dify_aws.secrets import Secret
from dify_aws.trusted_roots import ADVICE, tls_context

CHECK_IP: Final = "https://checkip.amazonaws.com"
"""AWS's own answer to "what is my address?". It is requested over IPv4 or IPv6, whichever this machine prefers."""

CHECK_IP_SECONDS: Final = 10.0

CONNECT_SECONDS: Final = 5.0
"""Any host on earth answers within one. A port whose packets a firewall drops never does."""


class Connectivity(Protocol):
    """The world as this machine reaches it. The offline world brings its own, as ``connectivity`` of its session."""

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

    def check_port(self, address: str, port: int) -> None:
        """Return if somebody answers on a TCP port; nothing is sent.

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
        """The machine at an address, as :class:`dify_aws.host.SshHost` takes it."""
        ...


class Internet:
    """The real one. Proxies of the environment are used for HTTPS (HTTPS_PROXY, NO_PROXY); SSH goes its own way.

    Args:
        ca_bundle: a file or folder with the certificates that are trusted; None for those of the system.
        check_ip: the address of a page that says what one's own address is.
    """

    publishers = Publishers()

    def __init__(self, ca_bundle: str | None = None, check_ip: str = CHECK_IP) -> None:
        self._ca_bundle = ca_bundle
        self._check_ip = check_ip

    def my_address(self) -> str:
        """See :meth:`Connectivity.my_address`."""
        try:
            # The address is ours, with https.
            context = tls_context(self._ca_bundle)
            with urlopen(self._check_ip, timeout=CHECK_IP_SECONDS, context=context) as answer:  # nosec B310
                received: bytes = answer.read(100)
        except (OSError, HTTPException) as error:
            unverified = isinstance(getattr(error, "reason", None), ssl.SSLCertVerificationError)
            raise DifyAwsError(
                f"nobody could tell the public address of this machine: {self._check_ip}: {error}\n"
                + (f"{ADVICE}\n" if unverified else "")
                + 'Or give it yourself: Deployment(…, address="203.0.113.7"), or --address on the command line.'
            ) from error
        return received.decode("ascii", "replace").strip()

    def resolve(self, name: str) -> tuple[str, ...]:
        """See :meth:`Connectivity.resolve`."""
        try:
            found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except socket.gaierror:
            return ()
        return tuple(sorted({str(address[0]) for *_, address in found}))

    def check_port(self, address: str, port: int) -> None:
        """See :meth:`Connectivity.check_port`."""
        socket.create_connection((address, port), CONNECT_SECONDS).close()

    def host(
        self,
        address: str,
        *,
        user: str,
        key: Secret,
        host_key: str | FirstUse,
        sock: Callable[[], socket.socket] | None = None,
    ) -> Host:
        """See :meth:`Connectivity.host`."""
        # paramiko takes a third of a second to load, and most runs need no host.
        from dify_aws.host.ssh.ssh_host import SshHost

        return SshHost(address, user, key=key, host_key=host_key, sock=sock)
