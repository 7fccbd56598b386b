"""The environment of one Dify: everything of it that lives in AWS. Read it from top to bottom."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

from dify_aws.engine.resource import Ref, Resource
from dify_aws.engine.stack import Stack
from dify_aws.instance_types import architecture, is_burstable
from dify_aws.limits import ask_less, limits_of
from dify_aws.resources import (
    Bucket,
    ElasticIp,
    Instance,
    InstanceConnectEndpoint,
    InstanceProfile,
    InstanceType,
    KeyPair,
    LifecycleRule,
    LogGroup,
    Role,
    Rule,
    ScheduleGroup,
    SecurityGroup,
    StoredSecret,
    Topic,
    Volume,
)
from dify_aws.settings import Settings
from dify_aws.topologies.account import Account
from dify_aws.topologies.kinds import ENVIRONMENT_KINDS
from dify_aws.topologies.names import BACKUPS, LOGS, UPLOADS, bucket_name, log_group_name
from dify_aws.topologies.role_policies import closing_policy, host_policy
from dify_aws.topologies.single_host.alarms import alarms
from dify_aws.topologies.single_host.network import Network, network_of
from dify_aws.topologies.single_host.notes import notes_of

UBUNTU: Final = "/aws/service/canonical/ubuntu/server/22.04/stable/current/{architecture}/hvm/ebs-gp2/ami-id"
"""Canonical's public parameter with the newest image of Ubuntu 22.04 LTS (its disk type is replaced by ours).
https://documentation.ubuntu.com/aws/aws-how-to/instances/find-ubuntu-images/"""

DATA_DEVICE: Final = "/dev/sdf"


@dataclass(frozen=True, kw_only=True)
class SingleHostResources:
    """All resources of an environment, and those among them that others refer to.

    Attributes:
        resources: all of them, in their order.
        network: the network.
        host: the instance.
        address: its public address.
        host_group: its security group.
        ssh_access: what opens a connection to it.
        private_key: the SSH key.
        application: the secrets of Dify.
        bucket: for uploads and backups.
        logs: the log groups.
    """

    resources: tuple[Resource, ...]
    network: Network
    host: Instance
    address: ElasticIp
    host_group: SecurityGroup
    ssh_access: tuple[Resource, ...]
    private_key: StoredSecret
    application: StoredSecret
    bucket: Bucket
    logs: tuple[LogGroup, ...]


def environment(settings: Settings, account: Account) -> Stack:
    """The stack of an environment. Asks AWS nothing.

    Args:
        settings: what is desired.
        account: where it is.
    """
    resources = single_host_resources(settings, account).resources
    return Stack(settings.deployment, resources, notes=notes_of(settings), possible=ENVIRONMENT_KINDS)


def single_host_resources(settings: Settings, account: Account) -> SingleHostResources:
    """The resources of an environment. Asks AWS nothing.

    Args:
        settings: what is desired.
        account: where it is.
    """
    network = network_of(settings)
    resources, vpc = list(network.resources), network.vpc

    tunnel_group = SecurityGroup(
        name="tunnel",
        vpc=vpc.id,
        description="SSH to the Dify host through AWS",
        # Two groups that name each other could not be made; that the host lets in this group only is what counts.
        egress=[Rule(network.public_cidr, 22, description="SSH")],
    )
    tunnel = InstanceConnectEndpoint(name="main", subnet=network.hidden.id, security_groups=[tunnel_group.id])
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
    closing = tuple(_closing(settings, account, host_group))
    resources += closing

    logs = [
        LogGroup(name=log, log_group_name=log_group_name(settings, log), retention_days=settings.log_retention_days)
        for log in LOGS
    ]
    bucket = _bucket(settings, account)
    resources += [*logs, bucket]

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
        availability_zone=network.availability_zone,
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
        subnet=network.public.id,
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
    address = ElasticIp(name="host", instance=host.id)
    resources += [address]

    topic = Topic(name="alarms", emails=[settings.alarm_email] if settings.alarm_email else [])
    resources += [topic, *alarms(settings, host, topic)]
    return SingleHostResources(
        resources=tuple(resources),
        network=network,
        host=host,
        address=address,
        host_group=host_group,
        ssh_access=(tunnel,) if settings.ssh == "tunnel" else closing,
        private_key=private_key,
        application=dify,
        bucket=bucket,
        logs=tuple(logs),
    )


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
