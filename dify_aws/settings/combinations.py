"""Combinations: what is wrong between settings that are right each for itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any, Final

from dify_aws.errors import Problem
from dify_aws.regions import partition_of
from dify_aws.settings import networks
from dify_aws.settings.aws_rules import NO_BOUNDARY
from dify_aws.settings.internal_host_rules import among_containers
from dify_aws.settings.limit_rules import fitting
from dify_aws.settings.registry_rules import readable
from dify_aws.settings.release_rules import installable

EVERYWHERE: Final = "0.0.0.0/0"


def combinations(values: Mapping[str, Any], given: Mapping[str, object]) -> Iterator[Problem]:
    """What is wrong between settings that are right each for itself.

    Args:
        values: the settings that are, by name.
        given: all settings as they were written, right or wrong.
    """
    zone, region = values.get("availability_zone"), values.get("region")
    if zone and region and not re.fullmatch(re.escape(region) + "[a-z]", zone):
        yield Problem(
            "availability_zone", zone, f"is no zone of {region}", f'Write one like "{region}a", or leave it out'
        )
    boundary = values.get("permissions_boundary")
    if boundary not in (None, NO_BOUNDARY) and region and boundary.split(":")[1] != (partition := partition_of(region)):
        right = f"Write one of that partition, like arn:{partition}:iam::…:policy/…"
        yield Problem("permissions_boundary", boundary, f"is not of {partition}, where {region} is", right)
    yield from _range(values, given)
    vpc, docker = values.get("vpc_cidr"), values.get("docker_cidr")
    if vpc and docker and IPv4Network(vpc).overlaps(IPv4Network(docker)):
        right = "Choose a range beside it, or leave docker_cidr out"
        yield Problem("docker_cidr", docker, f"overlaps with vpc_cidr ({vpc})", right)
    yield from _network(values)
    yield from fitting(values)
    yield from among_containers(values)
    yield from readable(values)
    yield from installable(values)
    if values.get("domain") and "web_cidrs" in values and EVERYWHERE not in values["web_cidrs"]:
        right = f'Let everybody in ("{EVERYWHERE}"), or leave domain out: the certificate authority looks from anywhere'
        wrong = "does not let the certificate authority in, and there is a domain"
        yield Problem("web_cidrs", values["web_cidrs"], wrong, right)
    if values.get("domain") and "email" in values and values["email"] is None:
        right = "Write the address that the certificate authority may warn before a certificate runs out"
        yield Problem("email", None, "is missing, and there is a domain", right)


def _network(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Of a VPC that exists, the subnets exist as well, and they decide where everything is."""
    vpc, public, private = (values.get(name) for name in ("vpc_id", "public_subnet_id", "private_subnet_id"))
    if vpc and "public_subnet_id" in values and public is None:
        right = "Give the subnet for the host; its routes have to lead to an internet gateway"
        yield Problem("public_subnet_id", None, "is missing, and there is a vpc_id", right)
    for name, subnet in (("public_subnet_id", public), ("private_subnet_id", private)):
        if subnet and "vpc_id" in values and vpc is None:
            yield Problem(name, subnet, "is given without its VPC", "Give vpc_id, too, or leave this out")
    if vpc and public and public == private:
        right = "Give another subnet, or leave it out: then the public one is used"
        yield Problem("private_subnet_id", private, "is the public subnet", right)
    if vpc and values.get("availability_zone"):
        right = "Leave it out: everything is made in the zone of public_subnet_id"
        yield Problem("availability_zone", values["availability_zone"], "is given, and there is a vpc_id", right)


def _range(values: Mapping[str, Any], given: Mapping[str, object]) -> Iterator[Problem]:
    """A VPC that exists has the range that it has; for a new one, a good one is chosen."""
    written = values.get("vpc_cidr", given.get("vpc_cidr"))
    if not isinstance(written, str) or "/" not in written or values.get("vpc_id", "?") is not None:
        return
    try:
        network = IPv4Network(written.strip(), strict=False)
    except ValueError:
        return  # its own rule tells
    if not networks.is_private(network):
        right = f"Choose a range within {', '.join(map(str, networks.PRIVATE))}: others hide addresses of the internet"
        yield Problem("vpc_cidr", written, "is not private (RFC 1918), and the VPC is to be made", right)
    if network.prefixlen > networks.SMALLEST:
        right = f"Choose /{networks.SMALLEST} or larger: it is cut in four, and AWS makes no subnet smaller than /28"
        yield Problem("vpc_cidr", written, "is too small for two subnets", right)
