"""Network: the VPC of one Dify with all that is in it, or what it uses of an existing one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dify_aws.engine.resource import Input, Resource
from dify_aws.resources import (
    ElasticIp,
    ExistingSubnet,
    ExistingVpc,
    InternetGateway,
    NatGateway,
    RouteTable,
    Subnet,
    Vpc,
    VpcEndpoint,
    Zone,
)
from dify_aws.settings import Settings
from dify_aws.settings.networks import docker_pool

EVERYWHERE: Final = "0.0.0.0/0"


@dataclass(frozen=True, kw_only=True)
class Network:
    """The network of one Dify.

    Attributes:
        resources: all of them, in their order.
        vpc: the VPC.
        public: the subnet of the host.
        hidden: the subnet of what needs no address of its own.
        availability_zone: where the public subnet is.
        public_cidr: its range.
        ways_out: what packets of the host leave through; nothing, if that is there already.
    """

    resources: tuple[Resource, ...]
    vpc: Resource
    public: Resource
    hidden: Resource
    availability_zone: Input[str]
    public_cidr: Input[str]
    ways_out: tuple[Resource, ...] = ()


def network_of(settings: Settings) -> Network:
    """The network that settings ask for.

    Args:
        settings: what is desired.
    """
    return _existing(settings) if settings.vpc_id else _own(settings)


def _own(settings: Settings) -> Network:
    """A VPC of our own, with all that is in it."""
    vpc = Vpc(name="main", cidr_block=settings.vpc_cidr)
    zone = Zone(
        name="main",
        instance_type=settings.instance_type,
        volume="volume/data",
        subnet="subnet/public",
        chosen=settings.availability_zone,
    )
    public = Subnet(name="public", vpc=vpc.id, cidr_block=settings.public_cidr, availability_zone=zone.id)
    # One after the other, so that no run that died leaves them in two zones.
    private = Subnet(
        name="private",
        vpc=vpc.id,
        cidr_block=settings.private_cidr,
        availability_zone=zone.id,
        created_after=public.id,
    )
    gateway = InternetGateway(name="main", vpc=vpc.id)
    public_table = RouteTable(name="public", vpc=vpc.id, routes={EVERYWHERE: gateway.id}, subnets=[public.id])
    nat = tuple(_nat(public)) if settings.nat_gateway else ()
    routes: dict[str, Input[str]] = {EVERYWHERE: nat[-1].id} if nat else {}
    private_table = RouteTable(name="private", vpc=vpc.id, routes=routes, subnets=[private.id])
    endpoint = VpcEndpoint(name="s3", vpc=vpc.id, service="s3", route_tables=[public_table.id, private_table.id])
    return Network(
        resources=(zone, vpc, public, private, gateway, *nat, public_table, private_table, endpoint),
        vpc=vpc,
        public=public,
        hidden=private,
        availability_zone=zone.id,
        public_cidr=settings.public_cidr,
        ways_out=(public_table,),
    )


def _nat(public: Subnet) -> Iterator[Resource]:
    address = ElasticIp(name="nat")
    yield address
    yield NatGateway(name="main", subnet=public.id, allocation=address.id)


def _existing(settings: Settings) -> Network:
    """Somebody else's: nothing of it is made, changed or deleted, so it must have its gateways and routes already."""
    vpc_id, kind = settings.vpc_id or "", settings.instance_type
    containers = docker_pool(settings.vpc_cidr, settings.docker_cidr)
    vpc = ExistingVpc(name="main", vpc_id=vpc_id, cidr_block=settings.vpc_cidr, docker_cidr=str(containers))
    # That there is one, the combinations of the settings see to.
    public = ExistingSubnet(
        name="public", subnet_id=settings.public_subnet_id or "", vpc_id=vpc_id, public=True, instance_type=kind
    )
    private = (
        (ExistingSubnet(name="private", subnet_id=settings.private_subnet_id, vpc_id=vpc_id),)
        if settings.private_subnet_id
        else ()
    )
    return Network(
        resources=(vpc, public, *private),
        vpc=vpc,
        public=public,
        hidden=private[0] if private else public,
        availability_zone=public.ref("availability_zone"),
        public_cidr=public.ref("cidr_block"),
    )
