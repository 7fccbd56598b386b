"""SecurityGroup: who may talk to an instance, and to whom it may talk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dify_aws.aws import Aws
from dify_aws.aws.birth import TAG_ADDRESS, tag_map
from dify_aws.aws.date import told_at
from dify_aws.engine.resource import Actual, Input
from dify_aws.errors import AwsError
from dify_aws.resources.blockers import delete_part
from dify_aws.resources.ec2 import Ec2Resource, ours
from dify_aws.resources.gone import gone_already
from dify_aws.resources.lease_tag import LEASED_GROUP, leases_on
from dify_aws.resources.sighting import sighting


@dataclass(frozen=True)
class Rule:
    """Traffic that is let through.

    Args:
        peer: a network ("0.0.0.0/0", "::/0"), a security group (``group.id``), or a prefix list ("pl-…").
        port: the port; None for all.
        to_port: the last port, where it is a range.
        protocol: "tcp", "udp", "icmp", …; "-1" for all.
        description: shown in the console; a different one is not a different rule.
    """

    peer: Input[str]
    port: int | None = None
    to_port: int | None = None
    protocol: str = "tcp"
    description: str = field(default="", compare=False)

    def __str__(self) -> str:
        last = "" if self.to_port is None else f"-{self.to_port}"
        ports = "all" if self.port is None else f"{self.port}{last}"
        return f"{'all' if self.protocol == '-1' else self.protocol}/{ports} {self.peer}"

    def permission(self) -> dict[str, Any]:
        """The rule as AuthorizeSecurityGroupIngress takes it."""
        peer = str(self.peer)
        said = {"Description": self.description} if self.description else {}
        permission: dict[str, Any] = {"IpProtocol": self.protocol}
        if self.protocol != "-1":
            last = self.port if self.to_port is None else self.to_port
            permission |= {"FromPort": -1 if self.port is None else self.port, "ToPort": -1 if last is None else last}
        if peer.startswith("sg-"):
            permission["UserIdGroupPairs"] = [{"GroupId": peer, **said}]
        elif peer.startswith("pl-"):
            permission["PrefixListIds"] = [{"PrefixListId": peer, **said}]
        elif ":" in peer:
            permission["Ipv6Ranges"] = [{"CidrIpv6": peer, **said}]
        else:
            permission["IpRanges"] = [{"CidrIp": peer, **said}]
        return permission


EVERYWHERE = Rule("0.0.0.0/0", protocol="-1")
"""All traffic to anywhere: what AWS lets a new group send."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SecurityGroup(Ec2Resource):
    """A security group and its rules, all of them: one added by hand is drift, and is taken away.

    Except a rule on lease in the group of the host (one address, TCP port 22, no longer than the longest lease):
    whoever holds it takes it away, or AWS does when its time is over; after that it is drift. A tag on another rule
    changes nothing.
    ``ref("arn")`` is its ARN.

    Args:
        vpc: the VPC it is in (``vpc.id``). Fixed.
        description: AWS wants one, in ASCII. Fixed.
        ingress: what may come in.
        egress: what may go out; everything, by default.
    """

    vpc: Input[str]
    description: str = "Made by dify_aws"
    ingress: Iterable[Rule] = ()
    egress: Iterable[Rule] = (EVERYWHERE,)

    kind = "security-group"
    fixed = frozenset({"vpc", "description"})
    unordered = frozenset({"ingress", "egress"})
    tables = ("security-groups",)
    permissions = frozenset(
        {
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:CreateSecurityGroup",
            "ec2:CreateTags",
            "ec2:DeleteSecurityGroup",
            "ec2:DescribeNetworkInterfaces",
            "ec2:DescribeSecurityGroupRules",
            "ec2:DescribeSecurityGroups",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
        }
    )

    @classmethod
    def owned(cls, aws: Aws) -> Iterable[Actual]:
        groups = ours(aws, "security-groups", "ec2.DescribeSecurityGroups", "SecurityGroups")
        rules = aws.census.read("security-groups", lambda: _rules(aws, groups), "rules") if groups else []
        for group in groups:
            its = [rule for rule in rules if rule["GroupId"] == group["GroupId"]]
            ids = {
                way: {rule_of(rule): rule["SecurityGroupRuleId"] for rule in its if rule["IsEgress"] is out}
                for way, out in (("ingress", False), ("egress", True))
            }
            values = {
                "vpc": group["VpcId"],
                "description": group["Description"],
                "ingress": frozenset(ids["ingress"]),
                "egress": frozenset(ids["egress"]),
            }
            id, arn = group["GroupId"], _arn(aws, group)
            if seen := sighting(cls, aws, id, group.get("Tags"), values, rule_ids=ids, arn=arn):
                yield seen

    def create(self, aws: Aws) -> Actual | None:
        answer = aws.create(
            "ec2.CreateSecurityGroup",
            self.address,
            keep=self.keep,
            GroupName=aws.physical_name(self.address),
            Description=self.description,
            VpcId=self.vpc,
        )
        if self.egress != frozenset({EVERYWHERE}):
            # The rule that AWS puts into a new group has an id, which only a look tells.
            return None
        facts = {"rule_ids": {}, "arn": _arn(aws, answer)}
        return self.made(aws, answer["GroupId"], facts, ingress=frozenset())

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        # First open what is wished for, then close the rest: nobody is shut out in between.
        for way in ("ingress", "egress"):
            if way in names:
                wished: frozenset[Rule] = frozenset(getattr(self, way))
                _authorize(aws, actual, way, wished - actual[way])
                _revoke(aws, actual, way, actual[way] - wished)

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        delete_part(aws, "ec2.DeleteSecurityGroup", GroupId=actual.id)


def _arn(aws: Aws, told: Mapping[str, Any]) -> str:
    """Its ARN, which not every partition tells."""
    return str(told.get("SecurityGroupArn") or aws.arn("ec2", f"security-group/{told['GroupId']}"))


def _rules(aws: Aws, groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    of_these = {"Name": "group-id", "Values": [group["GroupId"] for group in groups]}
    # Not by pages: asked without MaxResults, AWS tells all of them at once, and when that was.
    answer = aws.call("ec2.DescribeSecurityGroupRules", Filters=[of_these])
    now = told_at(answer)
    hosts = {group["GroupId"] for group in groups if tag_map(group.get("Tags")).get(TAG_ADDRESS) == LEASED_GROUP}
    return [rule for rule in answer["SecurityGroupRules"] if rule["GroupId"] not in hosts or not leases_on(rule, now)]


def rule_of(rule: Mapping[str, Any]) -> Rule:
    """A rule, of what DescribeSecurityGroupRules tells."""
    peer = (
        rule.get("CidrIpv4")
        or rule.get("CidrIpv6")
        or rule.get("PrefixListId")
        or rule.get("ReferencedGroupInfo", {}).get("GroupId")
        or ""
    )
    protocol = rule["IpProtocol"]
    first, last = (rule.get("FromPort", -1), rule.get("ToPort", -1)) if protocol != "-1" else (-1, -1)
    return Rule(
        peer=peer,
        port=None if first == -1 else first,
        to_port=None if last in (-1, first) else last,
        protocol=protocol,
        description=rule.get("Description", ""),
    )


def _authorize(aws: Aws, actual: Actual, way: str, rules: frozenset[Rule]) -> None:
    if not rules:
        return
    permissions = [rule.permission() for rule in sorted(rules, key=str)]
    operation = f"ec2.AuthorizeSecurityGroup{way.capitalize()}"
    try:
        aws.call(operation, GroupId=actual.id, IpPermissions=permissions)
    except AwsError as error:
        if error.code != "InvalidPermission.Duplicate":
            raise
        # One of them is there already, and AWS took none: say them one by one.
        for permission in permissions if len(permissions) > 1 else ():
            try:
                aws.call(operation, GroupId=actual.id, IpPermissions=[permission])
            except AwsError as twin:
                if twin.code != "InvalidPermission.Duplicate":
                    raise


def _revoke(aws: Aws, actual: Actual, way: str, rules: frozenset[Rule]) -> None:
    if not rules:
        return
    ids = sorted(actual["rule_ids"][way][rule] for rule in rules)
    try:
        aws.call(f"ec2.RevokeSecurityGroup{way.capitalize()}", GroupId=actual.id, SecurityGroupRuleIds=ids)
    except AwsError as error:
        if not gone_already(error):
            raise
