"""Schedules: EventBridge Scheduler carries out what it was told to, when the world's clock says so.

https://docs.aws.amazon.com/scheduler/latest/UserGuide/what-is-scheduler.html
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest

from dify_aws.offline.world import World
from tests.offline.place import Place
from tests.offline.refusals import refused

if TYPE_CHECKING:
    from mypy_boto3_scheduler import EventBridgeSchedulerClient

ACCOUNT = "123456789012"
SCHEDULER = "scheduler.amazonaws.com"


@dataclass(frozen=True)
class Closing:
    """A group with one open port, and all that is needed to have it closed."""

    world: World
    place: Place
    group: str
    role: str

    @property
    def scheduler(self) -> EventBridgeSchedulerClient:
        return self.world.session.client("scheduler")

    def now(self) -> datetime:
        """AWS's time."""
        headers = self.place.ec2.describe_vpcs()["ResponseMetadata"]["HTTPHeaders"]
        return parsedate_to_datetime(headers["date"])

    def order(self, seconds: float = 600, operation: str = "create", **other: Any) -> None:
        """Have the port closed in so many seconds."""
        moment = self.now() + timedelta(seconds=seconds)
        request = {"GroupId": self.group, "IpPermissions": [SSH]}
        parameters = {
            "Name": "close",
            "GroupName": "leases",
            "ScheduleExpression": f"at({moment:%Y-%m-%dT%H:%M:%S})",
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ActionAfterCompletion": "DELETE",
            "Target": {
                "Arn": "arn:aws:scheduler:::aws-sdk:ec2:revokeSecurityGroupIngress",
                "RoleArn": self.role,
                "Input": json.dumps(request),
            },
            **other,
        }
        getattr(self.scheduler, f"{operation}_schedule")(**parameters)

    def open(self) -> bool:
        rules = self.place.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [self.group]}])
        return any(rule["FromPort"] == 22 for rule in rules["SecurityGroupRules"])

    def left(self) -> list[str]:
        return [schedule["Name"] for schedule in self.scheduler.list_schedules(GroupName="leases")["Schedules"]]


SSH: Any = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "203.0.113.7/32"}]}


def trust(**condition: str) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": SCHEDULER},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {f"aws:{key}": value for key, value in condition.items()}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def closing(world: World, place: Place) -> Closing:
    group = place.ec2.create_security_group(GroupName="host", Description="d", VpcId=place.vpc)["GroupId"]
    place.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[SSH])
    arn = world.session.client("scheduler").create_schedule_group(Name="leases")["ScheduleGroupArn"]
    iam = world.session.client("iam")
    document = trust(SourceAccount=ACCOUNT, SourceArn=arn)
    iam.create_role(RoleName="closer", AssumeRolePolicyDocument=document)
    role = "arn:aws:iam::123456789012:role/closer"
    allow(world, f"arn:aws:ec2:ap-northeast-1:{ACCOUNT}:security-group/{group}")
    world.clock.advance(10)
    return Closing(world, place, group, role)


def allow(world: World, resource: str) -> None:
    statement = {"Effect": "Allow", "Action": ["ec2:RevokeSecurityGroupIngress"], "Resource": [resource]}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.session.client("iam").put_role_policy(RoleName="closer", PolicyName="close", PolicyDocument=document)


def test_schedule_is_executed_in_the_minute_after_its_time_and_deleted(closing: Closing) -> None:
    closing.order(600)
    closing.world.clock.advance(600)
    assert closing.open()
    assert closing.left() == ["close"]
    closing.world.clock.advance(60)
    assert not closing.open()
    assert closing.left() == []


def test_schedule_with_action_none_is_kept_after_execution(closing: Closing) -> None:
    """And does not come again."""
    closing.order(600, ActionAfterCompletion="NONE")
    closing.world.clock.advance(660)
    assert not closing.open()
    closing.place.ec2.authorize_security_group_ingress(GroupId=closing.group, IpPermissions=[SSH])
    assert closing.open()
    assert closing.left() == ["close"]


def test_rescheduled_schedule_is_executed_later(closing: Closing) -> None:
    closing.order(600)
    closing.order(1200, "update")
    closing.world.clock.advance(660)
    assert closing.open()
    closing.world.clock.advance(600)
    assert not closing.open()
    assert closing.left() == []


def test_an_update_that_does_not_say_it_again_forgets_it(closing: Closing) -> None:
    closing.order(600)
    closing.order(600, "update", ActionAfterCompletion="NONE")
    closing.world.clock.advance(660)
    assert closing.left() == ["close"]


def test_role_needs_the_permission_of_the_target(closing: Closing) -> None:
    """Nobody hears of it: the schedule is done, and the port is open."""
    allow(closing.world, "arn:aws:ec2:ap-northeast-1:123456789012:security-group/sg-another")
    closing.order(600)
    closing.world.clock.advance(660)
    assert closing.open()
    assert closing.left() == []


def test_revoking_a_deleted_rule_does_no_harm(closing: Closing) -> None:
    closing.order(600)
    closing.place.ec2.revoke_security_group_ingress(GroupId=closing.group, IpPermissions=[SSH])
    closing.world.clock.advance(660)
    assert closing.left() == []


@pytest.mark.parametrize(
    "document",
    [
        trust(SourceAccount="210987654321"),
        trust(SourceArn=f"arn:aws:scheduler:ap-northeast-1:{ACCOUNT}:schedule-group/another"),
        trust().replace(SCHEDULER, "ec2.amazonaws.com"),
    ],
    ids=["another account", "another group", "another service"],
)
def test_a_role_that_does_not_trust_it_is_refused(closing: Closing, document: str) -> None:
    iam = closing.world.session.client("iam")
    iam.update_assume_role_policy(RoleName="closer", PolicyDocument=document)
    with refused("ValidationException"):
        closing.order()


def test_a_new_role_is_known_after_some_seconds(closing: Closing) -> None:
    closing.world.session.client("iam").create_role(RoleName="new", AssumeRolePolicyDocument=trust())
    target = {
        "Arn": "arn:aws:scheduler:::aws-sdk:ec2:revokeSecurityGroupIngress",
        "RoleArn": "arn:aws:iam::123456789012:role/new",
        "Input": "{}",
    }
    with refused("ValidationException"):
        closing.order(Target=target)
    closing.world.clock.advance(10)
    closing.order(Target=target)


def test_names_are_unique_and_groups_must_be_there(closing: Closing) -> None:
    closing.order()
    with refused("ConflictException"):
        closing.order()
    with refused("ConflictException"):
        closing.scheduler.create_schedule_group(Name="leases")
    for operation in ("create", "update"):
        with refused("ResourceNotFoundException", 404):
            closing.order(600, operation, GroupName="another")
    with refused("ResourceNotFoundException", 404):
        closing.order(600, "update", Name="another")
    with refused("ResourceNotFoundException", 404):
        closing.scheduler.delete_schedule_group(Name="another")


def test_the_same_token_makes_nothing_new(closing: Closing) -> None:
    """A request that is sent again because its answer was lost."""
    closing.order(ClientToken="1")
    closing.order(ClientToken="1")
    again = [closing.scheduler.create_schedule_group(Name="more", ClientToken="2") for _ in range(2)]
    assert again[0]["ScheduleGroupArn"] == again[1]["ScheduleGroupArn"]


def test_a_group_goes_with_its_schedules_after_some_seconds(closing: Closing) -> None:
    closing.order(600)
    closing.scheduler.delete_schedule_group(Name="leases")
    assert closing.scheduler.get_schedule_group(Name="leases")["State"] == "DELETING"
    with refused("ConflictException"):
        closing.scheduler.create_schedule_group(Name="leases")
    closing.world.clock.advance(30)
    with refused("ResourceNotFoundException", 404):
        closing.scheduler.get_schedule_group(Name="leases")
    closing.world.clock.advance(700)
    assert closing.open()


def test_what_it_cannot_carry_out_it_does_not_take(closing: Closing) -> None:
    """A schedule that silently does nothing would let a test pass that should not."""
    with pytest.raises(NotImplementedError, match="ec2:stopInstances"):
        closing.order(Target={"Arn": "arn:aws:scheduler:::aws-sdk:ec2:stopInstances", "RoleArn": closing.role})


def test_every_response_has_the_time_of_the_world(closing: Closing) -> None:
    before = closing.now()
    closing.world.clock.advance(3600)
    assert timedelta(seconds=3600) <= closing.now() - before <= timedelta(seconds=3660)


def test_a_rule_is_tagged_while_it_is_there(closing: Closing) -> None:
    ec2 = closing.place.ec2
    in_it: Any = [{"Name": "group-id", "Values": [closing.group]}]
    rules = ec2.describe_security_group_rules(Filters=in_it)["SecurityGroupRules"]
    (rule,) = [each["SecurityGroupRuleId"] for each in rules if not each["IsEgress"]]
    tag: Any = {"Resources": [rule], "Tags": [{"Key": "who", "Value": "me"}]}
    ec2.create_tags(**tag)
    (tagged_rule,) = ec2.describe_security_group_rules(SecurityGroupRuleIds=[rule])["SecurityGroupRules"]
    assert tagged_rule["Tags"] == tag["Tags"]
    ec2.revoke_security_group_ingress(GroupId=closing.group, SecurityGroupRuleIds=[rule])
    with refused("InvalidSecurityGroupRuleId.NotFound"):
        ec2.create_tags(**tag)
