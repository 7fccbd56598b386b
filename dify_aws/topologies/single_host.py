"""The environment of one Dify: everything of it that lives in AWS. Read it from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from dify_aws.engine.resource import Input, Ref, Resource
from dify_aws.engine.stack import Stack
from dify_aws.instance_types import architecture, is_burstable
from dify_aws.limits import ask_less, limits_of
from dify_aws.resources import (
    Alarm,
    Bucket,
    ElasticIp,
    ExistingSubnet,
    ExistingVpc,
    Instance,
    InstanceConnectEndpoint,
    InstanceProfile,
    InstanceType,
    InternetGateway,
    KeyPair,
    LifecycleRule,
    LogGroup,
    NatGateway,
    Role,
    RouteTable,
    Rule,
    ScheduleGroup,
    SecurityGroup,
    StoredSecret,
    Subnet,
    Topic,
    Volume,
    Vpc,
    VpcEndpoint,
    Zone,
)
from dify_aws.settings import Settings
from dify_aws.settings.networks import docker_pool
from dify_aws.topologies.account import Account
from dify_aws.topologies.kinds import ENVIRONMENT_KINDS
from dify_aws.topologies.names import BACKUPS, LOGS, UPLOADS, bucket_name, log_group_name
from dify_aws.topologies.role_policies import closing_policy, host_policy
from dify_aws.topologies.single_host_notes import notes_of

UBUNTU: Final = "/aws/service/canonical/ubuntu/server/22.04/stable/current/{architecture}/hvm/ebs-gp2/ami-id"
"""Canonical's public parameter with the newest image of Ubuntu 22.04 LTS (its disk type is replaced by ours).
https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/"""

DATA_DEVICE: Final = "/dev/sdf"
EVERYWHERE: Final = "0.0.0.0/0"


def environment(settings: Settings, account: Account) -> Stack:
    """The stack of ``settings`` in ``account``. Asks AWS nothing."""
    resources = list(_existing_network(settings) if settings.vpc_id else _network(settings))
    network = {resource.address: resource for resource in resources}
    vpc, public = network["vpc/main"], network["subnet/public"]
    place: Input[str] = public.ref("availability_zone") if settings.vpc_id else network["zone/main"].id
    inside: Input[str] = public.ref("cidr_block") if settings.vpc_id else settings.public_cidr

    tunnel_group = SecurityGroup(
        name="tunnel",
        vpc=vpc.id,
        description="SSH to the Dify host through AWS",
        # Two groups that name each other could not be made; that the host lets in this group only is what counts.
        egress=[Rule(inside, 22, description="SSH")],
    )
    hidden = network.get("subnet/private", public)
    tunnel = InstanceConnectEndpoint(name="main", subnet=hidden.id, security_groups=[tunnel_group.id])
    if settings.ssh == "tunnel":
        resources += [tunnel_group, tunnel]

    host_group = SecurityGroup(
        name="host",
        vpc=vpc.id,
        description="Web traffic to the Dify host",
        # Port 22 is open to nobody out there: access is leased for as long as somebody works on the machine.
        ingress=[
            *(
                Rule(cidr, port, description=what)
                for port, what in ((80, "HTTP"), (443, "HTTPS"))
                for cidr in settings.web_cidrs
            ),
            *([Rule(tunnel_group.id, 22, description="SSH")] if settings.ssh == "tunnel" else []),
        ],
    )
    resources += [
        host_group,
        SecurityGroup(
            name="database",
            vpc=vpc.id,
            description="Reserved: PostgreSQL for the Dify host",
            ingress=[Rule(host_group.id, 5432, description="PostgreSQL")],
        ),
        SecurityGroup(
            name="cache",
            vpc=vpc.id,
            description="Reserved: Redis for the Dify host",
            ingress=[Rule(host_group.id, 6379, description="Redis")],
        ),
    ]

    # Also for a tunnel: a lease may still be open from before.
    resources += _closing(settings, account, host_group)

    logs = [
        LogGroup(name=log, log_group_name=log_group_name(settings, log), retention_days=settings.log_retention_days)
        for log in LOGS
    ]
    resources += [*logs, _bucket(settings, account)]

    private_key = StoredSecret(name="ssh-private-key", generate="ssh-key", description="SSH key of the Dify host")
    public_key = StoredSecret(
        name="ssh-public-key", value=private_key.ref("public_key"), description="Public half of the SSH key"
    )
    # Filled by the installer, before anything is installed. What Dify has encrypted, nobody reads without it.
    dify = StoredSecret(name="application", generate="document", keep=True, description="Secrets of Dify itself")
    key_pair = KeyPair(name="host", public_key=private_key.ref("public_key"))
    boundary = account.boundary(settings.permissions_boundary)
    role = Role(name="host", policies={"host": host_policy(settings, account)}, permissions_boundary=boundary)
    profile = InstanceProfile(name="host", role=role.id)
    data = Volume(
        name="data",
        availability_zone=place,
        size_gib=settings.data_volume_gib,
        token_seed=host_group.id,
        # It never leaves its zone: until AWS has had room for the machine there, nothing ties the deployment to it.
        created_after=Ref("instance/host", "id"),
    )
    fits = InstanceType(
        name="host",
        instance_type=settings.instance_type,
        memory_mib=limits_of(settings).machine_mib(settings.vector_store),
        image=settings.image_id,
        root_volume_gib=settings.root_volume_gib,
        ask_less=partial(ask_less, settings),
    )
    host = Instance(
        name="host",
        image=settings.image_id or UBUNTU.format(architecture=architecture(settings.instance_type)),
        instance_type=settings.instance_type,
        subnet=public.id,
        security_groups=[host_group.id],
        key_name=key_pair.id,
        instance_profile=profile.id,
        root_volume_gib=settings.root_volume_gib,
        volumes={DATA_DEVICE: data.id},
        cpu_credits=settings.cpu_credits if is_burstable(settings.instance_type) else None,
        # Containers are one hop further away from the instance metadata, and uploads go to S3 by the role found there.
        http_put_response_hop_limit=2 if settings.storage == "s3" else 1,
    )
    resources += [private_key, public_key, dify, key_pair, role, profile, data, fits, host]
    resources += [ElasticIp(name="host", instance=host.id)]

    topic = Topic(name="alarms", emails=[settings.alarm_email] if settings.alarm_email else [])
    resources += [topic, *_alarms(settings, host, topic)]
    return Stack(settings.deployment, resources, notes=notes_of(settings), possible=ENVIRONMENT_KINDS)


def _network(settings: Settings) -> Iterator[Resource]:
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
    yield from (zone, vpc, public, private)
    yield from _ways_out(settings, vpc, public, private)


def _existing_network(settings: Settings) -> Iterator[Resource]:
    """Somebody else's: nothing of it is made, changed or deleted, so it must have its gateways and routes already."""
    vpc, kind = settings.vpc_id or "", settings.instance_type
    containers = docker_pool(settings.vpc_cidr, settings.docker_cidr)
    yield ExistingVpc(name="main", vpc_id=vpc, cidr_block=settings.vpc_cidr, docker_cidr=str(containers))
    # That there is one, the combinations of the settings see to.
    public = settings.public_subnet_id or ""
    yield ExistingSubnet(name="public", subnet_id=public, vpc_id=vpc, public=True, instance_type=kind)
    if settings.private_subnet_id:
        yield ExistingSubnet(name="private", subnet_id=settings.private_subnet_id, vpc_id=vpc)


def _ways_out(settings: Settings, vpc: Vpc, public: Subnet, private: Subnet) -> Iterator[Resource]:
    """How packets leave: the internet gateway, the NAT gateway if wished for, the routes, and the way to S3."""
    gateway = InternetGateway(name="main", vpc=vpc.id)
    public_table = RouteTable(name="public", vpc=vpc.id, routes={EVERYWHERE: gateway.id}, subnets=[public.id])
    private_routes: dict[str, Input[str]] = {}
    yield gateway
    if settings.nat_gateway:
        address = ElasticIp(name="nat")
        nat = NatGateway(name="main", subnet=public.id, allocation=address.id)
        private_routes[EVERYWHERE] = nat.id
        yield from (address, nat)
    private_table = RouteTable(name="private", vpc=vpc.id, routes=private_routes, subnets=[private.id])
    yield from (public_table, private_table)
    yield VpcEndpoint(name="s3", vpc=vpc.id, service="s3", route_tables=[public_table.id, private_table.id])


def _closing(settings: Settings, account: Account, host_group: SecurityGroup) -> Iterator[Resource]:
    """What closes port 22 when whoever leased it cannot: schedules, and the role that they do it with."""
    leases = ScheduleGroup(name="leases")
    yield leases
    yield Role(
        name="leases",
        service="scheduler.amazonaws.com",
        trust_condition={"StringEquals": {"aws:SourceAccount": account.id, "aws:SourceArn": leases.ref("arn")}},
        policies={"close": closing_policy(host_group.ref("arn"))},
        permissions_boundary=account.boundary(settings.permissions_boundary),
    )


def _bucket(settings: Settings, account: Account) -> Bucket:
    return Bucket(
        name="storage",
        bucket_name=bucket_name(settings, account),
        lifecycle=[
            LifecycleRule("backups", BACKUPS, storage_class="GLACIER", transition_days=90),
            # Dify reads an upload at once, however old it is: Glacier proper would answer with an error.
            LifecycleRule("uploads", UPLOADS, storage_class="GLACIER_IR", transition_days=90),
            LifecycleRule("old-versions", noncurrent_expiration_days=90),
            LifecycleRule("unfinished-uploads", abort_uploads_days=7),
        ],
    )


def _alarms(settings: Settings, host: Instance, topic: Topic) -> Iterator[Alarm]:
    own = settings.metric_namespace
    yield Alarm(
        name="cpu",
        namespace="AWS/EC2",
        metric_name="CPUUtilization",
        dimensions={"InstanceId": host.id},
        threshold=80,
        evaluation_periods=3,
        actions=[topic.id],
        description="The processor of the Dify host was over 80 % busy for 15 minutes.",
    )
    yield Alarm(
        name="disk",
        namespace=own,
        metric_name="disk_used_percent",
        dimensions={"InstanceId": host.id},
        statistic="Maximum",
        threshold=85,
        actions=[topic.id],
        description="A disk of the Dify host is over 85 % full: raise data_volume_gib or root_volume_gib.",
    )
    yield Alarm(
        name="postgres",
        namespace=own,
        metric_name="postgres_running",
        dimensions={"InstanceId": host.id},
        statistic="Minimum",
        comparison="LessThanThreshold",
        threshold=1,
        period_seconds=60,
        evaluation_periods=3,
        # A machine that says nothing is not a machine whose database runs.
        treat_missing_data="breaching",
        actions=[topic.id],
        description="The PostgreSQL container of the Dify host has stopped, or the host does not report.",
    )
