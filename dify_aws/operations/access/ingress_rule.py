"""SshPort: port 22 of one security group, as AWS knows it: who keeps it open, and what closes it when nobody else does.

Before a rule is there, EventBridge Scheduler has a schedule that revokes it: one for each network and port, named
after them, so that all who share the rule share the schedule. It is deleted only together with the rule; a run that is
killed anywhere leaves either both, or a schedule that revokes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any

from dify_aws.aws import Aws
from dify_aws.aws.create_request import TAG_ADDRESS, tag_list, tag_map
from dify_aws.aws.date import answered_at
from dify_aws.aws.errors.error_meaning import is_deleted
from dify_aws.aws.errors.unexpected_answer import reading
from dify_aws.errors import AwsError
from dify_aws.resources.deletion import delete
from dify_aws.resources.vpc.lease_tag import PREFIX, SSH, LeaseTag, leasable, leases_on, marked
from dify_aws.resources.vpc.security_group_rule import Rule, rule_of

Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Opening:
    """A rule that lets somebody in.

    Args:
        id: of the rule.
        rule: what it lets in.
        leasable: a lease could have made it.
        marked: a tag says that one did.
        tags: every lease that its tags name, also those that do not count.
        stale_tags: the lease tags that do not count, also those that nobody can read.
        leases: those that run. There are none on a rule that is not leasable.
    """

    id: str
    rule: Rule
    leasable: bool
    marked: bool
    tags: tuple[LeaseTag, ...]
    stale_tags: Mapping[str, str]
    leases: tuple[LeaseTag, ...]

    @property
    def network(self) -> str:
        """The network, security group or prefix list that is let in."""
        return str(self.rule.peer)

    @property
    def ours(self) -> bool:
        """Whether it was leased once. Else who may only tag could have any rule taken away, as one that has expired."""
        return self.leasable and self.marked

    @property
    def by_hand(self) -> bool:
        """Whether it lets one address in by SSH, and was not leased."""
        return self.leasable and not self.marked


@dataclass(frozen=True)
class SshPort:
    """Port 22 of a security group.

    Args:
        group_id: the security group.
        schedule_group: the name of the schedule group for what closes it; "" if that is gone, and all in it.
        role_arn: the role that EventBridge Scheduler revokes with.
    """

    aws: Aws
    group_id: str
    schedule_group: str
    role_arn: str

    def look(self) -> tuple[Sequence[Opening], datetime]:
        """What is open, and AWS's time."""
        return look(self.aws, self.group_id)

    def at(self, address: Address) -> str:
        """The network of one address."""
        return f"{address}/{address.max_prefixlen}"

    def open(self, address: Address, lease: LeaseTag) -> str | None:
        """Add the rule, with the lease on it; its id, or None if there is one already."""
        tags = {**self.aws.ownership(f"lease/{lease.id}", keep=False), lease.key: lease.value}
        try:
            answer = self.aws.call(
                "ec2.AuthorizeSecurityGroupIngress",
                GroupId=self.group_id,
                IpPermissions=[self._permission(address)],
                TagSpecifications=[{"ResourceType": "security-group-rule", "Tags": tag_list(tags)}],
            )
        except AwsError as error:
            if error.code != "InvalidPermission.Duplicate":
                raise
            return None
        with reading(self.group_id, "know the rule that was added"):
            return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])

    def join(self, opening: Opening, lease: LeaseTag) -> str | None:
        """Put the lease on a rule that is there; its id, or None if it has just gone."""
        tags = [{"Key": lease.key, "Value": lease.value}]
        try:
            try:
                self.aws.call("ec2.CreateTags", Resources=[opening.id], Tags=tags)
            except AwsError as error:
                # A rule takes 50 tags. Runs that were killed, and others, leave some that count for nothing any more.
                if error.code != "TagLimitExceeded" or not opening.stale_tags:
                    raise
                # With its value, so that one which has been renewed meanwhile stays.
                self.aws.call("ec2.DeleteTags", Resources=[opening.id], Tags=tag_list(opening.stale_tags))
                self.aws.call("ec2.CreateTags", Resources=[opening.id], Tags=tags)
        except AwsError as error:
            if not is_deleted(error):
                raise
            return None
        return opening.id

    def release(self, opening: Opening, lease_ids: Collection[str]) -> bool:
        """Take leases off a rule; and the rule away, if nobody else holds it open. Whether it went."""
        if any(lease.id not in lease_ids for lease in opening.leases):
            keys = [{"Key": PREFIX + lease_id} for lease_id in sorted(lease_ids)]
            delete(self.aws, "ec2.DeleteTags", Resources=[opening.id], Tags=keys)
            # Of two that leave at once, each has seen the other: the last one sees nobody.
            there = next((each for each in self.look()[0] if each.id == opening.id), None)
            if there is None or there.leases or not there.ours:
                return False
        self._close(opening)
        return True

    def _close(self, opening: Opening) -> None:
        """Take the rule away, and then what would have done so."""
        address = ip_network(opening.network).network_address
        revoke(self.aws, self.group_id, [opening])
        # Not before: there is no moment with a rule that nothing closes. Whoever opens at the same address just now
        # makes the schedule first and the rule after it, and AWS lets nobody do the latter while our rule is there.
        if self.schedule_group:
            delete(self.aws, "scheduler.DeleteSchedule", Name=self._name(address), GroupName=self.schedule_group)

    def closes_at(self, address: Address) -> datetime | None:
        """When AWS takes the rule away, by the order that it has; None if it has none."""
        try:
            order = self.aws.call("scheduler.GetSchedule", Name=self._name(address), GroupName=self.schedule_group)
        except AwsError as error:
            if error.code != "ResourceNotFoundException":
                raise
            return None
        try:
            return datetime.strptime(order["ScheduleExpression"], "at(%Y-%m-%dT%H:%M:%S)").replace(tzinfo=UTC)
        except (LookupError, TypeError, ValueError):
            # Somebody has written another one, which is replaced.
            return None

    def close_at(self, address: Address, moment: datetime, *, again: bool) -> None:
        """Let AWS take the rule away at ``moment``. ``again``: there is a schedule already.

        AWS does it in the minute after. https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
        """
        request = {
            "Name": self._name(address),
            "GroupName": self.schedule_group,
            "ScheduleExpression": f"at({moment:%Y-%m-%dT%H:%M:%S})",
            "ScheduleExpressionTimezone": "UTC",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": "DELETE",
            "Target": {
                "Arn": f"arn:{self.role_arn.split(':')[1]}:scheduler:::aws-sdk:ec2:revokeSecurityGroupIngress",
                "RoleArn": self.role_arn,
                "Input": json.dumps({"GroupId": self.group_id, "IpPermissions": [self._permission(address)]}),
            },
        }
        first, second = ("Update", "Create") if again else ("Create", "Update")
        # A third time, because AWS may carry out and delete what is there between the first and the second.
        for verb in (first, second):
            try:
                self.aws.call(f"scheduler.{verb}Schedule", **request)
                return
            except AwsError as error:
                if error.code not in ("ConflictException", "ResourceNotFoundException"):
                    raise
        self.aws.call(f"scheduler.{first}Schedule", **request)

    def _permission(self, address: Address) -> dict[str, Any]:
        return Rule(self.at(address), SSH).permission()

    def _name(self, address: Address) -> str:
        # Schedules have names of 64 characters at most, without colons.
        written = str(address) if isinstance(address, IPv4Address) else address.packed.hex()
        return f"{self.group_id}-{SSH}-{written}"


def look(aws: Aws, group_id: str) -> tuple[Sequence[Opening], datetime]:
    """What lets somebody into a security group by address, and AWS's time."""
    in_it = [{"Name": "group-id", "Values": [group_id]}]
    answer = aws.call("ec2.DescribeSecurityGroupRules", Filters=in_it)
    now = answered_at(answer)
    with reading(group_id, "know whom it lets in"):
        return [_opening(rule, now) for rule in answer["SecurityGroupRules"] if not rule["IsEgress"]], now


def revoke(aws: Aws, group_id: str, openings: Sequence[Opening]) -> None:
    """Take rules away; that they are gone already is success."""
    if openings:
        ids = sorted(opening.id for opening in openings)
        delete(aws, "ec2.RevokeSecurityGroupIngress", GroupId=group_id, SecurityGroupRuleIds=ids)


def _opening(rule: dict[str, Any], now: datetime) -> Opening:
    tags = tag_map(rule.get("Tags"))
    leases = leases_on(rule, now)
    running = {lease.key for lease in leases}
    return Opening(
        id=rule["SecurityGroupRuleId"],
        rule=rule_of(rule),
        leasable=leasable(rule),
        marked=marked(tags) or tags.get(TAG_ADDRESS, "").startswith("lease/"),
        tags=LeaseTag.read(tags),
        stale_tags={key: value for key, value in tags.items() if key.startswith(PREFIX) and key not in running},
        leases=leases,
    )
