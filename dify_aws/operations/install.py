"""Installer: what the stages of one installation share: the connection, the secrets, and the mark of what is done."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Self

from dify_aws.aws import Aws
from dify_aws.engine.node import Nodes
from dify_aws.engine.resource import Actual
from dify_aws.engine.run_lock import RunLock
from dify_aws.events import Event, Listener
from dify_aws.host.errors import HostClosed, InstallFailed
from dify_aws.host.host import Host
from dify_aws.host.report import Report
from dify_aws.operations.access.connectivity import Connectivity
from dify_aws.operations.access.host_connection import open_connection
from dify_aws.operations.credentials import admin_password, dify_secrets
from dify_aws.operations.credentials.registry_login import registry_login
from dify_aws.operations.installed import InstallationMark, tags_of, upgrade_notes
from dify_aws.outputs import Outputs
from dify_aws.runtimes.compose.dify_secrets import DifySecrets
from dify_aws.runtimes.compose.environment import PEPPER
from dify_aws.runtimes.compose.https.domain import points_to
from dify_aws.runtimes.compose.installation import Installation
from dify_aws.runtimes.compose.registry import RegistryLogin
from dify_aws.runtimes.compose.stages.order import PROOF, named
from dify_aws.secrets import Secret
from dify_aws.settings import Settings
from dify_aws.topologies.account import Account
from dify_aws.topologies.topology import Topology


@dataclass
class Installer:
    """One installation. Its methods are called from several threads, each when what it needs is there.

    It is a context manager: what it opens is closed at the end.

    Args:
        aws: the client.
        settings: what is desired.
        connectivity: how the host is reached.
        listener: is told what happens as it happens.
        run_lock: checked before each step.
        dry_run: only find out what would be changed.
        probe: try Dify out at the end, even if nothing was changed.
    """

    aws: Aws
    settings: Settings
    connectivity: Connectivity
    listener: Listener
    run_lock: RunLock
    dry_run: bool = False
    probe: bool = False
    _open: ExitStack = field(default_factory=ExitStack, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _stopped: bool = field(default=False, init=False, repr=False)
    _host: Host | None = field(default=None, init=False, repr=False)
    _installation: Installation | None = field(default=None, init=False, repr=False)
    _mark: InstallationMark | None = field(default=None, init=False, repr=False)
    _secrets: DifySecrets | None = field(default=None, init=False, repr=False)
    _login: RegistryLogin | None = field(default=None, init=False, repr=False)

    def nodes(self, topology: Topology, account: Account) -> Nodes:
        """The stages of a topology, with this installer to run them.

        Args:
            topology: of the deployment.
            account: where it is.
        """

        def check(found: Mapping[str, Actual | None]) -> None:
            if (host := found.get(topology.addresses.host)) is not None:
                upgrade_notes(self.settings, host.tags)

        return Nodes(tuple(topology.stages(self.settings, account, self)), check, self.stop)

    def connect(self, outputs: Outputs) -> None:
        """Open the connection that all stages share, and ask the host what they have to know.

        Args:
            outputs: where the host is, and what lets us in.

        Raises:
            HostError: the machine could not be reached, or is not the one that was pinned.
        """
        # A run that goes on in another place has another machine.
        self._open.close()
        mark = InstallationMark(self.aws, self.settings, outputs.instance_id, tags_of(self.aws, outputs.instance_id))
        host, keep = self._open.enter_context(open_connection(self.aws, self.settings, outputs, self.connectivity))
        with self._lock:
            if self._stopped:
                raise HostClosed(host.where)
            self._host = host

        def forward(event: Event) -> None:
            keep()
            self.run_lock.check()
            if event.moment == "started" and not self.dry_run:
                mark.unfinished()
            self.listener(event)

        self._installation = Installation(
            host,
            self.settings,
            outputs,
            publishers=self.connectivity.publishers,
            listener=forward,
            clock=self.aws.clock,
            dry_run=self.dry_run,
            probe=self.probe,
        )
        self._open.callback(self._installation.close)
        self._mark = mark

    def read_secrets(self, outputs: Outputs) -> None:
        """The secrets of Dify, made and kept if they are not there yet; a dry run keeps none that it makes.

        Args:
            outputs: with the name of the secret.

        Raises:
            AwsError: they could not be read or kept.
            DifyAwsError: there is no login to the registry of the settings.
        """
        name = outputs.secrets["application"]
        secrets = (
            dify_secrets.read(self.aws, name).completed() if self.dry_run else dify_secrets.completed(self.aws, name)
        )
        pepper = self.settings.env.get(PEPPER)
        if isinstance(pepper, Secret) and pepper.reveal():
            secrets = dify_secrets.with_pepper(self.aws, name, secrets, pepper, dry_run=self.dry_run)
        self._login = registry_login(self.aws, self.settings)
        self._secrets = secrets

    def check_domain(self, outputs: Outputs) -> None:
        """Make sure that the domain leads to the host, if there is one.

        Args:
            outputs: with the address of the host.

        Raises:
            DomainElsewhere: it does not, or not only.
        """
        if self.settings.domain:
            points_to(self.settings.domain, self.connectivity.resolve(self.settings.domain), outputs.public_ip)

    def run(self, stage: str, outputs: Outputs) -> None:
        """Bring a stage to its end.

        Args:
            stage: its name; its needs are done.
            outputs: what it needs to know of AWS.

        Raises:
            InstallFailed: a step failed; the next run goes on from there.
        """
        installation, mark, host = self._installation, self._mark, self._host
        assert installation is not None, "every stage needs the connection"
        assert mark is not None
        assert host is not None
        with self._lock:
            if self._secrets is not None and not installation.given:
                installation.give(self._secrets, self._login)
        installation.run(named(stage), outputs)
        if stage == PROOF.name and not self.dry_run:
            assert self._secrets is not None, "the proof needs the secrets"
            # A reset that died on its way.
            name = outputs.secrets["application"]
            admin_password.finish(self.aws, name, host, self._secrets, self.run_lock.check)
            mark.finished(outputs)

    def report(self) -> Report | None:
        """What came of the stages until now; None if the host was never reached."""
        return self._installation.report() if self._installation else None

    def finish(self, failed: Mapping[str, Exception]) -> Report:
        """The report, when no more stages will run.

        Args:
            failed: what stages raised, by their addresses.

        Raises:
            InstallFailed: steps failed.
            DifyAwsError: what the first of the other stages raised. Notes name the stages.
        """
        others = {address: error for address, error in failed.items() if not isinstance(error, InstallFailed)}
        try:
            if self._installation is not None:
                report = self._installation.finish()
                if not others:
                    return report
        except InstallFailed as error:
            _add_notes(error, others)
            raise
        address, first = next(iter(others.items()))
        first.add_note(f"This was {address}.")
        _add_notes(first, {each: error for each, error in others.items() if each != address})
        raise first

    def stop(self) -> None:
        """Let go of the host: what is being waited for there ends with an error."""
        with self._lock:
            self._stopped = True
            host = self._host
        if host:
            host.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()


def _add_notes(error: Exception, others: Mapping[str, Exception]) -> None:
    for address, other in others.items():
        error.add_note(f"{address} failed as well: {other}")
