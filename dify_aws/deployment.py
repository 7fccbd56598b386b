"""Deployment: one Dify of yours, and the verbs you use on it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from dify_aws.aws import Aws, Session
from dify_aws.blueprints.account import Account
from dify_aws.blueprints.environment import environment
from dify_aws.engine.applied import Applied
from dify_aws.engine.plan import Plan
from dify_aws.engine.resource import Actual
from dify_aws.engine.stack import Stack
from dify_aws.errors import DifyAwsError
from dify_aws.events import Listener, quiet
from dify_aws.outputs import Outputs
from dify_aws.settings import Settings


class Deployment:
    """One environment of Dify in one account and region.

    It has no state of its own: each verb begins by looking at AWS, so it does not matter which script, notebook or
    machine ran the last one, or whether it got to its end.

    Args:
        settings: what is wished for. For :meth:`destroy`, only its environment and region have to be right.
        session: a ``boto3.Session``; without one, boto3's default chain (AWS_PROFILE, AWS_ENDPOINT_URL, … count).
        listener: is told what happens as it happens, as :class:`~dify_aws.Progress` does.

    Raises:
        CredentialsError: the profile does not exist.
    """

    def __init__(self, settings: Settings, session: Session | None = None, listener: Listener | None = None) -> None:
        self.settings = settings
        self.listener = listener or quiet
        self.aws = Aws(session, deployment=settings.deployment, region=settings.region, tags=settings.tags)

    def __repr__(self) -> str:
        return f"<Deployment {self.settings.deployment} in {self.settings.region}>"

    @cached_property
    def stack(self) -> Stack:
        """Everything that is wished for, as resources. The first use asks AWS whose account this is."""
        return environment(self.settings, Account(self.aws.account, self.aws.partition, self.aws.region))

    def plan(self) -> Plan:
        """What :meth:`apply` would do. Reads only; it is true when there is something to do.

        Raises:
            PlanRefused: some of it cannot be done; every reason at once.
            CredentialsError, PermissionDenied, AwsError: AWS could not be asked.
        """
        return self.stack.plan(self.aws)

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

    def _outputs(self, found: Mapping[str, Actual | None]) -> Outputs:
        missing = [address for address in self.stack.resources if found.get(address) is None]
        where = f"{self.settings.deployment} in {self.settings.region}"
        if not [address for address in found if address not in missing and not address.startswith("zone/")]:
            raise DifyAwsError(f"there is no {where}, in this account ({self.aws.account}). apply() makes it.")
        if missing:
            raise DifyAwsError(f"{where} is not complete: no {', '.join(missing)}. apply() makes the rest of it.")
        return _outputs(self.settings, {address: actual for address, actual in found.items() if actual is not None})


def _outputs(settings: Settings, found: Mapping[str, Actual]) -> Outputs:
    host, address, topic = found["instance/host"], found["elastic-ip/host"], found["topic/alarms"]
    nat = found.get("nat-gateway/main")
    notes = [
        f"{mail} hears of no alarm until the link in AWS's mail to it has been followed." for mail in topic["pending"]
    ]
    return Outputs(
        deployment=settings.deployment,
        region=settings.region,
        url=f"http://{address['public_ip']}",
        public_ip=address["public_ip"],
        private_ip=host["private_ip"],
        instance_id=host.id,
        availability_zone=host["availability_zone"],
        vpc_id=found["vpc/main"].id,
        subnets=_ids(found, "subnet"),
        security_groups=_ids(found, "security-group"),
        data_volume_id=found["volume/data"].id,
        bucket=found["bucket/storage"].id,
        secrets=_ids(found, "secret"),
        log_groups=_ids(found, "log-group"),
        alarm_topic=topic.id,
        alarms=tuple(_ids(found, "alarm").values()),
        nat_gateway_id=nat.id if nat else None,
        nat_public_ip=found["elastic-ip/nat"]["public_ip"] if nat else None,
        notes=tuple(notes),
    )


def _ids(found: Mapping[str, Actual], kind: str) -> dict[str, str]:
    """The ids of all of one kind, by name."""
    return {
        address.partition("/")[2]: actual.id for address, actual in found.items() if address.partition("/")[0] == kind
    }
