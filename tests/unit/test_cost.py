"""What an estimate promises: every line has a quantity and a price, or says that one is not known."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console

from dify_aws import Action, Actual, Change, LogGroup, Plan, Settings, Stack, Volume
from dify_aws.change import Unknown
from dify_aws.engine.resource import kinds
from dify_aws.operations.cost.bill import COUNTED, Use
from dify_aws.operations.cost.estimate import CostEstimate, CostRow, counted, estimate, priced, regions
from dify_aws.operations.cost.price_difference import plan_difference
from dify_aws.operations.cost.savings import estimate_settings, products_of
from dify_aws.operations.cost.waste import waste
from dify_aws.prices import PriceSheet
from dify_aws.topologies.account import Account
from dify_aws.topologies.single_host.resources import environment

SHEET = PriceSheet.shipped()
TOKYO = "ap-northeast-1"
ACCOUNT = Account("123456789012", "aws", TOKYO)
NO_USE = Use(uploads_gb=0, logs_gb=0, internet_gb=0, metrics=0)


def cost(use: Use | None = None, **settings: object) -> CostEstimate:
    chosen = Settings(environment="dev", **settings)  # type: ignore[arg-type]  # each case its own
    return estimate(environment(chosen, ACCOUNT), SHEET, TOKYO, use)


def row(estimated: CostEstimate, what: str) -> CostRow:
    (found,) = [each for each in estimated.rows if each.what == what]
    return found


# The estimate --------------------------------------------------------------------------------------------------------


def test_the_environment_in_tokyo_costs_this() -> None:
    """By hand: the quantity of each thing, times its price."""
    result = {each.what: each.monthly for each in cost(NO_USE).rows}
    assert result == {
        "EC2 t3.medium": Decimal("39.712"),
        "root disk, gp3": Decimal("2.88"),
        "data volume, gp3": Decimal("4.8"),
        "public IPv4 address": Decimal("7.3"),
        "NAT gateway": Decimal("45.26"),
        "secret in Secrets Manager": result["secret in Secrets Manager"],
        "CloudWatch alarm": Decimal("0.3"),
    }
    assert cost(NO_USE).total == sum(amount for amount in result.values() if amount)


def test_use_is_counted_by_what_is_assumed() -> None:
    use = Use(uploads_gb=100, glacier_gb=10, logs_gb=20, internet_gb=150, nat_gb=5, metrics=4)
    by_use = {each.what: each.monthly for each in cost(use, log_retention_days=60).rows if each.by_use}
    assert by_use == {
        "S3 Standard": Decimal("2.5"),
        "S3 Glacier": Decimal("0.045"),
        "CloudWatch Logs, taken in": Decimal("15.2"),
        "CloudWatch Logs, kept": Decimal(20) * 2 * Decimal("0.15") * Decimal("0.033"),
        "traffic to the internet beyond 100 GB": Decimal("5.7"),
        "traffic through the NAT gateway": Decimal("0.31"),
        "metrics of the CloudWatch agent": pytest.approx(Decimal("1.2")),
    }


def test_a_machine_that_runs_half_the_day_costs_half() -> None:
    assert row(cost(Use(hours=365)), "EC2 t3.medium").monthly == Decimal("19.856")


def test_every_assumption_is_stated() -> None:
    message = str(cost(Use(uploads_gb=77, logs_gb=88, internet_gb=99, nat_gb=66, metrics=55, hours=444)))
    assert all(f" {number} " in message for number in (77, 88, 99, 66, 55, 444))


def test_less_than_nothing_cannot_be_used() -> None:
    with pytest.raises(ValueError, match="logs_gb = -1"):
        Use(logs_gb=-1)


def test_what_is_not_known_is_unknown_and_never_zero() -> None:
    result = cost(instance_type="x2idn.32xlarge")

    assert [each.what for each in result.unknown] == ["EC2 x2idn.32xlarge"]
    assert "at least $" in str(result)
    assert "and 1 unknown" in str(result)
    assert json.loads(result.to_json())["complete"] is False
    assert "unknown" in result._repr_mimebundle_()["text/html"]


def test_a_region_without_prices_costs_an_unknown_amount() -> None:
    result = estimate(environment(Settings(environment="dev"), ACCOUNT), SHEET, "sa-east-1")
    assert not result.total
    assert result.unknown == result.rows


def test_logs_that_are_kept_for_ever_have_no_monthly_cost() -> None:
    stack = Stack("lab", [LogGroup(name="all", retention_days=None)])  # type: ignore[arg-type]  # as AWS tells it
    assert [each.what for each in estimate(stack, SHEET, TOKYO).unknown] == ["CloudWatch Logs, kept"]


def test_iops_that_are_paid_for_are_not_passed_over() -> None:
    volume = Volume(name="fast", availability_zone=f"{TOKYO}a", size_gib=100, iops=9000, throughput_mib=500)
    result = estimate(Stack("lab", [volume]), SHEET, TOKYO)
    assert [(each.what, each.quantity) for each in result.unknown] == [
        ("IOPS that were paid for", Decimal(6000)),
        ("MiB/s that were paid for", Decimal(375)),
    ]


def test_every_kind_is_counted_or_known_to_be_free() -> None:
    """A new kind needs its lines in bill.py, or says that it is free."""
    ours = {name: kind for name, kind in kinds().items() if kind.__module__.startswith("dify_aws.")}
    free = {name for name, kind in ours.items() if kind.free}
    assert ours.keys() - free - COUNTED.keys() == set()
    assert not free & COUNTED.keys()


def test_a_kind_that_nobody_counted_is_unknown() -> None:
    (result,) = priced(counted({"teapot/short": {}}, Use()), SHEET, TOKYO)
    assert (result.what, result.addresses, result.monthly) == ("teapot", ("teapot/short",), None)


def test_it_shows_itself_as_text_html_rich_and_json() -> None:
    result = replace(cost(), deployment="<dify/dev>")
    out = StringIO()
    Console(file=out, width=160).print(result)

    total = f"{result.total:,.2f}"
    assert total in str(result)
    assert total in out.getvalue()
    assert total in result._repr_mimebundle_()["text/html"]
    assert "&lt;dify/dev&gt;" in result._repr_mimebundle_()["text/html"]
    assert Decimal(json.loads(result.to_json())["total"]) == result.total.quantize(Decimal("0.000001"))


def test_the_regions_are_compared() -> None:
    result = regions(environment(Settings(environment="dev"), ACCOUNT), SHEET)
    known = [amount for amount in result.values() if amount is not None]
    assert set(result) == set(SHEET.regions)
    assert known == sorted(known)
    assert result[TOKYO] == cost().total


# What flags would save -----------------------------------------------------------------------------------------------


def test_savings_are_those_of_the_settings_really_changed() -> None:
    settings = Settings(environment="dev", instance_type="t3.large", data_volume_gib=60)
    result = {each.changes: each.monthly for each in estimate_settings(settings, ACCOUNT, SHEET).savings}

    assert result == {
        "nat_gateway=False": cost(instance_type="t3.large").total
        - cost(instance_type="t3.large", nat_gateway=False).total,
        "instance_type='t3.medium'": Decimal("39.712"),
        "instance_type='t3a.large'": Decimal("7.957"),
        "data_volume_gib=30": Decimal("2.88"),
        "log_retention_days=7": cost().total - cost(log_retention_days=7).total,
        "ssh='tunnel'": Decimal(0),
    }
    assert result["nat_gateway=False"] == Decimal("48.91")


def test_what_dify_would_not_fit_into_is_no_saving() -> None:
    result = [each.changes for each in estimate_settings(Settings(environment="dev"), ACCOUNT, SHEET).savings]
    assert not [changes for changes in result if "small" in changes]


def test_a_full_dify_becomes_compact_when_it_gets_half_the_memory() -> None:
    settings = Settings(environment="dev", profile="full", instance_type="t3.large")
    result = [each.changes for each in estimate_settings(settings, ACCOUNT, SHEET).savings]
    assert "profile='compact', instance_type='t3.medium'" in result


def test_a_saving_at_an_unknown_price_is_unknown() -> None:
    settings = Settings(environment="dev", instance_type="m6i.large")
    result = {each.changes: each.monthly for each in estimate_settings(settings, ACCOUNT, SHEET).savings}
    assert result["instance_type='m6a.large'"] is None


def test_a_refresh_asks_for_what_the_savings_need_too() -> None:
    """Else a saving would be the difference of today's price and an old one."""
    result = products_of(Settings(environment="dev", instance_type="m6i.xlarge"), ACCOUNT)
    types = {name for name in result if name.startswith("instance/")}
    assert types == {"instance/m6i.xlarge", "instance/m6i.large", "instance/m6a.xlarge"}
    assert {"nat-gateway/hour", "ebs/gp3", "logs/stored"} <= result


# What a plan changes -------------------------------------------------------------------------------------------------

VOLUME = Actual(address="volume/data", id="vol-1", values={"size_gib": 50, "volume_type": "gp3"})
HOST = Actual(address="instance/host", id="i-1", values={"instance_type": "t3.medium", "root_volume_gib": 30})
GATEWAY = Actual(address="nat-gateway/main", id="nat-1", values={"subnet": "subnet-1", "allocation": "eip-2"})
ADDRESS = Actual(address="elastic-ip/nat", id="eip-2", values={"instance": ""}, facts={"association_id": "assoc-1"})
ALL = (VOLUME, HOST, GATEWAY, ADDRESS)


def change(verb: str, address: str, id: str = "", **changes: object) -> Action:
    return Action(verb, address, id, tuple(Change(name, None, value) for name, value in changes.items()))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("action", "dollars"),
    [
        pytest.param(change("create", "elastic-ip/nat"), "3.65", id="comes"),
        pytest.param(
            change("create", "instance/host", instance_type="t3.medium", root_volume_gib=30), "42.592", id="host"
        ),
        pytest.param(change("delete", "nat-gateway/main", "nat-1"), "-45.26", id="goes"),
        pytest.param(change("delete", "elastic-ip/nat (eip-2)", "eip-2"), "-3.65", id="goes-one-of-two"),
        pytest.param(change("delete", "volume/data", "vol-1"), "-4.8", id="goes-by-what-it-was"),
        pytest.param(change("update", "volume/data", "vol-1", size_gib=60), "0.96", id="grows"),
        pytest.param(change("update", "instance/host", "i-1", instance_type="t3.large"), "39.712", id="another-type"),
        pytest.param(change("update", "instance/host", "i-1", running=False), "-39.712", id="stops"),
        pytest.param(change("update", "instance/host", "i-1", security_groups=Unknown("a group")), None, id="no-price"),
        pytest.param(change("keep", "volume/data", "vol-1"), None, id="stays"),
        pytest.param(change("create", "vpc/main"), None, id="free"),
        pytest.param(change("create", "bucket/storage"), None, id="costs-by-use-only"),
    ],
)
def test_an_action_changes_the_bill(action: Action, dollars: str | None) -> None:
    result = plan_difference(Plan("dify/dev", TOKYO, (action,)), SHEET, ALL)
    assert result.by_address == ({action.address: Decimal(dollars)} if dollars else {})


def test_a_plan_adds_up() -> None:
    """More disk, and no NAT gateway with its address."""
    actions = (
        change("update", "volume/data", "vol-1", size_gib=60),
        change("delete", "nat-gateway/main", "nat-1"),
        change("delete", "elastic-ip/nat", "eip-2"),
    )
    result = plan_difference(Plan("dify/dev", TOKYO, actions), SHEET, ALL)
    assert result.monthly == Decimal("-47.95")
    assert str(result).startswith("-47.95 $/month by AWS's list prices")


def test_a_difference_that_is_not_known_is_stated() -> None:
    actions = (
        change("create", "instance/host", instance_type="x2idn.32xlarge", root_volume_gib=30),
        change("delete", "volume/lost", "vol-9"),
        change("create", "elastic-ip/nat"),
    )
    result = plan_difference(Plan("dify/dev", TOKYO, actions), SHEET, ALL)
    assert result.unknown == ("instance/host", "volume/lost")
    assert str(result).startswith("+3.65 $/month")
    assert "Not known is what these cost: instance/host, volume/lost." in str(result)


def test_a_plan_shows_it_as_a_note() -> None:
    plan = Plan("dify/dev", TOKYO, (change("create", "elastic-ip/nat"),), ("first",))
    noted = plan.noted(str(plan_difference(plan, SHEET, ())))

    assert "note: first\nnote: +3.65 $/month" in str(noted)
    assert not noted.beyond(plan), "it is the same plan still"


# Waste ---------------------------------------------------------------------------------------------------------------


def test_waste_is_what_is_paid_for_and_not_used() -> None:
    loose = Actual(address="elastic-ip/host", id="eip-1", values={"instance": ""}, facts={"association_id": ""})
    idle = replace(VOLUME, facts={"state": "available"})
    result = {each.address: each for each in waste((GATEWAY, ADDRESS, loose, idle), SHEET, TOKYO)}

    assert {address: each.monthly for address, each in result.items()} == {
        "nat-gateway/main": Decimal("48.91"),
        "elastic-ip/host": Decimal("3.65"),
        "volume/data": Decimal("4.8"),
    }
    assert str(result["volume/data"]).startswith("volume/data (vol-1), $4.80 a month: it is attached to no machine.")


def test_what_is_used_is_no_waste() -> None:
    """The machine stands behind the gateway, its disk is attached, and the gateway has the address."""
    routes = {"routes": {"0.0.0.0/0": "nat-1"}, "subnets": frozenset({"subnet-2"})}
    found = (
        GATEWAY,
        replace(ADDRESS, facts={"association_id": ""}),
        replace(VOLUME, facts={"state": "in-use"}),
        Actual(address="route-table/private", id="rtb-1", values=routes),
        Actual(address="instance/host", id="i-1", values={"subnet": "subnet-2"}),
    )
    assert not waste(found, SHEET, TOKYO)


def test_a_volume_in_a_region_without_prices_is_waste_all_the_same() -> None:
    (result,) = waste((replace(VOLUME, facts={"state": "available"}),), SHEET, "sa-east-1")
    assert result.monthly is None
    assert "at an unknown price" in str(result)
