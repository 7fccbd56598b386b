"""The way in: port 22 leased to this machine's address, or a tunnel through AWS with no port open at all."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dify_aws.aws import Aws
from dify_aws.aws.signing import tunnel_url
from dify_aws.errors import Problem, SettingsError
from dify_aws.host.host import Host
from dify_aws.host.ssh.tunnel import open_tunnel
from dify_aws.operations.access.access import open_access
from dify_aws.operations.access.client_identity import this_run
from dify_aws.operations.access.connect import connected
from dify_aws.operations.access.connectivity import Connectivity
from dify_aws.operations.access.lease import MINUTES, Lease
from dify_aws.outputs import Outputs
from dify_aws.secrets import Secret
from dify_aws.settings import Settings
from dify_aws.trusted_roots import tls_context


@contextmanager
def open_connection(
    aws: Aws, settings: Settings, outputs: Outputs, connectivity: Connectivity
) -> Iterator[tuple[Host, Callable[[], None]]]:
    """The host, and what keeps the way to it open: to be called at every step of a long work. Closed at the end.

    Raises:
        HostError: the machine could not be reached, or is not the one that was pinned.
        DifyAwsError: the way could not be opened.
    """
    if settings.ssh == "tunnel":
        with connected(aws, outputs, connectivity, lambda: _tunnel(aws, outputs)) as host:
            yield host, lambda: None
    else:
        with leased(aws, settings, outputs, connectivity) as lease, connected(aws, outputs, connectivity) as host:
            yield host, lease.keep


def leased(
    aws: Aws,
    settings: Settings,
    outputs: Outputs,
    connectivity: Connectivity,
    address: str | None = None,
    *,
    minutes: int = MINUTES,
    owner: str | None = None,
) -> Lease:
    """Port 22 of the host for one address: see :meth:`dify_aws.Deployment.access`."""
    if settings.ssh == "tunnel":
        wrong = "lets the installer in through AWS, and no port is ever opened"
        raise SettingsError([Problem("ssh", settings.ssh, wrong, 'Set it to "lease" and apply, to open one')])
    return open_access(
        aws,
        outputs.security_groups["host"],
        outputs.ssh["schedule_group"],
        outputs.ssh["role"],
        address=address or connectivity.my_address(),
        owner=owner or this_run(),
        minutes=minutes,
    )


def _tunnel(aws: Aws, outputs: Outputs) -> socket.socket:
    # Each URL is good for a minute and one tunnel. AWS keeps none open for more than an hour; SshHost then asks for
    # another.
    def url() -> Secret:
        return tunnel_url(
            aws,
            endpoint_id=outputs.ssh["endpoint"],
            dns_name=outputs.ssh["dns_name"],
            fips_dns_name=outputs.ssh["fips_dns_name"],
            address=outputs.private_ip,
        )

    return open_tunnel(outputs.private_ip, url, tls_context(aws.ca_bundle))
