"""BedReach: the bed's machine as the machine of a deployment whose AWS is the offline world."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace

from dify_aws import Deployment, Settings
from dify_aws.engine.run_lock import NoRunLock
from dify_aws.events import Listener, quiet
from dify_aws.host.packages.publishers import Publishers
from dify_aws.host.report import Report
from dify_aws.host.ssh.host_key import FirstUse
from dify_aws.host.ssh.ssh_host import SshHost
from dify_aws.offline.world import World
from dify_aws.secrets import Secret
from dify_aws.verbs.install import install_stages
from tests.e2e.bed.bed import Bed


class BedReach:
    """See :class:`dify_aws.operations.access.connectivity.Connectivity`. Every address leads to the bed."""

    def __init__(self, bed: Bed) -> None:
        self._bed = bed
        self.names: dict[str, tuple[str, ...]] = {}
        self.publishers = Publishers(docker=bed.archive_fingerprint, cloudwatch_agent=bed.agent_fingerprint)

    def my_address(self) -> str:
        return "198.51.100.7"

    def resolve(self, name: str) -> tuple[str, ...]:
        return self.names.get(name, ())

    def check_port(self, address: str, port: int) -> None:
        ports = {80: self._bed.http_port, 443: self._bed.https_port}
        socket.create_connection((self._bed.host, ports[port]), 5).close()

    def host(
        self,
        address: str,
        *,
        user: str,
        key: Secret,
        host_key: str | FirstUse,
        sock: Callable[[], socket.socket] | None = None,
    ) -> SshHost:
        return SshHost(self._bed.host, user, key=key, host_key=host_key, sock=sock, port=self._bed.port)


class BedDeployment:
    """A deployment that is there in the offline world, but for its machine, which is the bed."""

    def __init__(self, world: World, bed: Bed, settings: Settings, listener: Listener = quiet) -> None:
        self.connectivity = BedReach(bed)
        self.deployment = Deployment(settings, session=world.session, connectivity=self.connectivity, listener=listener)
        outputs = self.deployment.apply()
        world.consoles[outputs.instance_id] = bed.console
        self.outputs = replace(outputs, hosts=(replace(outputs.host, data_volume_id=bed.data_volume_id),))
        world.session.client("secretsmanager").put_secret_value(
            SecretId=outputs.secrets["ssh-private-key"], SecretString=bed.key
        )

    def install(self, *, dry_run: bool = False, probe: bool = False, settings: Settings | None = None) -> Report:
        """As ``Deployment.install``, also with other settings."""
        of = self.deployment
        if settings is not None:
            of = Deployment(settings, session=of.aws.session, connectivity=self.connectivity, listener=of.listener)
        found = dict(of.stack.find(of.aws))
        disk = found["volume/data"]
        assert disk is not None
        found["volume/data"] = replace(disk, id=self.outputs.data_volume_id)
        return install_stages(of, NoRunLock(), found, dry_run=dry_run, probe=probe)
