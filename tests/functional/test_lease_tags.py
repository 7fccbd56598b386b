"""Lease tags: somebody who may only tag, or who may add rules with our tags, gains nothing that stays unseen."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dify_aws import AwsError, Deployment, Rule, Settings
from dify_aws.offline.world import World
from dify_aws.operations.access.access import sweep
from dify_aws.operations.access.client_identity import this_run
from dify_aws.operations.access.close import close_access, open_leases
from dify_aws.operations.access.ingress_rule import look
from dify_aws.operations.diagnosis.checks.ssh_access import covers_ssh
from dify_aws.operations.status import OpenAccess
from dify_aws.resources.vpc.lease_tag import LeaseTag, leases_on
from dify_aws.resources.vpc.security_group_rule import rule_of
from tests.functional.test_access import HERE, House, stack

LONGEST: Final = timedelta(minutes=720)
HOUR: Final = timedelta(hours=1)
SECOND: Final = timedelta(seconds=1)
NOON: Final = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture
def house(world: World) -> House:
    house = House(world)
    house.apply()
    # IAM has told EventBridge Scheduler of the role.
    house.pass_(1)
    world.forget_calls()
    return house


def now(house: House) -> datetime:
    """AWS's time."""
    return look(house.aws(), house.group)[1]


def written(moment: datetime) -> str:
    """An end as the value of a tag has it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ} mallory@elsewhere"


def forge(house: House, rule_id: str, end: datetime, key: str = "dify-aws:lease/f0f0") -> None:
    """What somebody does who may only tag."""
    tags: Any = [{"Key": key, "Value": written(end)}]
    house.world.session.client("ec2").create_tags(Resources=[rule_id], Tags=tags)


def permission(protocol: str = "tcp", ports: tuple[int, int] = (22, 22), peer: str = "198.51.100.66/32") -> Any:
    """A rule as EC2 takes it."""
    found: dict[str, Any] = {"IpProtocol": protocol}
    if protocol != "-1":
        found |= {"FromPort": ports[0], "ToPort": ports[1]}
    if peer.startswith("sg-"):
        return {**found, "UserIdGroupPairs": [{"GroupId": peer}]}
    if peer.startswith("pl-"):
        return {**found, "PrefixListIds": [{"PrefixListId": peer}]}
    return {**found, **({"Ipv6Ranges": [{"CidrIpv6": peer}]} if ":" in peer else {"IpRanges": [{"CidrIp": peer}]})}


def add(house: House, permission: Any, tags: Mapping[str, str], *, group: str = "", way: str = "ingress") -> str:
    """What somebody does who may add rules: one with tags of ours. Its id."""
    ec2 = house.world.session.client("ec2")
    specification: Any = {
        "ResourceType": "security-group-rule",
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    answer = getattr(ec2, f"authorize_security_group_{way}")(
        GroupId=group or house.group,
        IpPermissions=[permission],
        **({"TagSpecifications": [specification]} if tags else {}),
    )
    return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])


def ours(house: House, end: datetime) -> dict[str, str]:
    """The tags of a lease, all of them."""
    return {
        "dify-aws:deployment": house.deployment,
        "dify-aws:address": "lease/f0f0",
        "dify-aws:lease/f0f0": written(end),
    }


def ids(house: House, group: str = "") -> set[str]:
    """Every rule of the group."""
    ec2 = house.world.session.client("ec2")
    result = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group or house.group]}])
    return {rule["SecurityGroupRuleId"] for rule in result["SecurityGroupRules"]}


# Rules with our tags --------------------------------------------------------------------------------------------------


OPEN_WIDE: Final = {
    "to everybody": permission(peer="0.0.0.0/0"),
    "to everybody by IPv6": permission(peer="::/0"),
    "to two addresses": permission(peer="198.51.100.66/31"),
    "to a network of IPv6": permission(peer="2001:db8::/64"),
    "on all ports": permission(ports=(0, 65535)),
    "on two ports": permission(ports=(22, 23)),
    "on another port": permission(ports=(2222, 2222)),
    "by UDP": permission("udp"),
    "by everything": permission("-1"),
}


@pytest.mark.parametrize("permission", OPEN_WIDE.values(), ids=OPEN_WIDE)
def test_a_rule_that_no_lease_could_have_made_is_drift_with_all_our_tags(house: House, permission: Any) -> None:
    """It shows in the plan, in no list of leases, and the next apply takes it away."""
    before = ids(house)
    add(house, permission, ours(house, now(house) + HOUR))
    (action,) = house.plan()
    assert action.address == "security-group/host"
    assert open_leases(house.aws()) == ()
    stack().apply(house.aws())
    assert ids(house) == before


def test_a_group_or_a_prefix_list_is_no_single_address(house: House) -> None:
    ec2 = house.world.session.client("ec2")
    prefixes = ec2.create_managed_prefix_list(PrefixListName="x", MaxEntries=1, AddressFamily="IPv4")["PrefixList"]
    before = ids(house)
    for peer in (house.group, prefixes["PrefixListId"]):
        add(house, permission(peer=peer), ours(house, now(house) + HOUR))
        assert [action.address for action in house.plan()] == ["security-group/host"], peer
        stack().apply(house.aws())
        assert ids(house) == before


@pytest.mark.parametrize("end", [-SECOND, LONGEST + HOUR, timedelta(days=365 * 70)])
def test_a_lease_that_is_over_or_too_long_is_none(house: House, end: timedelta) -> None:
    """Also on a rule that a lease could have made: drift for a plan, and swept by whoever opens the port next."""
    before = ids(house)
    add(house, permission(), ours(house, now(house) + end))
    assert open_leases(house.aws()) == ()
    assert [action.address for action in house.plan()] == ["security-group/host"]
    stack().apply(house.aws())
    assert ids(house) == before

    forged = add(house, permission(), ours(house, now(house) + end))
    assert sweep(house.aws(), house.group) == (forged,)
    assert ids(house) == before


def test_only_what_comes_into_the_group_of_the_host_is_leased(house: House) -> None:
    """Nothing lists or closes leases elsewhere, so a tag exempts nothing there."""
    ec2 = house.world.session.client("ec2")
    groups = ec2.describe_security_groups(GroupIds=[house.group])["SecurityGroups"]
    before = ids(house)
    add(house, permission(), ours(house, now(house) + HOUR), way="egress")
    assert [action.address for action in house.plan()] == ["security-group/host"]
    stack().apply(house.aws())
    assert ids(house) == before
    # The same group, of another address: every group but that of the host.
    tags: Any = [{"Key": "dify-aws:address", "Value": "security-group/database"}]
    add(house, permission(), ours(house, now(house) + HOUR))
    assert len(open_leases(house.aws())) == 1
    ec2.create_tags(Resources=[groups[0]["GroupId"]], Tags=tags)
    assert "- tcp/22 198.51.100.66/32" not in str(house.plan())
    assert open_leases(house.aws()) == ()


def test_a_rule_that_is_leased_after_the_plan_is_not_revoked(house: House) -> None:
    """It was drift when AWS was asked; now somebody works on the machine through it."""
    rule = add(house, permission(), {})
    group = stack().resources["security-group/host"].resolved({"vpc/main": stack().find(house.aws())["vpc/main"]})
    actual = group.find(house.aws())
    assert actual is not None
    forge(house, rule, now(house) + HOUR)
    group.update(house.aws(), actual, frozenset({"ingress"}))
    assert rule in ids(house)


def test_the_longest_lease_is_one(house: House) -> None:
    """Also to a machine of AWS whose clock is some seconds behind."""
    with house.access(minutes=720) as lease:
        assert lease.expires - now(house) <= LONGEST - timedelta(seconds=20)
        assert not house.plan()
        assert [opening.id for opening in open_leases(house.aws())] == [lease.rule_id]
        assert sweep(house.aws(), house.group) == ()
        house.pass_(722)
        assert house.open() == set()


PEERS: Final = (
    "198.51.100.66/32",
    "198.51.100.66/31",
    "10.0.0.0/8",
    "0.0.0.0/0",
    "2001:db8::1/128",
    "2001:db8::/64",
    "::/0",
)
PORTS: Final = ((22, 22), (22, 23), (21, 22), (0, 65535), (2222, 2222))
ENDS: Final = (
    "-365d",
    "-2m",
    "+5m",
    "+1h",
    "+718m",
    "+722m",
    "+25000d",
    "never",
    "+1h without its zone",
    "+1h at +00:00",
)
TAG_KEYS: Final = ("dify-aws:lease/1", "dify-aws:lease/2", "dify-aws:lease/", "dify-aws:lease", "Name")
RULES: Final = st.tuples(
    st.sampled_from(["tcp", "tcp", "tcp", "udp", "-1"]),
    st.sampled_from([(22, 22), *PORTS]),
    st.sampled_from(PEERS),
    st.dictionaries(st.sampled_from(TAG_KEYS), st.sampled_from(ENDS), max_size=4),
)


def _value(end: str, at: datetime) -> str:
    """The value of a tag with an end so far from now."""
    units = {"d": 86400, "m": 60, "h": 3600}
    if end == "never":
        return end
    amount, _, form = end.partition(" ")
    moment = at + timedelta(seconds=int(amount[:-1]) * units[amount[-1]])
    return f"{moment:%Y-%m-%dT%H:%M:%S}" + {"": "Z", "without its zone": "", "at +00:00": "+00:00"}[form] + " mallory"


@given(rules=st.lists(RULES, max_size=6, unique_by=lambda rule: ("-1",) if rule[0] == "-1" else rule[:3]))
@example(rules=[("tcp", (22, 22), "198.51.100.66/32", {"dify-aws:lease/1": "+1h", "dify-aws:lease/2": "+25000d"})])
@example(rules=[("tcp", (22, 22), "198.51.100.66/32", {"dify-aws:lease/1": "-2m", "dify-aws:lease/2": "+722m"})])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_open_only_a_lease_is_exempt(house: House, rules: list[Any]) -> None:
    """One address, TCP, port 22 and no other, and some lease that ends in the longest time. All else is drift."""
    before, at = ids(house), now(house)
    exempt = set()
    for protocol, ports, peer, tags in rules:
        values = {key: _value(end, at) for key, end in tags.items()}
        id = add(house, permission(protocol, ports, peer), values)
        running = {
            key for key, end in tags.items() if end in ("+5m", "+1h", "+718m") and key.startswith("dify-aws:lease/")
        }
        if (protocol, ports) == ("tcp", (22, 22)) and peer in ("198.51.100.66/32", "2001:db8::1/128") and running:
            exempt.add(id)
    assert bool(house.plan()) == bool(ids(house) - before - exempt)
    stack().apply(house.aws())
    assert ids(house) - before == exempt
    assert {opening.id for opening in open_leases(house.aws())} == exempt
    if exempt:
        ec2 = house.world.session.client("ec2")
        ec2.revoke_security_group_ingress(GroupId=house.group, SecurityGroupRuleIds=sorted(exempt))


SECONDS: Final = st.one_of(
    st.integers(-(10**9), 10**9), st.sampled_from([-1, 0, 1, 43199, 43200, 43201]), st.integers(0, 43300)
)


@given(
    ends=st.lists(SECONDS, max_size=8), length=st.integers(0, 32), low=st.integers(0, 65535), high=st.integers(0, 65535)
)
@example(ends=[43200], length=32, low=22, high=22)
@example(ends=[0, 43201], length=32, low=22, high=22)
@example(ends=[1], length=31, low=22, high=22)
@settings(max_examples=200, deadline=None)
def test_to_the_second(ends: list[int], length: int, low: int, high: int) -> None:
    """(now, now + 720 minutes], as a rule is told by AWS."""
    rule = {
        "IsEgress": False,
        "IpProtocol": "tcp",
        "FromPort": low,
        "ToPort": high,
        "CidrIpv4": str(ip_network(f"203.0.113.7/{length}", strict=False)),
        "Tags": [
            {"Key": f"dify-aws:lease/{place}", "Value": written(NOON + timedelta(seconds=end))}
            for place, end in enumerate(ends)
        ],
    }
    may = (low, high, length) == (22, 22, 32)
    found = sorted(lease.expires for lease in leases_on(rule, NOON))
    assert found == sorted(NOON + timedelta(seconds=end) for end in ends if may and 0 < end <= 43200)


def test_many_tags_are_read_in_linear_time() -> None:
    """A hundred times as many as AWS takes on a rule."""
    rule: dict[str, Any] = {
        "IsEgress": False,
        "IpProtocol": "tcp",
        "FromPort": 22,
        "ToPort": 22,
        "CidrIpv4": HERE + "/32",
    }
    tags = [{"Key": f"dify-aws:lease/{place}", "Value": written(NOON + SECOND)} for place in range(20_000)]
    began = time.process_time()
    assert len(leases_on({**rule, "Tags": tags}, NOON)) == 20_000
    assert leases_on({**rule, "Tags": [{"Key": "dify-aws:lease/1", "Value": "2" * 1_000_000}]}, NOON) == ()
    assert time.process_time() - began < 5


def test_an_end_that_is_no_moment_is_unreadable() -> None:
    """Also where Python can read it, and not turn it into UTC."""
    values = [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "2026-02-31T00:00:00Z",
        "2026-W01-1",
        "",
        "\x00",
    ]
    assert LeaseTag.read([{"Key": f"dify-aws:lease/{value[:9]}", "Value": value} for value in values]) == ()


# Who may only tag -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [timedelta(minutes=700), LONGEST + HOUR, timedelta(days=365 * 70)])
def test_a_forged_tag_does_not_move_the_order_to_close(house: House, end: timedelta) -> None:
    """Neither when another run comes in nor when one renews; AWS closes when the last real lease is over."""
    first = house.access(minutes=20)
    forge(house, first.rule_id, now(house) + end)
    second = house.access(minutes=10, owner="second")
    (order,) = house.schedules()
    assert order["ScheduleExpression"] == f"at({first.expires:%Y-%m-%dT%H:%M:%S})"
    house.pass_(6)
    second.keep()
    (order,) = house.schedules()
    assert order["ScheduleExpression"] == f"at({first.expires:%Y-%m-%dT%H:%M:%S})"
    house.pass_(16)
    assert (house.rules(), house.schedules()) == ([], [])


def test_a_forged_tag_keeps_a_port_open_no_longer_than_its_schedule(house: House) -> None:
    """The last one who leaves takes it for another run, and AWS closes at the end that was ordered."""
    with house.access(minutes=20) as lease:
        forge(house, lease.rule_id, now(house) + timedelta(minutes=700))
    assert house.open() == {"203.0.113.7/32"}
    house.pass_(22)
    assert (house.rules(), house.schedules()) == ([], [])
    with house.access(minutes=20) as lease:
        forge(house, lease.rule_id, now(house) + LONGEST + HOUR)
    assert (house.rules(), house.schedules()) == ([], [])


def test_an_order_that_somebody_changed_or_deleted_is_made_again(house: House) -> None:
    """Then the own end counts, since nothing else is known to be true."""
    first = house.access(minutes=60)
    scheduler, group = house.world.session.client("scheduler"), house.ids["schedule-group/leases"]
    (order,) = house.schedules()
    same: Any = {key: order[key] for key in ("Name", "GroupName", "FlexibleTimeWindow", "Target")}
    scheduler.update_schedule(**same, ScheduleExpression="rate(1 day)")
    second = house.access(minutes=10, owner="second")
    assert house.schedules()[0]["ScheduleExpression"] == f"at({second.expires:%Y-%m-%dT%H:%M:%S})"
    scheduler.delete_schedule(Name=order["Name"], GroupName=group)
    third = house.access(minutes=5, owner="third")
    assert house.schedules()[0]["ScheduleExpression"] == f"at({third.expires:%Y-%m-%dT%H:%M:%S})"
    first.refresh(HERE)
    assert house.schedules()[0]["ScheduleExpression"] == f"at({first.expires:%Y-%m-%dT%H:%M:%S})"


def test_a_tag_is_no_way_to_have_a_rule_taken_away(house: House) -> None:
    """The web is open by a rule that is no lease: the tag of one that is over closes it to nobody."""
    before = ids(house)
    ec2 = house.world.session.client("ec2")
    result = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [house.group]}])
    (web,) = [rule["SecurityGroupRuleId"] for rule in result["SecurityGroupRules"] if rule["FromPort"] == 80]
    forge(house, web, now(house) - HOUR)
    assert sweep(house.aws(), house.group) == ()
    with house.access():
        pass
    assert close_access(house.aws()) == ()
    forge(house, web, now(house) + HOUR)
    assert not house.plan()
    assert ids(house) == before


def test_a_rule_that_is_full_of_stale_tags_is_joined(house: House) -> None:
    """AWS takes 50 on a rule. What counts for nothing makes way. Where nothing does, AWS's answer is the error."""
    ec2 = house.world.session.client("ec2")
    first = house.access()
    (rule,) = house.rules()
    free, over = 50 - len(rule["Tags"]), now(house) - HOUR
    killed: Any = [
        {"Key": f"dify-aws:lease/{place}", "Value": "nonsense" if place % 2 else written(over)} for place in range(free)
    ]
    ec2.create_tags(Resources=[first.rule_id], Tags=killed)
    with house.access(owner="second") as second:
        assert second.rule_id == first.rule_id
    assert house.open() == {"203.0.113.7/32"}
    ec2.create_tags(Resources=[first.rule_id], Tags=[{"Key": f"other/{place}", "Value": ""} for place in range(free)])
    with pytest.raises(AwsError, match="TagLimitExceeded"):
        house.access(owner="third")
    first.close()
    assert (house.rules(), house.schedules()) == ([], [])


def test_many_leases_of_one_machine_are_closed_at_once(house: House) -> None:
    """As many as AWS takes on a rule."""
    first = house.access(owner=this_run())
    (rule,) = house.rules()
    end = now(house) + HOUR
    value = f"{end:%Y-%m-%dT%H:%M:%SZ} {this_run().partition(' ')[0]}"
    tags: Any = [{"Key": f"dify-aws:lease/{place}", "Value": value} for place in range(50 - len(rule["Tags"]))]
    house.world.session.client("ec2").create_tags(Resources=[first.rule_id], Tags=tags)
    house.calls()
    assert close_access(house.aws()) == ("203.0.113.7/32",)
    assert len(house.calls()) < 10
    assert house.rules() == []


# What is shown --------------------------------------------------------------------------------------------------------


def test_a_diagnosis_shows_what_is_open_with_dates(world: World) -> None:
    """Days and not only hours: an end that looks near may be in another year."""
    of = Deployment(Settings(environment="dev", nat_gateway=False), session=world.session)
    outputs = of.apply()
    house = House(world, {"security-group/host": outputs.security_groups["host"]}, "dify/dev")

    def result(subject: str) -> str:
        return str(of.diagnose()[subject])

    assert result("SSH rule").startswith("✓ SSH rule: port 22 is open to nobody")
    late = add(house, permission(), ours(house, datetime(2099, 1, 2, 3, 4, tzinfo=UTC)))
    assert f"tcp/22 198.51.100.66/32 ({late}, tagged as leased until 2099-01-02 03:04 UTC by mallory" in result(
        "expired leases"
    )
    udp = add(house, permission("udp"), ours(house, datetime(2099, 1, 2, 3, 4, tzinfo=UTC)))
    assert f"udp/22 198.51.100.66/32 ({udp}, tagged as leased until 2099-01-02 03:04 UTC by mallory" in result(
        "lease tags"
    )
    assert result("SSH rule").startswith("✓")
    for each in (permission(ports=(0, 65535)), permission("-1"), permission(peer="198.51.100.0/24")):
        wide = add(house, each, ours(house, datetime(2099, 1, 2, 3, 4, tzinfo=UTC)))
        assert f"({wide}, tagged as leased until 2099-01-02 03:04 UTC by mallory" in result("SSH rule")
        assert result("SSH rule").startswith("✗ SSH rule: port 22 is open to more than one address")
    add(house, permission(peer="::/0"), {})
    assert "port 22 is open to everybody" in result("SSH rule")
    assert all(
        "UTC" not in result(subject) or "2099-01-02" in result(subject) for subject in ("SSH rule", "expired leases")
    )
    of.apply()
    assert result("SSH rule").startswith("✓ SSH rule: port 22 is open to nobody")
    assert result("expired leases").startswith("✓")


@pytest.mark.parametrize(
    ("rule", "covers"),
    [
        (Rule("0.0.0.0/0", 22), True),
        (Rule("0.0.0.0/0", 1, 22), True),
        (Rule("0.0.0.0/0", 22, 23), True),
        (Rule("0.0.0.0/0", protocol="-1"), True),
        (Rule("0.0.0.0/0", 23, 65535), False),
        (Rule("0.0.0.0/0", 0, 21), False),
        (Rule("0.0.0.0/0", 22, protocol="udp"), False),
    ],
)
def test_which_rules_let_ssh_in(rule: Rule, covers: bool) -> None:
    assert covers_ssh(rule) is covers
    assert rule_of({"IpProtocol": rule.protocol, "CidrIpv4": "0.0.0.0/0", **_ports(rule)}) == rule


def _ports(rule: Rule) -> dict[str, int]:
    sent = rule.permission()
    return {name: sent.get(name, -1) for name in ("FromPort", "ToPort")}


def test_a_lease_is_shown_with_its_day(house: House) -> None:
    with house.access() as lease:
        assert f"until {lease.expires:%Y-%m-%d %H:%M:%S} UTC" in repr(lease)
        open_access = OpenAccess("203.0.113.7/32", lease.owner, lease.expires)
        assert str(open_access) == f"203.0.113.7/32 until {lease.expires:%Y-%m-%d %H:%M} UTC (ann@laptop)"
        house.world.faults.refuse("DescribeSecurityGroupRules", "UnauthorizedOperation", times=1)
        with pytest.raises(ValueError, match="mine") as caught, lease:
            raise ValueError("mine")
        assert f"AWS closes it at {lease.expires:%Y-%m-%d %H:%M:%S} UTC:" in caught.value.__notes__[0]
