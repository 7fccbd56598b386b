"""Deployment: one Dify of yours, and the verbs you use on it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from dify_aws.aws import Aws, Session
from dify_aws.aws.price_list import refreshed
from dify_aws.blueprints.account import Account
from dify_aws.blueprints.environment import environment
from dify_aws.deployed import outputs_of
from dify_aws.engine.applied import Applied
from dify_aws.engine.further import Further
from dify_aws.engine.plan import Plan
from dify_aws.engine.resource import Actual
from dify_aws.engine.stack import Stack
from dify_aws.errors import DifyAwsError
from dify_aws.events import Listener, quiet
from dify_aws.install.report import Report
from dify_aws.operations.adopt import adopt, plan_adoption
from dify_aws.operations.bill import Use
from dify_aws.operations.cost import CostEstimate
from dify_aws.operations.diagnose import diagnose
from dify_aws.operations.diagnosis import Diagnosis
from dify_aws.operations.host_key import pin
from dify_aws.operations.install import Installation
from dify_aws.operations.lease import MINUTES, Lease
from dify_aws.operations.price_difference import plan_difference
from dify_aws.operations.reach import Internet, Reach
from dify_aws.operations.savings import estimate_settings, products_of
from dify_aws.operations.waste import owned, waste
from dify_aws.operations.way_in import leased
from dify_aws.outputs import Outputs
from dify_aws.prices.sheet import PriceSheet
from dify_aws.settings import Settings


class Deployment:
    """One environment of Dify in one account and region.

    It has no state of its own: each verb begins by looking at AWS, so it does not matter which script, notebook or
    machine ran the last one, or whether it got to its end.

    Args:
        settings: what is wished for. For :meth:`destroy`, only its environment and region have to be right.
        session: a ``boto3.Session``; without one, boto3's default chain (AWS_PROFILE, AWS_ENDPOINT_URL, … count).
        listener: is told what happens as it happens, as :class:`~dify_aws.Progress` does.
        reach: the world beside AWS's API; the internet, or what the session brings (the offline world's does).

    Raises:
        CredentialsError: the profile does not exist.
    """

    def __init__(
        self,
        settings: Settings,
        session: Session | None = None,
        listener: Listener | None = None,
        *,
        reach: Reach | None = None,
    ) -> None:
        self.settings = settings
        self.listener = listener or quiet
        self.aws = Aws(session, deployment=settings.deployment, region=settings.region, tags=settings.tags)
        self.reach: Reach = reach or getattr(self.aws.session, "reach", None) or Internet()

    def __repr__(self) -> str:
        return f"<Deployment {self.settings.deployment} in {self.settings.region}>"

    @cached_property
    def stack(self) -> Stack:
        """Everything that is wished for, as resources. The first use asks AWS whose account this is."""
        return environment(self.settings, self._account)

    @property
    def _account(self) -> Account:
        return Account(self.aws.account, self.aws.partition, self.aws.region)

    def plan(self) -> Plan:
        """What :meth:`apply` would do. Reads only; it is true when there is something to do.

        Raises:
            PlanRefused: some of it cannot be done; every reason at once.
            CredentialsError, PermissionDenied, AwsError: AWS could not be asked.
        """
        plan, sheet = self.stack.plan(self.aws), PriceSheet.shipped()
        there = owned(self.aws)  # as the plan has just seen it: this asks nothing
        # The stack's own note speaks of the NAT gateway.
        lost = [str(row) for row in waste(there, sheet, self.aws.region) if row.address != "nat-gateway/main"]
        cost = [str(plan_difference(plan, sheet, there))] if plan else []
        return plan.noted(*cost, *lost)

    def plan_destroy(self, *, delete_data: bool = False) -> Plan:
        """What :meth:`destroy` would do. Reads only."""
        return self.stack.plan_destroy(self.aws, delete_data=delete_data)

    def apply(self, plan: Plan | None = None) -> Outputs:
        """Make AWS as wished for. A second run changes nothing; a run that died is finished by the next.

        Args:
            plan: a plan that was looked at and agreed to. Nothing is done that it does not show.

        Raises:
            PlanRefused: some of it cannot be done; nothing was changed.
            PlanOutdated: AWS has moved since ``plan`` was made; nothing was changed.
            RunFailed: something failed on the way; it says what is done, and the next run goes on from there.
        """
        return self._outputs(self.stack.apply(self.aws, plan, listener=self.listener).found)

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
            HostError: the machine could not be reached, or is not fit for it; nothing was changed.
            InstallFailed: a step failed; it says what is done, and the next run goes on from there.
        """
        return self._installation().run(self.outputs(), dry_run=dry_run)

    def deploy(self, plan: Plan | None = None) -> Outputs:
        """All of it: :meth:`apply`, :meth:`install`, and Dify is tried out. The one call that a person makes.

        The machine is worked on as soon as it is there, while AWS still makes what the machine does not need.

        Args:
            plan: a plan that was looked at and agreed to. Nothing is done in AWS that it does not show.

        Raises:
            PlanRefused, PlanOutdated: as for :meth:`apply`; nothing was changed.
            RunFailed: something failed in AWS; it says what is done, and the next run goes on from there.
            HostError: AWS is done, and something is wrong with the machine, as for :meth:`install`.
        """
        installation = self._installation()

        def run(found: Mapping[str, Actual | None]) -> None:
            there = {address: actual for address, actual in found.items() if actual is not None}
            installation.run(outputs_of(self.settings, there), probe=True)

        needs = self.stack.resources.keys() - self.stack.behind("nat-gateway", "alarm")
        dify = {"dify": Further(frozenset(needs), run, installation.stop)}
        return self._outputs(self.stack.apply(self.aws, plan, listener=self.listener, further=dify).found)

    def estimate_cost(self, *, live: bool = False, use: Use | None = None) -> CostEstimate:
        """What the settings cost a month, line by line, and what each of them would save.

        Args:
            live: ask AWS for today's prices; else those of the sheet in this package count, with its date.
            use: what is stored, sent and logged in a month, where it is another than is assumed.

        Raises:
            AwsError: AWS could not be asked.
        """
        account, use = self._account, use or Use()
        sheet = PriceSheet.shipped()
        if live:
            sheet = refreshed(self.aws, sheet, products_of(self.settings, account, use))
        return estimate_settings(self.settings, account, sheet, use)

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
        return leased(self.aws, self.settings, self.outputs(), self.reach, address, minutes=minutes, owner=owner)

    def diagnose(self, *, open_access: bool = False) -> Diagnosis:
        """Look at everything that is known to go wrong, from AWS to the containers, and change nothing.

        What cannot be looked at is a line that says so, and no error.

        Args:
            open_access: also lease a way to the machine if none is open, and give it back.
        """
        return diagnose(self.aws, self.settings, self.stack, self.reach, self._outputs, open_access=open_access)

    def plan_adopt(self, address: str, id: str) -> Plan:
        """What :meth:`adopt` would do, and how the thing differs from what is wished for. Reads only."""
        return plan_adoption(self.aws, self.stack, address, id)

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
        """
        return adopt(self.aws, self.stack, address, id, plan)

    def pin_host_key(self, line: str) -> str:
        """Insist on this host key of the machine from now on, in place of the one that was pinned. Its fingerprint.

        Do it after the machine was made anew by other means, and after you have compared the fingerprints.

        Args:
            line: as in known_hosts, without the name: "ssh-ed25519 AAAA…".

        Raises:
            ValueError: it is no host key.
        """
        outputs = self.outputs()
        return pin(self.aws, outputs.secrets["ssh-private-key"], outputs.instance_id, line)

    def outputs(self) -> Outputs:
        """The same outputs, found again. Reads only.

        Raises:
            DifyAwsError: there is no such deployment, or it is not complete.
        """
        return self._outputs(self.stack.find(self.aws))

    def destroy(self, delete_data: bool = False) -> Applied:
        """Delete everything of this deployment, except what holds data; what was kept is in ``.kept``.

        It works from what is found in AWS, so only the environment and the region of the settings have to be right.

        Args:
            delete_data: also delete the data volume and the bucket with everything in it. There is no way back.

        Raises:
            RunFailed: something could not be deleted; the next run goes on from there.
        """
        return self.stack.destroy(self.aws, delete_data=delete_data, listener=self.listener)

    def _installation(self) -> Installation:
        return Installation(self.aws, self.settings, self.reach, self.listener)

    def _outputs(self, found: Mapping[str, Actual | None]) -> Outputs:
        missing = [address for address in self.stack.resources if found.get(address) is None]
        where = f"{self.settings.deployment} in {self.settings.region}"
        if not [address for address in found if address not in missing and not address.startswith("zone/")]:
            raise DifyAwsError(f"there is no {where}, in this account ({self.aws.account}). apply() makes it.")
        if missing:
            raise DifyAwsError(f"{where} is not complete: no {', '.join(missing)}. apply() makes the rest of it.")
        return outputs_of(self.settings, {address: actual for address, actual in found.items() if actual is not None})
