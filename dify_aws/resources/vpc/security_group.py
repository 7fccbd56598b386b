"""SecurityGroup: who may talk to an instance, and to whom it may talk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dify_aws.aws import Aws
from dify_aws.aws.adoption_view import Listed
from dify_aws.aws.create_request import TAG_ADDRESS, tag_map
from dify_aws.aws.date import answered_at
from dify_aws.aws.errors.error_meaning import is_deleted
from dify_aws.engine.resource import Actual, Input
from dify_aws.errors import AwsError
from dify_aws.resources.ec2.ec2_resource import Ec2Resource, ours
from dify_aws.resources.observe import observe_owned
from dify_aws.resources.vpc.blockers import actions_to_explain
from dify_aws.resources.vpc.lease_tag import LEASED_GROUP, leasable, leases_on
from dify_aws.resources.vpc.network_deletion import delete_part
from dify_aws.resources.vpc.security_group_rule import EVERYWHERE, Rule, as_described, rule_of, rules_in


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
    free = True
    fixed = frozenset({"vpc", "description"})
    unordered = frozenset({"ingress", "egress"})
    already_exists = frozenset({"InvalidGroup.Duplicate"})
    tables = ("security-groups",)
    listed = Listed("ec2.DescribeSecurityGroups", "SecurityGroups", "group-id", "GroupId")
    permissions = frozenset(
        {
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:CreateSecurityGroup",
            "ec2:CreateTags",
            "ec2:DeleteSecurityGroup",
            "ec2:DescribeSecurityGroupRules",
            "ec2:DescribeSecurityGroups",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
        }
    ) | actions_to_explain("ec2.DeleteSecurityGroup")

    @classmethod
    def owned(cls, aws: Aws) -> Iterable[Actual]:
        for group in ours(aws, "security-groups", "ec2.DescribeSecurityGroups", "SecurityGroups"):
            values = {
                "vpc": group["VpcId"],
                "description": group["Description"],
                "ingress": _ingress(aws, group),
                "egress": frozenset(rules_in(group.get("IpPermissionsEgress", ()))),
            }
            if seen := observe_owned(cls, aws, group["GroupId"], group.get("Tags"), values, arn=_arn(aws, group)):
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
        new = {"ingress": frozenset[Rule](), "egress": frozenset({EVERYWHERE})}
        return self.made(aws, answer["GroupId"], {"arn": _arn(aws, answer)}, **new)

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        # First open what is wished for, then close the rest: nobody is shut out in between.
        for way in ("ingress", "egress"):
            if way in names:
                desired: frozenset[Rule] = frozenset(getattr(self, way))
                _authorize(aws, actual, way, desired - actual[way])
                _revoke(aws, actual, way, actual[way] - desired)

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        delete_part(aws, "ec2.DeleteSecurityGroup", GroupId=actual.id)


def _arn(aws: Aws, described: Mapping[str, Any]) -> str:
    """Its ARN, which not every partition tells."""
    return str(described.get("SecurityGroupArn") or aws.arn("ec2", f"security-group/{described['GroupId']}"))


def _ingress(aws: Aws, group: Mapping[str, Any]) -> frozenset[Rule]:
    """What may come in, without the rules on lease. Their tags cost a call, so it is made only if one can be there."""
    rules = frozenset(rules_in(group.get("IpPermissions", ())))
    if _address(group) != LEASED_GROUP or not any(leasable(as_described(rule)) for rule in rules):
        return rules
    id = group["GroupId"]
    return rules - aws.read_cache.read("security-groups", lambda: _on_lease(aws, id), id, "on lease")


def _on_lease(aws: Aws, group: str) -> frozenset[Rule]:
    described, now = _rules_of(aws, group)
    return frozenset(rule_of(rule) for rule in described if leases_on(rule, now))


def _rules_of(aws: Aws, group: str) -> tuple[list[dict[str, Any]], datetime]:
    """The rules of a group with their ids and tags, and AWS's time."""
    # Not by pages: asked without MaxResults, AWS answers with all of them at once, and when that was.
    answer = aws.call("ec2.DescribeSecurityGroupRules", Filters=[{"Name": "group-id", "Values": [group]}])
    return answer["SecurityGroupRules"], answered_at(answer)


def _address(thing: Mapping[str, Any]) -> str:
    return tag_map(thing.get("Tags")).get(TAG_ADDRESS, "")


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
            except AwsError as duplicate:
                if duplicate.code != "InvalidPermission.Duplicate":
                    raise


def _revoke(aws: Aws, actual: Actual, way: str, rules: frozenset[Rule]) -> None:
    if not rules:
        return
    described, now = _rules_of(aws, actual.id)
    doomed = [rule for rule in described if rule["IsEgress"] is (way == "egress") and rule_of(rule) in rules]
    if actual.address == LEASED_GROUP:
        # Somebody may have leased one of them since AWS was asked for the plan.
        doomed = [rule for rule in doomed if not leases_on(rule, now)]
    if not doomed:
        return
    ids = sorted(rule["SecurityGroupRuleId"] for rule in doomed)
    try:
        aws.call(f"ec2.RevokeSecurityGroup{way.capitalize()}", GroupId=actual.id, SecurityGroupRuleIds=ids)
    except AwsError as error:
        if not is_deleted(error):
            raise
