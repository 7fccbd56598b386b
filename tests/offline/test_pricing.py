"""The Price List API: products that match every filter, each a JSON document in a string.

https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_pricing_GetProducts.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from dify_aws.offline.world import World


def products(world: World, service: str, **filters: str | tuple[str, str]) -> list[Mapping[str, Any]]:
    """What GetProducts tells for fields that are equal to a value, or stand to it as a pair says."""
    client: Any = world.session.client("pricing", region_name="us-east-1")
    filter_list = [
        {"Field": field, "Type": kind, "Value": value}
        for field, expected in filters.items()
        for kind, value in [expected if isinstance(expected, tuple) else ("TERM_MATCH", expected)]
    ]
    answer = client.get_products(ServiceCode=service, Filters=filter_list, FormatVersion="aws_v1")
    return [json.loads(document) for document in answer["PriceList"]]


def test_product_has_its_on_demand_price(world: World) -> None:
    (product,) = products(
        world, "AmazonEC2", regionCode="ap-northeast-1", instanceType="t3.medium", operatingSystem="Linux"
    )
    (term,) = product["terms"]["OnDemand"].values()
    (step,) = term["priceDimensions"].values()

    assert product["product"]["productFamily"] == "Compute Instance"
    assert (step["unit"], step["pricePerUnit"]) == ("Hrs", {"USD": "0.0544000000"})


@pytest.mark.parametrize(
    ("filters", "many"),
    [
        pytest.param({"regionCode": "ap-northeast-1", "productFamily": "NAT Gateway"}, 2, id="too-few-filters"),
        pytest.param({"regionCode": "ap-northeast-1", "volumeApiName": "gp3"}, 1, id="equal"),
        pytest.param({"regionCode": "ap-northeast-1", "volumeApiName": "gp"}, 0, id="a-part-is-not-equal"),
        pytest.param({"regionCode": "nowhere-1", "volumeApiName": "gp3"}, 0, id="another-region"),
        pytest.param({"regionCode": "ap-northeast-1", "colour": "red"}, 0, id="no-such-field"),
    ],
)
def test_every_filter_has_to_match(world: World, filters: dict[str, str], many: int) -> None:
    assert len(products(world, "AmazonEC2", **filters)) == many


def test_filter_can_match_a_part(world: World) -> None:
    """Usage types begin with the region, and nobody has to know how."""
    part = ("CONTAINS", "CW:MetricMonitorUsage")
    assert len(products(world, "AmazonCloudWatch", regionCode="ap-northeast-1", usagetype=part)) == 1
    assert not products(world, "AmazonCloudWatch", regionCode="ap-northeast-1", usagetype="CW:MetricMonitorUsage")
