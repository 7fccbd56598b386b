"""Status: what there is of a deployment, at a glance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from dify_aws.aws import Aws
from dify_aws.aws.errors.unexpected_answer import reading
from dify_aws.engine.stack import Stack
from dify_aws.errors import PlanRefused
from dify_aws.operations.access.close import open_leases
from dify_aws.operations.cost.waste import owned
from dify_aws.operations.installed import with_dify
from dify_aws.operations.lock.errors import LockUnreadable
from dify_aws.operations.lock.unlock import lock_owner_of
from dify_aws.presentation import JsonMixin
from dify_aws.printable import printable
from dify_aws.settings import Settings
from dify_aws.topologies.single_host.topology import topology_of


@dataclass(frozen=True)
class OpenAccess:
    """Who is let in for a while: from which network, who it is, and until when."""

    network: str
    owner: str
    expires: datetime

    def __str__(self) -> str:
        return printable(f"{self.network} until {self.expires:%Y-%m-%d %H:%M} UTC ({self.owner})")


@dataclass(frozen=True, kw_only=True)
class Status(JsonMixin):
    """What there is of a deployment.

    Args:
        things: how many things carry its tag.
        instance_id: of the machine, None if there is none; ``state`` is what AWS says of it.
        url: where Dify answers, or will.
        changes: how many things a run would change; None if they cannot be told, and ``refused`` says why.
        lock: which run is at work on it; or why nobody can tell, and the way out, if somebody has edited the lock.
        open_accesses: who has access for a limited time.
    """

    deployment: str
    region: str
    things: int
    instance_id: str | None
    state: str | None
    url: str | None
    changes: int | None
    refused: str | None
    lock: str | None
    open_accesses: tuple[OpenAccess, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            **asdict(self),
            "open_accesses": [{**asdict(each), "expires": each.expires.isoformat()} for each in self.open_accesses],
        }

    def __str__(self) -> str:
        if self.things == 0:
            return f"there is no {self.deployment} in {self.region}"
        changes = "none" if self.changes == 0 else self.changes
        rows = [
            ("deployment", f"{self.deployment} in {self.region}, {self.things} things"),
            ("url", self.url or "none yet"),
            ("machine", f"{self.instance_id} is {self.state}" if self.instance_id else "none"),
            ("changes to make", self.refused if changes is None else changes),
            ("lock", self.lock or "free"),
            *[("access" if place == 0 else "", each) for place, each in enumerate(self.open_accesses or ("closed",))],
        ]
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {printable(str(value))}" for name, value in rows)


def read_status(aws: Aws, settings: Settings, stack: Stack) -> Status:
    """Look at the deployment, its lock and its leases. Reads only.

    Raises:
        AwsError: AWS could not be asked.
        UnexpectedAnswer: its answer cannot be read.
    """
    with reading(settings.deployment, "tell its status"):
        return _status(aws, settings, stack)


def _status(aws: Aws, settings: Settings, stack: Stack) -> Status:
    changes, refused = None, None
    try:
        plan, found = stack.plan_and_found(aws)
        changes = len(with_dify(plan, settings, found))
    except PlanRefused as error:
        refused = str(error)
    # As the plan has just seen it: this asks nothing.
    there = {actual.address: actual for actual in owned(aws)}
    places = topology_of(settings).addresses
    host, address = there.get(places.host), there.get(places.public_address)
    reached = f"https://{settings.domain}" if settings.domain else f"http://{address['public_ip']}" if address else None
    return Status(
        deployment=settings.deployment,
        region=settings.region,
        things=len(there),
        instance_id=host.id if host else None,
        state=host["state"] if host else None,
        url=reached if address else None,
        changes=changes,
        refused=refused,
        lock=_lock(aws),
        open_accesses=tuple(
            OpenAccess(opening.network, lease.owner, lease.expires)
            for opening in open_leases(aws)
            for lease in opening.leases
        ),
    )


def _lock(aws: Aws) -> str | None:
    try:
        lock_owner = lock_owner_of(aws)
    except LockUnreadable as unreadable:
        return str(unreadable)
    return str(lock_owner) if lock_owner else None
