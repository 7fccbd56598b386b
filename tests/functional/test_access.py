"""Access: nobody's door stays open. A rule on lease is gone when its time is over, whoever died when."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import pytest

from dify_aws import (
    Aws,
    Deployment,
    DifyAwsError,
    Lease,
    PermissionDenied,
    Plan,
    Role,
    Rule,
    ScheduleGroup,
    SecurityGroup,
    Settings,
    SettingsError,
    Stack,
    Vpc,
)
from dify_aws.aws.actions import action_of
from dify_aws.offline.faults import ProcessKilled
from dify_aws.offline.world import World
from dify_aws.operations.access.access import PERMISSIONS, open_access, sweep
from dify_aws.operations.access.client_identity import this_run
from dify_aws.operations.access.close import close_access
from dify_aws.operations.access.lease import single
from dify_aws.topologies.role_policies import closing_policy
from tests.support.inventory import counted, inventory

HERE: Final = "203.0.113.7"
THERE: Final = "198.51.100.23"
MINUTE: Final = 60
OPEN: Final = ["ec2.DescribeSecurityGroupRules", "scheduler.CreateSchedule", "ec2.AuthorizeSecurityGroupIngress"]
CLOSE: Final = ["ec2.DescribeSecurityGroupRules", "ec2.RevokeSecurityGroupIngress", "scheduler.DeleteSchedule"]
RENEW: Final = ["ec2.DescribeSecurityGroupRules", "scheduler.UpdateSchedule", "ec2.CreateTags"]


def stack() -> Stack:
    """What a lease needs, and no more."""
    vpc, leases = Vpc(name="main", cidr_block="10.7.0.0/16"), ScheduleGroup(name="leases")
    host = SecurityGroup(name="host", vpc=vpc.id, ingress=[Rule("0.0.0.0/0", 80)])
    closer = Role(
        name="leases",
        service="scheduler.amazonaws.com",
        trust_condition={"StringEquals": {"aws:SourceArn": leases.ref("arn")}},
        policies={"close": closing_policy(host.ref("arn"))},
    )
    return Stack("lab", [vpc, leases, host, closer])


class Interrupted(Aws):
    """A run in which something happens right after a call: ``meanwhile`` has it by the operation, once."""

    meanwhile: dict[str, Callable[[], object]]

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        answer = super().call(operation, **params)
        self.meanwhile.pop(operation, lambda: None)()
        return answer


@dataclass
class House:
    """A security group with a closed port 22, and everything to open it with."""

    world: World
    ids: dict[str, str] = field(default_factory=dict)
    deployment: str = "lab"

    def aws(self) -> Aws:
        """As a new process has it."""
        return Aws(self.world.session, deployment=self.deployment)

    def apply(self) -> None:
        found = stack().apply(self.aws()).found
        self.ids = {address: actual.id for address, actual in found.items()}

    def plan(self) -> Plan:
        return stack().plan(self.aws())

    @property
    def group(self) -> str:
        return self.ids["security-group/host"]

    def access(self, address: str = HERE, owner: str = "ann@laptop", aws: Aws | None = None, **other: Any) -> Lease:
        where = (self.group, self.ids["schedule-group/leases"], self.ids["role/leases"])
        return open_access(aws or self.aws(), *where, address=address, owner=owner, **other)

    def interrupted(self, **meanwhile: Callable[[], object]) -> Interrupted:
        """A process in which something happens after a call of EC2."""
        aws = Interrupted(self.world.session, deployment=self.deployment)
        aws.meanwhile = {f"ec2.{operation}": happens for operation, happens in meanwhile.items()}
        return aws

    def rules(self) -> list[Any]:
        """The rules for port 22, as AWS tells them."""
        ec2 = self.world.session.client("ec2")
        rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [self.group]}])
        return [rule for rule in rules["SecurityGroupRules"] if rule["FromPort"] <= 22 <= rule["ToPort"]]

    def open(self) -> set[str]:
        """Who gets in."""
        return {rule.get("CidrIpv4") or rule["CidrIpv6"] for rule in self.rules()}

    def schedules(self) -> list[Any]:
        """What AWS has been told to do, in full."""
        scheduler, group = self.world.session.client("scheduler"), self.ids["schedule-group/leases"]
        listed = scheduler.list_schedules(GroupName=group)["Schedules"]
        return [scheduler.get_schedule(Name=each["Name"], GroupName=group) for each in listed]

    def allow_by_hand(self, network: str) -> None:
        rule: Any = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": network}]}
        self.world.session.client("ec2").authorize_security_group_ingress(GroupId=self.group, IpPermissions=[rule])

    def forbid_the_closing(self) -> None:
        """A day on which AWS does not do what it was told to."""
        iam = self.world.session.client("iam")
        iam.delete_role_policy(RoleName=self.ids["role/leases"].rpartition("/")[2], PolicyName="close")

    def pass_(self, minutes: float) -> None:
        self.world.clock.advance(minutes * MINUTE)

    def calls(self) -> list[str]:
        """What was called since this was last asked."""
        result = [str(call) for call in self.world.calls]
        self.world.forget_calls()
        return result


@pytest.fixture
def house(world: World) -> House:
    house = House(world)
    house.apply()
    # IAM has told EventBridge Scheduler of the role.
    house.pass_(1)
    world.forget_calls()
    return house


def test_port_22_is_open_for_one_address_and_closed_at_the_end(house: House) -> None:
    """Three calls to open, three to close; the order to close it comes first, and speaks of this one rule."""
    before = datetime.now(UTC)
    with house.access() as lease:
        assert house.calls() == OPEN
        (rule,) = house.rules()
        (schedule,) = house.schedules()
        assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("tcp", 22, 22)
        assert rule["CidrIpv4"] == "203.0.113.7/32"
        assert (lease.address, lease.owner, lease.rule_id) == (HERE, "ann@laptop", rule["SecurityGroupRuleId"])
        assert 59 * MINUTE < (lease.expires - before).total_seconds() < 62 * MINUTE
        tags = {tag["Key"]: tag["Value"] for tag in rule["Tags"]}
        (key,) = [key for key in tags if key.startswith("dify-aws:lease/")]
        assert tags[key] == f"{lease.expires:%Y-%m-%dT%H:%M:%SZ} ann@laptop"
        assert tags["dify-aws:deployment"] == "lab"
        assert schedule["ScheduleExpression"] == f"at({lease.expires:%Y-%m-%dT%H:%M:%S})"
        assert (schedule["ScheduleExpressionTimezone"], schedule["ActionAfterCompletion"]) == ("UTC", "DELETE")
        assert json.loads(schedule["Target"]["Input"]) == {
            "GroupId": house.group,
            "IpPermissions": [
                {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "203.0.113.7/32"}]}
            ],
        }
        house.calls()
    assert house.calls() == CLOSE
    assert (house.rules(), house.schedules()) == ([], [])
    house.calls()
    lease.close()
    lease.keep()
    assert house.calls() == []
    with pytest.raises(DifyAwsError, match="closed"):
        lease.refresh(THERE)


@pytest.mark.parametrize("end", [ValueError, KeyboardInterrupt, SystemExit])
def test_port_22_is_closed_however_the_work_ends(house: House, end: type[BaseException]) -> None:
    with pytest.raises(end), house.access():
        raise end
    assert (house.rules(), house.schedules()) == ([], [])


@pytest.mark.parametrize("last", ["DescribeSecurityGroupRules", "AuthorizeSecurityGroupIngress"])
def test_control_c_while_it_is_opened(house: House, last: str) -> None:
    """Nobody has the lease yet who could give it back."""

    def control_c() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        house.access(aws=house.interrupted(**{last: control_c}))
    assert house.rules() == []


def test_an_error_of_the_work_is_not_hidden_by_one_of_the_closing(house: House) -> None:
    """It says beside it that the door is still open, and until when."""
    house.world.faults.refuse("RevokeSecurityGroupIngress", "UnauthorizedOperation", times=2)
    with pytest.raises(ValueError, match="mine") as caught, house.access():
        raise ValueError("mine")
    assert "AWS closes it at" in caught.value.__notes__[0]
    house.pass_(65)
    with pytest.raises(PermissionDenied), house.access():
        assert house.rules()


def test_an_opening_that_is_refused_leaves_nothing_open(house: House) -> None:
    """Whatever the last call was."""
    for operation in OPEN:
        house.world.faults.refuse(operation, "UnauthorizedOperation")
        with pytest.raises(PermissionDenied):
            house.access()
        assert house.rules() == [], operation
    house.world.faults.server_error("AuthorizeSecurityGroupIngress")
    with house.access():
        assert house.open() == {"203.0.113.7/32"}
    assert house.rules() == []


def test_no_answer_to_any_call(house: House) -> None:
    """AWS did it, and nobody heard of it: as if nothing had been."""
    for operation in (*OPEN, *CLOSE):
        house.world.faults.lose_answer(operation)
    with house.access():
        assert house.open() == {"203.0.113.7/32"}
    assert (house.rules(), house.schedules()) == ([], [])


# Dying --------------------------------------------------------------------------------------------------------------


def alone(house: House) -> None:
    """A life of a lease: opened, renewed, moved, closed."""
    with house.access(minutes=30) as lease:
        house.pass_(20)
        lease.keep()
        lease.refresh(THERE)
        lease.refresh(THERE)


def together(house: House) -> None:
    """Two runs at one address: the first stays longer, the second shares the rule, and closes last."""
    first = house.access(owner="first", minutes=30)
    second = house.access(owner="second", minutes=20)
    house.pass_(12)
    second.keep()
    first.close()
    second.close()


@pytest.mark.parametrize("life", [alone, together])
def test_killed_at_any_call_port_22_is_closed_in_time(house: House, life: Callable[[House], None]) -> None:
    """There is no moment with a rule that nothing closes; and when the time is over, neither is left.

    Right after a call and right before the next one are the same to AWS.
    """
    life(house)
    calls = house.calls()
    assert (house.rules(), house.schedules()) == ([], [])
    deaths = [("before", operation, calls[: place + 1].count(operation)) for place, operation in enumerate(calls)]
    for when, operation, nth in [*deaths, ("after", calls[-1], calls.count(calls[-1]))]:
        getattr(house.world.faults, f"kill_{when}")(operation, nth)
        with pytest.raises(ProcessKilled, match=operation):
            life(house)
        house.world.restart()
        orders = [json.loads(schedule["Target"]["Input"])["IpPermissions"][0] for schedule in house.schedules()]
        assert house.open() <= {order["IpRanges"][0]["CidrIp"] for order in orders}, f"{when} {operation} {nth}"
        house.pass_(31)
        assert (house.rules(), house.schedules()) == ([], []), f"{when} {operation} {nth}"


def test_killed_with_the_environment_of_dify(world: World) -> None:
    """The role and the schedule group of the blueprint are good for it, also right after they were made."""
    deployment = Deployment(Settings(environment="dev"), session=world.session)
    deployment.apply()
    found = deployment.stack.find(deployment.aws)
    house = House(world, {address: actual.id for address, actual in found.items() if actual}, "dify/dev")
    house.access()
    assert house.open() == {"203.0.113.7/32"}
    world.restart()
    house.pass_(61)
    assert (house.rules(), house.schedules()) == ([], [])


def test_a_role_that_was_just_made_is_waited_for(world: World) -> None:
    """IAM tells EventBridge Scheduler of it some seconds later."""
    house = House(world)
    house.apply()
    with house.access():
        assert house.open() == {"203.0.113.7/32"}


def test_destroyed_while_somebody_is_in(house: House) -> None:
    """Everything goes, and who is in finds the door closed already."""
    with house.access():
        stack().destroy(house.aws())
        assert counted(inventory(house.world.session)) == {}


# Together -----------------------------------------------------------------------------------------------------------


def test_two_runs_at_one_address_share_a_rule_and_the_last_one_closes_it(house: House) -> None:
    first = house.access(owner="first")
    second = house.access(owner="second")
    assert first.rule_id == second.rule_id
    first.close()
    assert house.open() == {"203.0.113.7/32"}
    house.pass_(40)
    second.keep()
    house.pass_(40)
    assert house.open() == {"203.0.113.7/32"}
    second.close()
    assert (house.rules(), house.schedules()) == ([], [])


def test_two_who_leave_at_once_do_not_leave_it_to_each_other(house: House) -> None:
    """Each has seen the other one's lease when it begins to leave."""
    slow = house.interrupted()
    first, second = house.access(owner="first", aws=slow), house.access(owner="second")
    slow.meanwhile["ec2.DescribeSecurityGroupRules"] = second.close
    first.close()
    assert (house.rules(), house.schedules()) == ([], [])


def test_closing_for_all_of_this_machine_while_another_leaves(house: House) -> None:
    """Also the one who clears up looks again, and the last one closes the door."""
    slow = house.interrupted()
    house.access(owner=this_run())
    second = house.access(owner="second")
    rules = "ec2.DescribeSecurityGroupRules"
    # Not after the first look, which finds the group, but after the one at the leases: each has seen the other then.
    slow.meanwhile[rules] = lambda: slow.meanwhile.update({rules: second.close})
    assert close_access(slow) == ("203.0.113.7/32",)
    assert (house.rules(), house.schedules()) == ([], [])


def test_a_shared_rule_stays_as_long_as_the_longest_lease(house: House) -> None:
    """However short the other ones are, whoever came first, and also when one of them renews."""
    short, long, late = house.access(minutes=10), house.access(minutes=60), house.access(minutes=20)
    house.pass_(6)
    short.keep()
    house.pass_(52)
    assert house.open() == {"203.0.113.7/32"}
    (schedule,) = house.schedules()
    assert schedule["ScheduleExpression"] == f"at({long.expires:%Y-%m-%dT%H:%M:%S})"
    assert late.expires < long.expires
    house.pass_(4)
    assert (house.rules(), house.schedules()) == ([], [])


def test_two_addresses_are_two_doors(house: House) -> None:
    with house.access(HERE, minutes=20), house.access("2001:db8::17", minutes=40):
        assert house.open() == {"203.0.113.7/32", "2001:db8::17/128"}
        house.pass_(22)
        assert house.open() == {"2001:db8::17/128"}
    assert (house.rules(), house.schedules()) == ([], [])


def test_two_who_get_in_each_other_s_way_look_again(house: House) -> None:
    """A rule appears right before ours is added, and one that we join disappears."""
    house.world.faults.refuse("AuthorizeSecurityGroupIngress", "InvalidPermission.Duplicate", times=2)
    with house.access():
        house.world.faults.refuse("CreateTags", "InvalidSecurityGroupRuleId.NotFound")
        with house.access(owner="other"):
            assert len(house.rules()) == 1
    assert (house.rules(), house.schedules()) == ([], [])
    house.world.faults.refuse("AuthorizeSecurityGroupIngress", "InvalidPermission.Duplicate", times=1000)
    with pytest.raises(DifyAwsError, match="others open and close it"):
        house.access()


# Moving, renewing ---------------------------------------------------------------------------------------------------


def test_another_address_is_let_in_before_the_old_one_is_shut_out(house: House) -> None:
    with house.access() as lease:
        house.calls()
        lease.refresh(THERE)
        assert house.calls() == [*OPEN, *CLOSE]
        assert (lease.address, house.open()) == (THERE, {"198.51.100.23/32"})
        with pytest.raises(SettingsError):
            lease.refresh("0.0.0.0/0")
        house.world.faults.refuse("AuthorizeSecurityGroupIngress", "UnauthorizedOperation")
        with pytest.raises(PermissionDenied):
            lease.refresh(HERE)
        assert (lease.address, house.open()) == (THERE, {"198.51.100.23/32"})
    assert house.rules() == []


def test_a_rule_that_was_taken_away_is_put_back(house: House) -> None:
    """Somebody tidied up by hand, and the connection broke."""
    with house.access() as lease:
        house.world.session.client("ec2").revoke_security_group_ingress(
            GroupId=house.group, SecurityGroupRuleIds=[lease.rule_id]
        )
        lease.refresh(HERE)
        assert [rule["SecurityGroupRuleId"] for rule in house.rules()] == [lease.rule_id]
    assert (house.rules(), house.schedules()) == ([], [])


def test_work_that_takes_longer_keeps_its_port(house: House) -> None:
    """Nothing is asked in the first half of the time, and renewing is three calls."""
    with house.access(minutes=20) as lease:
        house.calls()
        for _ in range(12):
            house.pass_(9)
            lease.keep()
            assert house.calls() == []
            house.pass_(2)
            lease.keep()
            assert house.calls() == RENEW
        assert house.open() == {"203.0.113.7/32"}
        house.pass_(60)
        assert house.open() == set()
        lease.keep()
        assert house.open() == {"203.0.113.7/32"}
    assert (house.rules(), house.schedules()) == ([], [])


def test_a_renewal_that_is_refused_does_not_close_the_port(house: House) -> None:
    with house.access(minutes=20) as lease:
        house.pass_(11)
        house.world.faults.refuse("UpdateSchedule", "AccessDeniedException", status=403)
        with pytest.raises(PermissionDenied):
            lease.keep()
        assert house.open() == {"203.0.113.7/32"}
        lease.keep()
        house.pass_(12)
        assert house.open() == {"203.0.113.7/32"}


# Drift and sweep ----------------------------------------------------------------------------------------------------


def test_a_lease_is_no_drift(house: House) -> None:
    """apply() leaves it alone, and takes away what somebody else opened, as ever."""
    with house.access():
        assert not house.plan()
        house.allow_by_hand("192.0.2.1/32")
        (action,) = house.plan()
        assert str(action.changes[0]).endswith("- tcp/22 192.0.2.1/32")
        stack().apply(house.aws())
        assert house.open() == {"203.0.113.7/32"}


def test_what_aws_did_not_close_is_drift_and_is_swept(house: House) -> None:
    """By the next apply, by the next opening, and by whoever asks for it."""
    leases: list[Lease] = []

    def left_open() -> None:
        leases.append(house.access(minutes=5))
        house.forbid_the_closing()
        house.pass_(10)
        assert house.open() == {"203.0.113.7/32"}

    left_open()
    assert {action.address for action in house.plan()} == {"security-group/host", "role/leases"}
    stack().apply(house.aws())
    assert house.rules() == []

    left_open()
    house.calls()
    assert sweep(house.aws(), house.group) == (leases[-1].rule_id,)
    assert house.calls() == ["ec2.DescribeSecurityGroupRules", "ec2.RevokeSecurityGroupIngress"]
    assert sweep(house.aws(), house.group) == ()
    assert house.calls() == ["ec2.DescribeSecurityGroupRules"]
    assert house.rules() == []

    stack().apply(house.aws())
    left_open()
    with house.access(THERE):
        assert house.open() == {"198.51.100.23/32"}
    stack().apply(house.aws())
    left_open()
    with house.access(HERE) as lease:
        assert [rule["SecurityGroupRuleId"] for rule in house.rules()] == [lease.rule_id] != [leases[-1].rule_id]


def test_a_port_that_somebody_else_keeps_open_is_left_open(house: House) -> None:
    """It was not opened by a lease, so a lease does not close it, neither now nor later."""
    house.allow_by_hand("203.0.113.7/32")
    with house.access() as lease:
        assert [rule["SecurityGroupRuleId"] for rule in house.rules()] == [lease.rule_id]
    house.pass_(65)
    assert house.open() == {"203.0.113.7/32"}


# Input --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "found"),
    [
        (" 203.0.113.7\n", "203.0.113.7"),
        ("203.0.113.7/32", "203.0.113.7"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("2001:db8::1/128", "2001:db8::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
    ],
)
def test_one_address_however_written(address: str, found: str) -> None:
    assert str(single(address)) == found


MORE_THAN_ONE: Final = ["0.0.0.0/0", "::/0", "203.0.113.0/24", "203.0.113.7/31", "2001:db8::/64"]
NOBODY_S: Final = ["0.0.0.0", "::", "::ffff:0.0.0.0", "127.0.0.1", "::1", "fe80::1", "224.0.0.1"]
NONSENSE: Final = ["", "localhost", "203.0.113", "203.0.113.7:22", "203.0.113.7, 192.0.2.1", "<html>"]


@pytest.mark.parametrize("address", [*MORE_THAN_ONE, *NOBODY_S, *NONSENSE])
def test_anything_else_is_refused(address: str) -> None:
    with pytest.raises(SettingsError) as refused:
        single(address)
    assert [problem.field for problem in refused.value.problems] == ["address"]


def test_everything_that_is_wrong_is_reported_at_once(house: House) -> None:
    with pytest.raises(SettingsError) as refused:
        house.access("nonsense", minutes=721)
    assert [problem.field for problem in refused.value.problems] == ["address", "minutes"]
    for minutes in (4, True, 30.0):
        with pytest.raises(SettingsError, match="5 to 720"):
            house.access(minutes=minutes)
    assert house.calls() == []


def test_an_owner_with_any_name(house: House) -> None:
    """EC2 takes no more than 256 characters, and not every one."""
    with house.access(owner="Jörg <j@x> 日本 " + "x" * 300):
        (rule,) = house.rules()
        (value,) = [tag["Value"] for tag in rule["Tags"] if tag["Key"].startswith("dify-aws:lease/")]
        assert len(value) <= 256
        assert value.partition(" ")[2].startswith("Jörg -j@x- 日本 xxx")


def test_permissions(house: House) -> None:
    """What is called is listed, and what is listed is called (PassRole is asked for when a role is handed on)."""
    alone(house)
    together(house)
    assert {action_of(call) for call in house.calls()} | {"iam:PassRole"} == PERMISSIONS
