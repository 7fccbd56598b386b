"""Pricing: the Price List API, which moto does not have. It responds in AWS's format, with our own price sheet."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects
from dify_aws.prices import PriceSheet, Product
from dify_aws.prices.product import CONTAINS

ENDPOINT_REGIONS: Final = frozenset({"us-east-1", "eu-central-1", "ap-south-1"})


@corrects(
    "moto.core.botocore_stubber:BotocoreStubber",
    "process_request",
    says="The Price List API exists in three regions and returns the products that match all filters, as JSON in JSON.",
    link="https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html",
)
def price_list(cloud: Cloud, original: Callable[..., Any], stubber: Any, request: Any) -> Any:
    host = urlsplit(request.url).hostname or ""
    if not (host.startswith("api.pricing.") and host.split(".")[2] in ENDPOINT_REGIONS):
        return original(request)
    expected = json.loads(request.body)
    documents = [
        json.dumps(document)
        for document in _documents(expected["ServiceCode"])
        if all(_matches(document["product"], each) for each in expected.get("Filters", ()))
    ]
    body = {"FormatVersion": "aws_v1", "PriceList": documents}
    return 200, {"content-type": "application/x-amz-json-1.1"}, json.dumps(body).encode()


def _documents(service: str) -> Iterator[dict[str, Any]]:
    """Every product of ``service`` in every region of the sheet, in the format of the Price List."""
    for product in PriceSheet.shipped().products.values():
        if product.service == service:
            for region in product.prices:
                yield _document(product, region)


def _document(product: Product, region: str) -> dict[str, Any]:
    sku = f"{product.name}@{region}"
    price = product.prices[region]
    attributes = {
        # If only a part is known, AWS's value begins with a name of the region.
        field.removesuffix(CONTAINS): f"{region.upper()}-{word}" if field.endswith(CONTAINS) else word
        for field, word in _attributes(product, region).items()
    }
    step = {"unit": price.unit, "beginRange": "0", "endRange": "Inf", "pricePerUnit": {"USD": f"{price.dollars:.10f}"}}
    return {
        "serviceCode": product.service,
        "product": {"sku": sku, "productFamily": attributes.pop("productFamily", ""), "attributes": attributes},
        "terms": {"OnDemand": {f"{sku}.TERM": {"sku": sku, "priceDimensions": {f"{sku}.TERM.STEP": step}}}},
    }


def _attributes(product: Product, region: str) -> Mapping[str, str]:
    own = product.name.partition("/")[2]
    return {field: word.format(region=region, name=own) for field, word in product.filters.items()}


def _matches(product: Mapping[str, Any], expected: Mapping[str, str]) -> bool:
    field = expected["Field"]
    value = product["productFamily"] if field == "productFamily" else product["attributes"].get(field, "")
    return expected["Value"] in value if expected["Type"] == "CONTAINS" else expected["Value"] == value


CORRECTIONS = (price_list,)
