"""Access: opens port 22 of the host to one address and a limited time, and closes what was left open."""

from __future__ import annotations

from typing import Final

from dify_aws.aws import Aws
from dify_aws.errors import Problem, SettingsError
from dify_aws.operations.access.ingress_rule import SshPort, look, revoke
from dify_aws.operations.access.lease import FEWEST_MINUTES, MINUTES, Lease, expired, single
from dify_aws.resources.vpc.lease_tag import MOST_MINUTES

PERMISSIONS: Final = frozenset(
    {
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:CreateTags",
        "ec2:DeleteTags",
        "ec2:DescribeSecurityGroupRules",
        "ec2:RevokeSecurityGroupIngress",
        "iam:PassRole",
        "scheduler:CreateSchedule",
        "scheduler:DeleteSchedule",
        "scheduler:GetSchedule",
        "scheduler:UpdateSchedule",
    }
)
"""Every IAM action that a lease needs."""


def open_access(
    aws: Aws,
    group_id: str,
    schedule_group: str,
    role_arn: str,
    *,
    address: str,
    owner: str,
    minutes: int = MINUTES,
) -> Lease:
    """Let one address in; three calls, and three more to close again.

    The first thing that is made is the order to AWS to close the port at the end (a one-time schedule of EventBridge
    Scheduler), so that no rule outlives its lease, whoever is killed when; AWS does it within the minute. Rules whose
    time is over are taken away here, too. Runs at the same address share one rule, and the last one closes it.

    Args:
        group_id: the security group of the host.
        schedule_group: the name of the schedule group for what closes the port.
        role_arn: the role that EventBridge Scheduler closes it with.
        address: the one IPv4 or IPv6 address that is let in.
        owner: who asks, for people who look at the rule.
        minutes: how long, 5 to 720. :meth:`Lease.keep` makes it longer for whoever is still at work.

    Raises:
        SettingsError: the address is none, or more than one; the minutes are out of range.
        AwsError: AWS refused; nothing is left open.
    """
    problems = []
    if type(minutes) is not int or not FEWEST_MINUTES <= minutes <= MOST_MINUTES:
        right = f"Give a whole number from {FEWEST_MINUTES} to {MOST_MINUTES}"
        problems.append(Problem("minutes", minutes, "is out of range", right))
    try:
        found = single(address)
    except SettingsError as error:
        raise SettingsError([*error.problems, *problems]) from None
    if problems:
        raise SettingsError(problems)
    return Lease(SshPort(aws, group_id, schedule_group, role_arn), found, owner, minutes)


def sweep(aws: Aws, group_id: str) -> tuple[str, ...]:
    """Take away every leased rule whose time is over; their ids. One call when there is none.

    AWS does that by itself; this is for the day on which it did not.
    """
    over = expired(look(aws, group_id)[0])
    revoke(aws, group_id, over)
    return tuple(opening.id for opening in over)
