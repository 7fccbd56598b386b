"""Deployment: one Dify of yours, and the verbs you use on it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Self

from dify_aws.aws import Session
from dify_aws.engine.applied import Applied
from dify_aws.engine.external_node import ExternalNode
from dify_aws.engine.plan import Plan
from dify_aws.engine.resource import Actual
from dify_aws.engine.run_lock import NoRunLock, RunLock
from dify_aws.errors import RunFailed
from dify_aws.events import Listener, quiet
from dify_aws.host.report import Report
from dify_aws.operations.access.connectivity import Connectivity, Internet
from dify_aws.operations.access.host_connection import leased
from dify_aws.operations.access.lease import MINUTES, Lease
from dify_aws.operations.credentials.admin_password import RESET, AdminPassword, reset
from dify_aws.operations.diagnosis.diagnose import diagnose
from dify_aws.operations.diagnosis.diagnosis import Diagnosis
from dify_aws.operations.history.history import load, write_record
from dify_aws.operations.history.record import changes_of
from dify_aws.operations.history.recorded import adopt_recorded, pin_recorded
from dify_aws.operations.install import Installation
from dify_aws.operations.lock.lock import Lock, unlock
from dify_aws.operations.lock.lock_owner import LockOwner
from dify_aws.outputs import Outputs
from dify_aws.settings import Settings
from dify_aws.topologies.single_host_outputs import build_outputs
from dify_aws.view import View


class Deployment(View):
    """One environment of Dify in one account and region.

    It has no state of its own: each verb begins by looking at AWS, so it does not matter which script, notebook or
    machine ran the last one, or whether it got to its end. Whatever changes something holds the lock of the deployment,
    so that one run at a time is at work.

    Args:
        settings: what is wished for. For :meth:`destroy`, only its environment and region have to be right.
        session: a ``boto3.Session``; without one, boto3's default chain (AWS_PROFILE, AWS_ENDPOINT_URL, … count).
        listener: is told what happens as it happens, as :class:`~dify_aws.Progress` does.
        reach: the world beside AWS's API; the internet, or what the session brings (the offline world's does).
        wait: seconds to wait for the end of another run that has the lock; 0 does not wait. None: only as long as it
            takes to see that the other run lives (half a minute), or to outlast its lease if it is dead.

    Raises:
        CredentialsError: the profile does not exist.
    """

    def __init__(
        self,
        settings: Settings,
        session: Session | None = None,
        listener: Listener | None = None,
        *,
        connectivity: Connectivity | None = None,
        wait: float | None = None,
    ) -> None:
        super().__init__(settings, session)
        self.listener = listener or quiet
        self.connectivity: Connectivity = (
            connectivity or getattr(self.aws.session, "connectivity", None) or Internet(self.aws.ca_bundle)
        )
        self.wait = wait

    @classmethod
    def load(
        cls,
        environment: str,
        *,
        project: str = "dify",
        region: str | None = None,
        session: Session | None = None,
        listener: Listener | None = None,
        **overrides: object,
    ) -> Self:
        """A deployment whose settings file is lost, with the settings of the last run that made something.

        They are in its history, which begins with the first run after the :class:`~dify_aws.Foundation` was made.

        Args:
            environment: which one, as "dev".
            project: the first part of its name.
            region: where it is; without one, the region of the session.
            session: as above.
            listener: as above.
            overrides: settings that count instead of the recorded ones; those of ``env`` are never recorded.

        Raises:
            DifyAwsError: nothing is recorded, or the record is of another deployment; or the values of ``env`` are
                needed.
            SettingsError: this version of dify_aws does not take the settings any more.
        """
        return cls(load(environment, project=project, region=region, session=session, **overrides), session, listener)

    def apply(self, plan: Plan | None = None) -> Outputs:
        """Make AWS as wished for. A second run changes nothing; a run that died is finished by the next.

        Args:
            plan: a plan that was looked at and agreed to. Nothing is done that it does not show.

        Raises:
            PlanRefused: some of it cannot be done; nothing was changed.
            PlanOutdated: AWS has moved since ``plan`` was made; nothing was changed.
            LockHeld: another run is at work; nothing was changed.
            RunFailed: something failed on the way; it says what is done, and the next run goes on from there.
        """
        with self._recorded("apply"):
            applied = self.stack.apply(self.aws, plan, listener=self.listener, turn=self._lock("apply"))
        return self._done(applied, "apply")

    def install(self, *, dry_run: bool = False) -> Report:
        """Make the machine as wished for, from the data volume to a Dify that answers. AWS has to be there already.

        A second run changes nothing and restarts nothing; one that was cut anywhere is finished by the next. If
        anything was changed, Dify is tried out at the end.

        Args:
            dry_run: only tell what would be changed on the machine, files as a diff; nothing is.

        Returns:
            What was done, step by step. It is true if anything was (or would be) changed.

        Raises:
            DifyAwsError: there is no such deployment, or it is not complete.
            LockHeld: another run is at work; nothing was changed.
            HostError: the machine could not be reached, or is not fit for it; nothing was changed.
            InstallFailed: a step failed; it says what is done, and the next run goes on from there.
        """
        if dry_run:
            return self._installation().run(self.outputs(), dry_run=True)
        with self._lock("install") as lock:
            outputs = self.outputs()
            report = self._installation(lock).run(outputs)
        write_record(self.aws, self.settings, changes_of(report), outputs, verb="install")
        return report

    def deploy(self, plan: Plan | None = None) -> Outputs:
        """All of it: :meth:`apply`, :meth:`install`, and Dify is tried out. The one call that a person makes.

        The machine is worked on as soon as it is there, while AWS still makes what the machine does not need.

        Args:
            plan: a plan that was looked at and agreed to. Nothing is done in AWS that it does not show.

        Raises:
            PlanRefused, PlanOutdated, LockHeld: as for :meth:`apply`; nothing was changed.
            RunFailed: something failed in AWS; it says what is done, and the next run goes on from there.
            HostError: AWS is done, and something is wrong with the machine, as for :meth:`install`.
        """
        lock, reports = self._lock("deploy"), list[Report]()
        installation = self._installation(lock)

        def run(found: Mapping[str, Actual | None]) -> None:
            there = {address: actual for address, actual in found.items() if actual is not None}
            reports.append(installation.run(build_outputs(self.settings, there), probe=True))

        needs = self.stack.resources.keys() - self.stack.behind("nat-gateway", "alarm")
        dify = ExternalNode(frozenset(needs), run, installation.stop)
        with self._recorded("deploy"):
            applied = self.stack.apply(self.aws, plan, listener=self.listener, external={"dify": dify}, turn=lock)
        return self._done(applied, "deploy", *reports)

    def access(self, address: str | None = None, *, minutes: int = MINUTES, owner: str | None = None) -> Lease:
        """Open port 22 of the machine for one address and a limited time. Use it as a context manager.

        It is closed at the end of the block, or by AWS itself when the time is over, whatever happens here.

        Args:
            address: the public address that is let in; the one of this machine, if it is not given.
            minutes: how long at the longest, 5 to 720.
            owner: who this is, for others who look at the rule; by default user and host name.

        Raises:
            SettingsError: with ``ssh="tunnel"`` no port is ever opened; or an argument is wrong.
            DifyAwsError: there is no such deployment; or nobody could tell the address of this machine.
        """
        return leased(self.aws, self.settings, self.outputs(), self.connectivity, address, minutes=minutes, owner=owner)

    def diagnose(self, *, open_access: bool = False) -> Diagnosis:
        """Look at everything that is known to go wrong, from AWS to the containers, and change nothing.

        What cannot be looked at is a line that says so, and no error.

        Args:
            open_access: also lease a way to the machine if none is open, and give it back.
        """
        return diagnose(self.aws, self.settings, self.stack, self.connectivity, self._outputs, open_access=open_access)

    def adopt(self, address: str, id: str, plan: Plan | None = None) -> Plan:
        """Put our tags on a thing that was made by other means; the next :meth:`apply` makes it as wished for.

        Args:
            address: what it shall be, as in "vpc/main".
            id: AWS's id of it, or its name where it has one.
            plan: a plan that was looked at and agreed to.

        Raises:
            NotAdoptable, NotOurs: there is no such thing, it is another's, or the address is taken.
            PlanRefused: it differs in what AWS fixes at creation.
            PlanOutdated: it differs in more than ``plan`` shows.
            LockHeld: another run is at work; nothing was changed.
        """
        return adopt_recorded(self.aws, self.settings, self.stack, address, id, plan, self._lock("adopt"))

    def pin_host_key(self, line: str) -> str:
        """Insist on this host key of the machine from now on, in place of the one that was pinned. Its fingerprint.

        Do it after the machine was made anew by other means, and after you have compared the fingerprints.

        Args:
            line: as in known_hosts, without the name: "ssh-ed25519 AAAA…".

        Raises:
            ValueError: it is no host key.
            LockHeld: another run is at work; nothing was changed.
        """
        return pin_recorded(self.aws, self.settings, self.outputs, line, self._lock("pin_host_key"))

    def reset_admin_password(self, email: str | None = None) -> AdminPassword:
        """Give the admin of Dify a new password, which is made, and kept in AWS Secrets Manager before it is set.

        The old one works until the new one does. A run that died on the way is finished by the next, be it this verb
        or an installation. Nobody who is logged in is logged out.

        Args:
            email: the account that is meant; by default ``admin_email`` of the settings.

        Raises:
            SettingsError: neither ``email`` nor the settings name an account.
            LockHeld: another run is at work; nothing was changed.
            HostError: the machine could not be reached, or Dify has no such account; the old password still works.
            DifyAwsError: there is no such deployment, or Dify was never installed.
        """
        return reset(self.aws, self.settings, self.outputs, self.connectivity, self._lock(RESET), email)

    def destroy(self, delete_data: bool = False) -> Applied:
        """Delete everything of this deployment, except what holds data; what was kept is in ``.kept``.

        It works from what is found in AWS, so only the environment and the region of the settings have to be right.

        Args:
            delete_data: also delete the data volume and the bucket with everything in it. There is no way back.

        Raises:
            LockHeld: another run is at work; nothing was changed.
            RunFailed: something could not be deleted; the next run goes on from there.
        """
        with self._recorded("destroy"):
            applied = self.stack.destroy(
                self.aws, delete_data=delete_data, listener=self.listener, turn=self._lock("destroy")
            )
        write_record(self.aws, self.settings, changes_of(applied.plan), None, verb="destroy")
        return applied

    def unlock(self, lock_id: str) -> LockOwner | None:
        """Take the lock from the run that has it, dead or alive: one that lives stops before its next step.

        The lock of a dead run is free by itself two minutes after its last sign of life.

        Args:
            lock_id: the id that LockHeld told: nobody takes another lock than the one that was seen.

        Returns:
            Whose it was; None if there is no lock (any more).

        Raises:
            LockHeld: it is another one that is there.
        """
        return unlock(self.aws, lock_id)

    def _lock(self, reason: str) -> Lock:
        return Lock(self.aws, reason, wait=self.wait, listener=self.listener)

    def _installation(self, turn: RunLock | None = None) -> Installation:
        return Installation(self.aws, self.settings, self.connectivity, self.listener, turn or NoRunLock())

    @contextmanager
    def _recorded(self, verb: str) -> Iterator[None]:
        """What a run did before it failed is told in the history, too: the next run will not do it again."""
        try:
            yield
        except RunFailed as failed:
            done = [{"verb": "done", "address": address} for address in failed.done]
            write_record(self.aws, self.settings, done, None, verb=f"{verb} (failed)")
            raise

    def _done(self, applied: Applied, verb: str, *reports: Report) -> Outputs:
        outputs = self._outputs(applied.found)
        write_record(self.aws, self.settings, changes_of(applied.plan, *reports), outputs, verb=verb)
        for error in applied.failed.values():
            raise error
        return outputs
