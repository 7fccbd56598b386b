"""Installation: one run of the stages on one host, over one connection, with one report."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Final

from dify_aws.clock import Clock
from dify_aws.events import Listener
from dify_aws.host.errors import InstallFailed
from dify_aws.host.fact import Fact
from dify_aws.host.host import Host
from dify_aws.host.host_run import HostRun
from dify_aws.host.masked_log import masked_log
from dify_aws.host.packages.publishers import Publishers
from dify_aws.host.report import Report
from dify_aws.outputs import PLACEHOLDER, Outputs
from dify_aws.runtimes.compose.bundle import references
from dify_aws.runtimes.compose.dify_secrets import DifySecrets
from dify_aws.runtimes.compose.registry import RegistryLogin
from dify_aws.runtimes.compose.stages.order import HTTPS, IMAGES, PROOF, all_steps
from dify_aws.runtimes.compose.stages.stage import Stage, StageInputs
from dify_aws.runtimes.compose.steps.certificate import CertificateOf
from dify_aws.runtimes.compose.steps.image_digests import RECORD, recorded
from dify_aws.secrets import Secret
from dify_aws.settings import Settings

NO_LOGIN: Final = RegistryLogin(registry="nowhere.example", username="nobody", password=Secret(""))
"""In place of one that is not known yet."""


class Installation:
    """The stages on one host. Several may run at the same time, in threads.

    With a domain that has no certificate yet, Dify is started twice: nginx cannot start with a certificate that is not
    there, and the authority wants to talk to nginx before it gives one.

    Args:
        host: the machine.
        settings: what is desired.
        outputs: with that host.
        publishers: whose packages are trusted.
        listener: is told what happens as it happens.
        clock: how to wait.
        dry_run: only tell what would be changed. Each stage is judged, even when another fails.
        probe: try Dify out at the end, even if nothing was changed.

    Raises:
        HostError: the host could not be asked; nothing was changed.
    """

    def __init__(
        self,
        host: Host,
        settings: Settings,
        outputs: Outputs,
        *,
        publishers: Publishers,
        listener: Listener,
        clock: Clock,
        dry_run: bool = False,
        probe: bool = False,
    ) -> None:
        self._host = host
        self._settings = settings
        self._publishers = publishers
        self._dry_run = dry_run
        self._probe = probe
        self._secrets = DifySecrets()
        self._login = NO_LOGIN if settings.registry_secret and settings.image_registry else None
        self._until_the_end = ExitStack()
        self._run = HostRun(host, dry_run=dry_run, listener=listener, clock=clock)
        certificate = CertificateOf(settings.domain) if settings.domain else None
        first: list[Fact[Any]] = [RECORD, *([certificate] if certificate else [])]
        known = host.ask(first)
        self._https = certificate is not None and known[certificate].usable
        self._digests: Mapping[str, str] = recorded(known)
        # What a stage asks the host follows from the settings. So all of it is asked at once, long before the values
        # are there that the stages wait for; none of the placeholders gets anywhere.
        expected = self._inputs(replace(PLACEHOLDER, hosts=outputs.hosts), DifySecrets.placeholders())
        self._run.expect(all_steps(expected))

    def give(self, secrets: DifySecrets, login: RegistryLogin | None = None) -> None:
        """What stages need that nobody may see. It is in no message and no log from now on.

        Args:
            secrets: of Dify.
            login: to the registry that the images come from.
        """
        given = (value for value in self._settings.env.values() if isinstance(value, Secret))
        hidden = (*secrets.values, *given, *(login.values if login else ()))
        self._until_the_end.enter_context(masked_log(hidden))
        self._run.hide(hidden)
        self._secrets, self._login = secrets, login

    @property
    def given(self) -> bool:
        """Whether the secrets are known."""
        return not self._secrets.missing

    def run(self, stage: Stage, outputs: Outputs) -> None:
        """Bring a stage to its end. On a host that is so already, nothing is changed, and nothing restarted.

        Args:
            stage: whose needs are done.
            outputs: what it needs to know of AWS.

        Raises:
            InstallFailed: a step failed; the next run goes on from there.
        """
        if stage is PROOF and (self._dry_run or not (self._probe or self._run.report())):
            return
        if stage is HTTPS and self._dry_run:
            return
        steps = tuple(stage.steps(self._inputs(outputs, self._secrets)))
        try:
            # Nothing is changed by a probe, and with dry_run each is judged, even when another fails.
            self._run.converge(steps, stage=stage.address, dry_run=True if stage is PROOF else None)
        except InstallFailed:
            if not self._dry_run:
                raise
        if stage is HTTPS and self._settings.domain:
            self._https = True
        unknown = [each for each in references(self._settings) if "@" not in each and each not in self._digests]
        if stage is IMAGES and unknown and not self._dry_run:
            self._digests = recorded(self._host.ask([RECORD]))

    def report(self) -> Report:
        """What came of the stages until now."""
        images = {each: self._digests.get(each, each.partition("@")[2]) for each in references(self._settings)}
        return replace(self._run.report(), images=images)

    def finish(self) -> Report:
        """The report of all stages, when no more of them will run.

        Raises:
            InstallFailed: steps failed; its report has what is done and what was not tried.
        """
        self._run.finished()
        report = self.report()
        if self._run.failures:
            raise self._run.failed(report, self._run.failures)
        return report

    def close(self) -> None:
        """Forget the secrets."""
        self._until_the_end.close()

    def _inputs(self, outputs: Outputs, secrets: DifySecrets) -> StageInputs:
        return StageInputs(
            settings=self._settings,
            outputs=outputs,
            secrets=secrets,
            publishers=self._publishers,
            login=self._login,
            digests=self._digests,
            https=self._https,
        )
