"""What a deployment costs, in an offline world: before it is made, when it changes, and what of it is for nothing."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dify_aws import Deployment, PermissionDenied, Settings
from dify_aws.aws import Aws
from dify_aws.aws.price_list import refreshed
from dify_aws.offline.world import World
from dify_aws.operations.cost.bill import Use
from dify_aws.operations.cost.estimate import estimate, products
from dify_aws.operations.cost.price_difference import PriceDifference, plan_difference
from dify_aws.operations.cost.waste import owned, waste
from dify_aws.prices import PriceSheet

SHEET = PriceSheet.shipped()
TOKYO = "ap-northeast-1"
NO_USE = Use(uploads_gb=0, logs_gb=0, internet_gb=0, metrics=0)


def deployment(world: World, **settings: object) -> Deployment:
    chosen = Settings(environment="dev", **settings)  # type: ignore[arg-type]  # each test its own
    return Deployment(chosen, session=world.session)


def difference(of: Deployment, world: World) -> PriceDifference:
    """As a plan shows it; the plan has looked at everything already, so no call is made for it."""
    plan = of.stack.plan(of.aws)
    world.forget_calls()
    result = plan_difference(plan, SHEET, owned(of.aws))
    assert not world.calls
    return result


def monthly(of: Deployment) -> Decimal:
    return estimate(of.stack, SHEET, TOKYO, NO_USE).total


def test_the_difference_of_a_plan_is_that_of_the_estimates(world: World) -> None:
    """First all of it; then nothing; after a change of settings what comes, less what goes."""
    first = deployment(world)
    assert difference(first, world).monthly == monthly(first)
    first.stack.apply(first.aws)
    assert difference(deployment(world), world).monthly == 0

    second = deployment(world, nat_gateway=False, data_volume_gib=60, instance_type="t3.large")
    result = difference(second, world)
    assert result.monthly == monthly(second) - monthly(first)
    assert set(result.by_address) == {"instance/host", "volume/data", "nat-gateway/main", "elastic-ip/nat"}
    assert not result.unknown


def test_waste_is_found_among_what_is_there(world: World) -> None:
    """A NAT gateway from the first day on; a data volume and nothing else once the rest is destroyed."""
    made = deployment(world)
    made.stack.apply(made.aws)
    assert [each.address for each in waste(owned(deployment(world).aws), SHEET, TOKYO)] == ["nat-gateway/main"]

    made.stack.destroy(made.aws)
    (left,) = waste(owned(deployment(world).aws), SHEET, TOKYO)
    assert (left.address, left.monthly) == ("volume/data", Decimal("4.8"))


# Prices of today -----------------------------------------------------------------------------------------------------


@pytest.fixture
def aws(world: World) -> Aws:
    """A deployment in a region where the Price List does not stand."""
    return Aws(world.session, deployment="lab", region="eu-west-2")


def test_prices_are_refreshed_one_question_a_product(world: World, aws: Aws) -> None:
    """The Price List tells what the sheet says, for this region, dated today."""
    stack = deployment(world).stack
    names = products(stack)
    world.forget_calls()
    fresh = refreshed(aws, SHEET, names, today=date(2027, 2, 1))

    assert [str(call) for call in world.calls] == ["pricing.GetProducts"] * len(names)
    assert (fresh.date, fresh.notes) == ("2027-02-01", ())
    for name in names:
        price, before = fresh.price(name, "eu-west-2"), SHEET.price(name, "eu-west-2")
        assert price
        assert before
        assert (price.dollars, price.source) == (before.dollars, "by AWS's Price List API on 2027-02-01")
    assert fresh.price("ebs/gp3", TOKYO) == SHEET.price("ebs/gp3", TOKYO)


def test_what_the_price_list_does_not_have_is_stated_and_stays_unknown(aws: Aws) -> None:
    fresh = refreshed(aws, SHEET, ["instance/x9.large", "ebs/gp3", "teapot"])

    assert fresh.price("instance/x9.large", "eu-west-2") is None
    assert fresh.notes == (
        "instance/x9.large in eu-west-2 is priced as before, because AWS's Price List has no such product",
    )


def test_who_may_not_ask_is_reported(world: World, aws: Aws) -> None:
    world.faults.refuse("pricing.GetProducts", "AccessDeniedException")
    with pytest.raises(PermissionDenied, match="pricing:GetProducts"):
        refreshed(aws, SHEET, ["ebs/gp3"])


def test_todays_prices_are_queried_for_the_savings_too(world: World) -> None:
    """What another setting would cost is told with prices of the same day."""
    of = deployment(world)
    world.forget_calls()
    of.estimate_cost(live=True)
    requested = str([call.params for call in world.calls if call.operation == "GetProducts"])
    assert "t3.medium" in requested
    assert "t3a.medium" in requested
