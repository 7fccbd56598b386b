"""In which order things go: whatever holds the id of another goes before it."""

from __future__ import annotations

from typing import Any

from dify_aws import InternetGateway, RouteTable, Subnet, Vpc
from dify_aws.engine.deletion_order import deletion_edges
from dify_aws.engine.resource import Actual
from dify_aws.walk import walk


def test_what_holds_an_id_goes_first() -> None:
    """In values and in facts, however deep; and what nothing holds goes at once."""
    things: dict[str, Any] = {
        "vpc/main": (Vpc, Actual(address="vpc/main", id="vpc-1")),
        "subnet/a": (Subnet, Actual(address="subnet/a", id="subnet-1", values={"vpc": "vpc-1"})),
        "internet-gateway/main": (
            InternetGateway,
            Actual(address="internet-gateway/main", id="igw-1", facts={"attachments": [{"to": "vpc-1"}]}),
        ),
        "route-table/a": (
            RouteTable,
            Actual(
                address="route-table/a",
                id="rtb-1",
                values={"vpc": "vpc-1", "routes": {"0.0.0.0/0": "igw-1"}, "subnets": frozenset({"subnet-1"})},
            ),
        ),
    }
    edges = deletion_edges(things)
    assert edges["route-table/a"] == set()
    assert edges["subnet/a"] == {"route-table/a"}
    assert edges["internet-gateway/main"] == {"route-table/a"}
    assert edges["vpc/main"] == {"subnet/a", "internet-gateway/main", "route-table/a"}
    order: list[str] = []
    walk(edges, order.append, workers=1)
    assert order[0] == "route-table/a"
    assert order[-1] == "vpc/main"
