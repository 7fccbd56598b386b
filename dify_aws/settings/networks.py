"""Networks: which addresses a VPC may have, and how its range is divided into the two subnets."""

from ipaddress import IPv4Network
from typing import Final

PRIVATE: Final = (
    *(IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16")),
    IPv4Network("100.64.0.0/10"),
)
"""Addresses that nobody has on the internet: RFC 1918, and the shared ones of RFC 6598."""

REFUSED: Final = (
    *(IPv4Network("0.0.0.0/8"), IPv4Network("127.0.0.0/8"), IPv4Network("169.254.0.0/16")),
    IPv4Network("224.0.0.0/4"),
)
"""What AWS makes no VPC of: https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html"""

DOCKER_POOLS: Final = (IPv4Network("172.30.0.0/16"), IPv4Network("172.29.0.0/16"))
"""From which Docker cuts its networks. A VPC is at most a /16, so one of the two is free of it."""

LARGEST: Final = 16
SMALLEST: Final = 26
SMALLEST_OF_AWS: Final = 28
SUBNET: Final = 24
SMALLEST_POOL: Final = 21
"""Docker cuts a /24 for each network of the containers: there are four, and some room is left."""


def is_private(network: IPv4Network) -> bool:
    """Whether nobody on the internet has any address of the range, so that the VPC hides none of them from the host."""
    return any(network.subnet_of(private) for private in PRIVATE)


def docker_pool(vpc_cidr: str, docker_cidr: str | None = None) -> IPv4Network:
    """The range that the containers of a host in this VPC have their addresses in: ``docker_cidr``, if given."""
    if docker_cidr:
        return IPv4Network(docker_cidr)
    return next(pool for pool in DOCKER_POOLS if not pool.overlaps(IPv4Network(vpc_cidr)))


def divide(vpc: IPv4Network) -> tuple[IPv4Network, IPv4Network]:
    """The ranges of the public and of the private subnet: the second and the third /24 of the VPC's.

    A VPC that has no three /24 (smaller than a /22) is cut in four, and they are the second and the third quarter. The
    first part and the last stay free for what comes later. ``vpc`` is a /16 to /26: the quarters of a /26 are /28, the
    smallest subnet that AWS makes (https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html).
    """
    _, public, private, *_ = vpc.subnets(new_prefix=max(SUBNET, vpc.prefixlen + 2))
    return public, private
