"""Close: the leases that this machine has left open are ended before their time."""

from __future__ import annotations

from collections.abc import Iterator

from dify_aws.aws import Aws
from dify_aws.operations.access.client_identity import this_run
from dify_aws.operations.access.ingress_rule import Opening, SshPort, look, revoke
from dify_aws.operations.access.lease import expired
from dify_aws.resources.scheduler.schedule_group import ScheduleGroup
from dify_aws.resources.vpc.lease_tag import LEASED_GROUP, in_a_tag
from dify_aws.resources.vpc.security_group import SecurityGroup


def close_access(aws: Aws) -> tuple[str, ...]:
    """End every lease of this user on this machine, also those of other processes, and all whose time is over.

    It goes by what is found, so it also works for a deployment that is not complete. A rule that somebody else holds
    open, too, stays for them; so does one that nobody ever leased.

    Returns:
        The networks that were shut out.

    Raises:
        AwsError: AWS refused; it closes the port itself when the time is over.
    """
    aws.begin()
    return tuple(network for group in _groups(aws) for network in _closed(aws, group))


def open_leases(aws: Aws) -> tuple[Opening, ...]:
    """Who is let in for a while at this moment. Reads only."""
    return tuple(opening for group in _groups(aws) for opening in look(aws, group)[0] if opening.leases)


def _groups(aws: Aws) -> list[str]:
    return [group.id for group in SecurityGroup.owned(aws) if group.address == LEASED_GROUP]


def _closed(aws: Aws, group: str) -> Iterator[str]:
    openings, _ = look(aws, group)
    over = expired(openings)
    revoke(aws, group, over)
    yield from (opening.network for opening in over)
    schedules = [each.id for each in ScheduleGroup.owned(aws) if each.address == "schedule-group/leases"]
    me = _machine(in_a_tag(this_run()))
    for opening in openings:
        own = {lease.id for lease in opening.leases if _machine(lease.owner) == me}
        # The role is what opens; nothing is opened here.
        ssh_port = SshPort(aws, group, schedules[0] if schedules else "", "")
        if own and ssh_port.release(opening, own):
            yield opening.network


def _machine(owner: str) -> str:
    """User and machine: whoever clears up after a run is another process."""
    return owner.partition(" ")[0]
