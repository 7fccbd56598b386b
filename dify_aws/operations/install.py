"""Installation: Dify put on the machine of a deployment, from the way in to the last probe."""

from __future__ import annotations

from dataclasses import dataclass, field

from dify_aws.aws import Aws
from dify_aws.engine.run_lock import RunLock
from dify_aws.events import Event, Listener
from dify_aws.host.host import Host
from dify_aws.host.report import Report
from dify_aws.operations.access.connectivity import Connectivity
from dify_aws.operations.access.host_connection import open_connection
from dify_aws.operations.credentials import admin_password, dify_secrets
from dify_aws.operations.credentials.registry_login import registry_login
from dify_aws.operations.installed import InstallationMark, tags_of, upgrade_notes
from dify_aws.outputs import Outputs
from dify_aws.runtimes.compose.environment import PEPPER
from dify_aws.runtimes.compose.https.domain import points_to
from dify_aws.runtimes.compose.stages import install_dify
from dify_aws.secrets import Secret
from dify_aws.settings import Settings


@dataclass
class Installation:
    """One run of the installer, which another thread may stop."""

    aws: Aws
    settings: Settings
    connectivity: Connectivity
    listener: Listener
    turn: RunLock
    _host: Host | None = field(default=None, init=False, repr=False)

    def run(self, outputs: Outputs, *, dry_run: bool = False, probe: bool = False) -> Report:
        """See :meth:`dify_aws.Deployment.install`.

        Args:
            outputs: where the machine is, and all that its files have to name.
            dry_run: only tell what would be changed.
            probe: try Dify out at the end, even if nothing was changed.

        Raises:
            PlanRefused: the release is older than the one that is installed, or cannot follow it at once.
        """
        settings, name = self.settings, outputs.secrets["application"]
        tags = tags_of(self.aws, outputs.instance_id)
        upgrade_notes(settings, tags)
        if settings.domain:
            points_to(settings.domain, self.connectivity.resolve(settings.domain), outputs.public_ip)
        # A dry run keeps none that it makes, and shows none either.
        secrets = dify_secrets.read(self.aws, name).completed() if dry_run else dify_secrets.completed(self.aws, name)
        pepper = settings.env.get(PEPPER)
        if isinstance(pepper, Secret) and pepper.reveal():
            secrets = dify_secrets.with_pepper(self.aws, name, secrets, pepper, dry_run=dry_run)
        login = registry_login(self.aws, settings)
        mark = InstallationMark(self.aws, settings, outputs, tags)
        with open_connection(self.aws, settings, outputs, self.connectivity) as (self._host, keep):

            def forward(event: Event) -> None:
                keep()
                self.turn.check()
                if event.moment == "started" and not dry_run:
                    mark.unfinished()
                self.listener(event)

            report = install_dify(
                self._host,
                settings,
                outputs,
                secrets,
                publishers=self.connectivity.publishers,
                dry_run=dry_run,
                probe=probe,
                listener=forward,
                clock=self.aws.clock,
                login=login,
            )
            if not dry_run:
                # A reset that died on its way.
                admin_password.finish(self.aws, name, self._host, secrets, self.turn.check)
                mark.finished()
            return report

    def stop(self) -> None:
        """Let go of the host: what is being waited for there ends with an error."""
        if self._host:
            self._host.close()
