"""Connect: the machine of a deployment over SSH: a way in for as long as it is needed, and its key verified."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from dify_aws.aws import Aws
from dify_aws.errors import DifyAwsError
from dify_aws.host.host import Host
from dify_aws.operations.access.connectivity import Connectivity
from dify_aws.operations.access.host_key import host_key
from dify_aws.outputs import Outputs
from dify_aws.resources.secretsmanager.stored_secret import SecretUnusable, read_secret

USER: Final = "ubuntu"


@contextmanager
def connected(
    aws: Aws, outputs: Outputs, connectivity: Connectivity, sock: Callable[[], socket.socket] | None = None
) -> Iterator[Host]:
    """The host, to which the way must be open; let go of at the end.

    Args:
        sock: makes a connected socket each time that one is needed (a tunnel); without it, port 22 is spoken to.

    Raises:
        DifyAwsError: our SSH key is not in Secrets Manager.
        HostError: the machine could not be reached, or is not the one that was pinned.
    """
    secret = outputs.secrets["ssh-private-key"]
    key = read_secret(aws, secret)
    if key is None:
        raise DifyAwsError(
            f"the SSH key is gone: there is no secret {secret} in {aws.region}. If it was deleted with a recovery "
            f"window, bring it back (aws secretsmanager restore-secret --secret-id {secret}); apply() does so too."
        )
    pinned = host_key(aws, secret, outputs.instance_id)
    try:
        host = connectivity.host(outputs.public_ip, user=USER, key=key, host_key=pinned, sock=sock)
    except ValueError as error:
        raise SecretUnusable(aws.region, secret, str(error)) from error
    try:
        yield host
    finally:
        host.close()
