"""OwnAddress: the world as this machine reaches it, where nobody can be asked for its public address."""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import ip_address

from dify_aws.errors import Problem, SettingsError
from dify_aws.host.host import Host
from dify_aws.host.packages.publishers import Publishers
from dify_aws.host.ssh.host_key import FirstUse
from dify_aws.operations.access.connectivity import Connectivity
from dify_aws.secrets import Secret


class OwnAddress:
    """See :class:`~dify_aws.operations.access.connectivity.Connectivity`.

    Args:
        connectivity: all else.
        address: the public address that this machine's connections come from.

    Raises:
        SettingsError: it is no address.
    """

    def __init__(self, connectivity: Connectivity, address: str) -> None:
        try:
            self._address = str(ip_address(address))
        except ValueError:
            right = "Give the public address of this computer, as 203.0.113.7"
            raise SettingsError([Problem("address", address, "is no IP address", right)]) from None
        self._connectivity = connectivity

    @property
    def publishers(self) -> Publishers:
        """Whose packages are trusted."""
        return self._connectivity.publishers

    def my_address(self) -> str:
        """The address that was given."""
        return self._address

    def resolve(self, name: str) -> tuple[str, ...]:
        """See :meth:`Connectivity.resolve`."""
        return self._connectivity.resolve(name)

    def check_port(self, address: str, port: int) -> None:
        """See :meth:`Connectivity.check_port`."""
        self._connectivity.check_port(address, port)

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
        return self._connectivity.host(address, user=user, key=key, host_key=host_key, sock=sock)
