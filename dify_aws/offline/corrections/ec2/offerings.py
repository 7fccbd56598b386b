"""Offerings: which types a region or a zone offers, looked up by type."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects


@corrects(
    "moto.ec2.models.instance_types:InstanceTypeOfferingBackend",
    "describe_instance_type_offerings",
    says="The answer is moto's own. moto compares each of a region's thousands of offers, which takes far too long.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypeOfferings.html",
)
def indexed_by_type(
    cloud: Cloud,
    original: Callable[..., list[Any]],
    backend: Any,
    location_type: str | None = None,
    filters: dict[str, Any] | None = None,
) -> list[Any]:
    location_type = location_type or "region"
    if not filters or "instance-type" not in filters:
        return original(location_type, filters)
    offers = _by_type(location_type, backend.region_name)
    wanted = [offer for name in dict.fromkeys(filters["instance-type"]) for offer in offers.get(name, ())]
    return [offer for offer in wanted if backend.matches_filters(offer, filters, location_type)]


@functools.cache
def _by_type(location_type: str, region: str) -> Mapping[str, list[Any]]:
    offers: defaultdict[str, list[Any]] = defaultdict(list)
    for offer in INSTANCE_TYPE_OFFERINGS[location_type].get(region, []):
        offers[offer["InstanceType"]].append(offer)
    return offers


CORRECTIONS = (indexed_by_type,)
