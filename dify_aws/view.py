"""View: a deployment as it can be looked at. Nothing here changes anything, so nobody has to wait for anybody."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from dify_aws.aws import Aws, Session
from dify_aws.aws.price_list import refreshed
from dify_aws.aws.unexpected_answer import reading
from dify_aws.engine.plan import Plan
from dify_aws.engine.resource import Actual
from dify_aws.engine.stack import Stack
from dify_aws.operations.adopt import plan_adoption
from dify_aws.operations.cost.bill import Use
from dify_aws.operations.cost.estimate import CostEstimate
from dify_aws.operations.cost.price_difference import plan_difference
from dify_aws.operations.cost.savings import estimate_settings, products_of
from dify_aws.operations.cost.waste import owned, waste
from dify_aws.operations.history.history import NEWEST, history
from dify_aws.operations.history.record import Record
from dify_aws.outputs import Outputs
from dify_aws.prices.sheet import PriceSheet
from dify_aws.settings import Settings
from dify_aws.topologies.account import Account
from dify_aws.topologies.single_host import environment
from dify_aws.topologies.single_host_outputs import build_complete_outputs


class View:
    """The verbs of :class:`~dify_aws.Deployment` that only read; its arguments are told there."""

    def __init__(self, settings: Settings, session: Session | None = None) -> None:
        self.settings = settings
        self.aws = Aws(session, deployment=settings.deployment, region=settings.region, tags=settings.tags)

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
        with reading(self.aws.deployment, "know what it costs"):
            # The stack's own note speaks of the NAT gateway.
            lost = [str(row) for row in waste(there, sheet, self.aws.region) if row.address != "nat-gateway/main"]
            cost = [str(plan_difference(plan, sheet, there))] if plan else []
        return plan.noted(*cost, *lost)

    def plan_destroy(self, *, delete_data: bool = False) -> Plan:
        """What :meth:`destroy` would do. Reads only."""
        return self.stack.plan_destroy(self.aws, delete_data=delete_data)

    def outputs(self) -> Outputs:
        """The same outputs, found again. Reads only.

        Raises:
            DifyAwsError: there is no such deployment, or it is not complete.
        """
        return self._outputs(self.stack.find(self.aws))

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

    def plan_adopt(self, address: str, id: str) -> Plan:
        """What :meth:`adopt` would do, and how the thing differs from what is wished for. Reads only."""
        return plan_adoption(self.aws, self.stack, address, id)

    def history(self, *, newest: int = NEWEST) -> tuple[Record, ...]:
        """What was done to it, the newest first: who, when, what, with which settings and versions. Reads only.

        Empty without a :class:`~dify_aws.Foundation`.

        Args:
            newest: how many records at the most.
        """
        return history(self.aws, newest=newest)

    def _outputs(self, found: Mapping[str, Actual | None]) -> Outputs:
        with reading(self.aws.deployment, "tell its outputs"):
            return build_complete_outputs(self.settings, self.stack.resources, found, self.aws.account)
