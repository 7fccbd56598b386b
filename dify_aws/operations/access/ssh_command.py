"""SshCommand: OpenSSH's client as it reaches the machine, for as long as a person needs it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from dify_aws.aws import Aws
from dify_aws.errors import DifyAwsError
from dify_aws.operations.access.connect import USER
from dify_aws.operations.access.connectivity import Connectivity
from dify_aws.operations.access.host_connection import leased
from dify_aws.operations.access.host_key import host_key
from dify_aws.outputs import Outputs
from dify_aws.resources.secretsmanager.stored_secret import read_secret
from dify_aws.settings import Settings


@contextmanager
def ssh_command(
    aws: Aws,
    settings: Settings,
    outputs: Outputs,
    connectivity: Connectivity,
    address: str | None,
    *,
    minutes: int,
) -> Iterator[tuple[str, ...]]:
    """Open port 22, and write key and known host to a folder that only this user can read, until the end of the block.

    Args:
        aws: the client.
        settings: of the deployment.
        outputs: where the machine is.
        connectivity: tells the address of this computer.
        address: the address instead of that.
        minutes: how long the port is open at the longest.

    Yields:
        The program and its options, to which a command for the machine may be added.

    Raises:
        DifyAwsError: our SSH key is not in Secrets Manager.
    """
    key = read_secret(aws, outputs.secrets["ssh-private-key"])
    if key is None:
        raise DifyAwsError("the SSH key is gone from Secrets Manager: apply() brings it back.")
    pinned = host_key(aws, outputs.secrets["ssh-private-key"], outputs.instance_id)
    host = outputs.public_ip
    with (
        leased(aws, settings, outputs, connectivity, address, minutes=minutes),
        TemporaryDirectory(prefix="dify-aws-ssh-") as folder,
    ):
        identity, known = Path(folder, "key"), Path(folder, "known_hosts")
        for path, text in (
            (identity, key.reveal().rstrip("\n") + "\n"),
            (known, "".join(f"{host} {line}\n" for line in pinned.splitlines()) if isinstance(pinned, str) else ""),
        ):
            with open(path, "w", encoding="utf-8", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(text)
        strict = "yes" if isinstance(pinned, str) else "accept-new"
        options = {"IdentitiesOnly": "yes", "UserKnownHostsFile": str(known), "StrictHostKeyChecking": strict}
        options["GlobalKnownHostsFile"] = "/dev/null"
        words = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        yield ("ssh", "-i", str(identity), *words, f"{USER}@{host}")
