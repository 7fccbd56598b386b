"""Quotas: how near the account is to those that a deployment needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from dify_aws.aws import Aws
from dify_aws.aws.errors.quotas import QUOTAS, Quota
from dify_aws.errors import AwsError
from dify_aws.operations.diagnosis.checks.check_context import Check, CheckContext
from dify_aws.operations.diagnosis.diagnosis import Finding, ok, warning

PERMISSIONS: Final = frozenset(
    {
        "ec2:DescribeAddresses",
        "ec2:DescribeInstances",
        "ec2:DescribeInternetGateways",
        "ec2:DescribeNatGateways",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "servicequotas:GetAWSDefaultServiceQuota",
        "servicequotas:GetServiceQuota",
    }
)

STANDARD: Final = tuple("acdhimrtz")
"""The families that share one quota of virtual processors.
https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html"""

APART: Final = ("dl", "inf", "trn", "hpc", "mac")
"""Families whose names begin like those, and that have a quota of their own."""


def _vpcs(aws: Aws) -> int:
    return len(aws.pages("ec2.DescribeVpcs", "Vpcs"))


def _addresses(aws: Aws) -> int:
    return len(aws.pages("ec2.DescribeAddresses", "Addresses"))


def _internet_gateways(aws: Aws) -> int:
    return len(aws.pages("ec2.DescribeInternetGateways", "InternetGateways"))


def _nat_gateways(aws: Aws) -> int:
    """In the zone that has the most: the quota is that of a zone."""
    there = [{"Name": "state", "Values": ["pending", "available"]}]
    gateways = aws.pages("ec2.DescribeNatGateways", "NatGateways", Filter=there)
    if not gateways:
        return 0
    zones = {each["SubnetId"]: each["AvailabilityZone"] for each in aws.pages("ec2.DescribeSubnets", "Subnets")}
    return max(Counter(zones.get(each["SubnetId"], "") for each in gateways).values())


def _processors(aws: Aws) -> int:
    running = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    found = aws.pages("ec2.DescribeInstances", "Reservations", Filters=running)
    return sum(
        each.get("CpuOptions", {}).get("CoreCount", 1) * each.get("CpuOptions", {}).get("ThreadsPerCore", 1)
        for reservation in found
        for each in reservation["Instances"]
        if each["InstanceType"].startswith(STANDARD) and not each["InstanceType"].startswith(APART)
    )


USES: Final[dict[str, Callable[[Aws], int]]] = {
    "VpcLimitExceeded": _vpcs,
    "AddressLimitExceeded": _addresses,
    "InternetGatewayLimitExceeded": _internet_gateways,
    "NatGatewayLimitExceeded": _nat_gateways,
    "VcpuLimitExceeded": _processors,
}
"""How much of a quota is in use, by the error of AWS when it is used up."""


def quotas() -> Iterator[tuple[str, Check]]:
    """A check for each, so that one that cannot be asked keeps none from being told."""
    for code, use in USES.items():
        yield f"quota {QUOTAS[code].name}", _check(QUOTAS[code], use)


def _check(quota: Quota, use: Callable[[Aws], int]) -> Check:
    def check(context: CheckContext) -> Iterator[Finding]:
        used, allowed = use(context.aws), _allowed(context.aws, quota)
        subject, evidence = f"quota {quota.name}", f"{used} of {allowed:.0f} in use"
        if used >= allowed:
            yield warning(subject, evidence, quota.advice(context.aws.region))
        else:
            yield ok(subject, evidence)

    return check


def _allowed(aws: Aws, quota: Quota) -> float:
    params = {"ServiceCode": quota.service, "QuotaCode": quota.code}
    try:
        answer = aws.call("service-quotas.GetServiceQuota", **params)
    except AwsError as error:
        # Of a quota that nobody has ever raised, some are known by their default only.
        if error.code != "NoSuchResourceException":
            raise
        answer = aws.call("service-quotas.GetAWSDefaultServiceQuota", **params)
    return float(answer["Quota"]["Value"])
