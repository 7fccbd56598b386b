"""EveryPath: all that dify_aws does, once, in one offline world, with a witness to what AWS would ask IAM about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from dify_aws import Actual, Aws, Deployment, Foundation, RunFailed, Settings, offline
from dify_aws.offline.world import World
from dify_aws.operations.history.history import history
from dify_aws.operations.lock.lock import Lock
from dify_aws.operations.lock.lock_table import LockTable
from tests.functional.cases import CASES
from tests.support.case import Hand
from tests.support.iam_policy import Request
from tests.support.iam_recorder import IamRecorder

SETTINGS: Final = Settings(environment="dev", admin_email="admin@example.com", alarm_email="a@your-company.com")
REPOSITORY: Final = "acme/dify"

DRIFTS: Final = (
    (
        "alarm/cpu: threshold",
        "bucket/storage: versioning, encryption, block_public_access, ownership, tls_only, lifecycle (none)",
        "instance/host: security_groups, instance_profile (none), http_tokens, cpu_credits",
        "instance-connect-endpoint/main: security_groups (another)",
        "elastic-ip/host: instance (none)",
        "log-group/nginx: retention_days (another)",
        "role/host: service, policies (changed), policies (one more), managed_policies (one more)",
        "route-table/public: routes (elsewhere), subnets (released)",
        "secret/ssh-public-key: description, value",
        "security-group/host: egress (one more), ingress (one more)",
        "subnet/private: map_public_ip_on_launch",
        "topic/alarms: emails (one more)",
        "vpc/main: enable_dns_support",
        "vpc-endpoint/s3: route_tables (one less)",
        "instance-profile/host: role (none)",
        "volume/data: iops",
    ),
    (
        "instance/host: instance_profile (another), volumes (unplugged)",
        "route-table/public: routes (one more), subnets (lent)",
        "security-group/host: egress (none)",
    ),
)
"""What somebody does by hand, each line a thing and the spoils of its kind's case; what is in one, is mended in one."""


@dataclass
class Paths:
    """What AWS would have asked, by who did what."""

    requested: dict[str, dict[str, Request]] = field(default_factory=dict)
    operations: dict[str, str] = field(default_factory=dict)
    guest: Settings = SETTINGS

    @contextmanager
    def noted(self, who: str, iam_recorder: IamRecorder) -> Iterator[None]:
        """What the witness hears meanwhile is done by ``who``."""
        outer, iam_recorder.requests = iam_recorder.requests, {}
        yield
        self.requested.setdefault(who, {}).update(iam_recorder.requests)
        self.operations |= iam_recorder.operations
        iam_recorder.requests = outer


def walk() -> Paths:
    """Do it all."""
    paths = Paths()
    with offline() as world:
        _first_lock(paths, Hand(world), IamRecorder(world.session))
        _adopted(paths, Hand(world), IamRecorder(world.session))
        _existing(paths, Hand(world), IamRecorder(world.session))
    with offline() as world:
        _relocated(paths, world, IamRecorder(world.session))
    with offline() as world:
        iam_recorder = IamRecorder(world.session)
        _foundation(paths, world, iam_recorder)
        _environment(paths, world, iam_recorder)
        with paths.noted("foundation", iam_recorder):
            ground(iam_recorder).destroy(delete_data=True)
    return paths


def ground(session: Any) -> Foundation:
    """The foundation that the paths stand on."""
    return Foundation(None, REPOSITORY, session=session, environments=("dev",), pull_requests=True)


def _first_lock(paths: Paths, hand: Hand, iam_recorder: Any) -> None:
    """Before there is a foundation, whoever comes first makes the table of locks."""
    aws = Aws(iam_recorder, deployment="dify/dev")
    with paths.noted("first", iam_recorder), Lock(aws, "apply"):
        # Another run has made it at this very moment; somebody's tool has tagged it, so the index is not believed.
        table = hand.client("dynamodb").describe_table(TableName="dify-aws-locks")["Table"]["TableArn"]
        hand.client("dynamodb").tag_resource(ResourceArn=table, Tags=[{"Key": "Name", "Value": "mine"}])
        LockTable(aws)._make()


def _adopted(paths: Paths, hand: Hand, iam_recorder: Any) -> None:
    """One thing that has an id of AWS's, and one that has a name."""
    vpc = hand.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    hand.client("logs").create_log_group(logGroupName="/dify/dev/nginx")
    of = Deployment(SETTINGS, session=iam_recorder)
    with paths.noted("adopter", iam_recorder):
        of.adopt("vpc/main", vpc)
        of.adopt("log-group/nginx", "/dify/dev/nginx")


def _relocated(paths: Paths, world: World, iam_recorder: Any) -> None:
    """An environment that goes to another zone, because AWS has no capacity in the first."""
    # The table of locks is there, as after a foundation.
    with Lock(Aws(world.session, deployment="dify/dev"), "apply"):
        pass
    world.no_capacity.add((f"{SETTINGS.region}a", SETTINGS.instance_type))
    with paths.noted("deployer", iam_recorder):
        Deployment(SETTINGS.replace(ssh="tunnel"), session=iam_recorder).apply()


def _existing(paths: Paths, hand: Hand, iam_recorder: Any) -> None:
    """An environment in a network of somebody else."""
    ec2 = hand.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    public, private = (
        ec2.create_subnet(VpcId=vpc, CidrBlock=cidr, AvailabilityZone="ap-northeast-1a")["Subnet"]["SubnetId"]
        for cidr in ("10.9.1.0/24", "10.9.2.0/24")
    )
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    main = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "association.main", "Values": ["true"]}]
    table = ec2.describe_route_tables(Filters=main)["RouteTables"][0]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    there = {"vpc_id": vpc, "public_subnet_id": public, "private_subnet_id": private, "vpc_cidr": "10.9.0.0/16"}
    paths.guest = SETTINGS.replace(environment="guest", ssh="tunnel", **there)
    with paths.noted("guest", iam_recorder):
        Deployment(paths.guest, session=iam_recorder).apply()


def _foundation(paths: Paths, world: World, iam_recorder: Any) -> None:
    with paths.noted("foundation", iam_recorder):
        ground(iam_recorder).apply()
        ground(iam_recorder).plan()
    hand = Hand(world)
    CASES["role"].prepare(hand)
    found = _found(ground(world.session))
    for line in (
        "bucket/state: versioning, encryption, block_public_access, ownership, tls_only, lifecycle (none)",
        "oidc-provider/github: client_ids (one more), client_ids (none)",
        "role/deploy-dev: service, policies (one more), managed_policies (one more)",
        "trail/calls: multi_region, logging",
    ):
        _drift(hand, found, line)
    for address, actual in found.items():
        if address != "public-access-block/account":
            CASES[address.partition("/")[0]].tag(hand, actual, "Name", "mine")
    for bucket in ("bucket/state", "bucket/calls"):
        _fill(hand, found[bucket].id)
    with paths.noted("foundation", iam_recorder):
        ground(iam_recorder).apply()


def _environment(paths: Paths, world: World, iam_recorder: Any) -> None:
    def of(**overrides: Any) -> Deployment:
        return Deployment(SETTINGS.replace(**overrides), session=iam_recorder)

    hand = Hand(world)
    with paths.noted("reader", iam_recorder):
        of().plan()
    with paths.noted("deployer", iam_recorder):
        of().deploy()
        of().deploy()
        of().reset_admin_password()
    with paths.noted("operator", iam_recorder):
        of().plan()
        of().diagnose(open_access=True)
        with of().access(owner="one") as lease, of().access(minutes=30, owner="another"):
            lease.keep()
    with paths.noted("reader", iam_recorder):
        of().plan()
        of().plan_destroy()
        of().outputs()
        history(of().aws)
    with paths.noted("looker", iam_recorder):
        of().diagnose()
        of().estimate_cost(live=True)
    with paths.noted("deployer", iam_recorder):
        with of().access(owner="one") as lease, of().access(minutes=30, owner="another"):
            lease.keep()
        _drift_is_corrected(paths, hand, world, iam_recorder, of)
        _changed(hand, of)
        for blocked in (_interface_in_the_way, _group_in_the_way):
            with paths.noted("hindered", iam_recorder), blocked(hand), suppress(RunFailed):
                of().destroy()
        of().destroy()
        of().destroy(delete_data=True)


@contextmanager
def _interface_in_the_way(hand: Hand) -> Iterator[None]:
    """An interface of somebody else in a subnet of ours."""
    ec2 = hand.client("ec2")
    ours = [{"Name": "tag:dify-aws:address", "Values": ["subnet/private"]}]
    subnet = ec2.describe_subnets(Filters=ours)["Subnets"][0]["SubnetId"]
    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"]
    yield
    ec2.delete_network_interface(NetworkInterfaceId=interface)


@contextmanager
def _group_in_the_way(hand: Hand) -> Iterator[None]:
    """A security group of somebody else in our VPC, which is all that is left of it."""
    ec2 = hand.client("ec2")
    ours = [{"Name": "tag:dify-aws:address", "Values": ["vpc/main"]}]
    vpc = ec2.describe_vpcs(Filters=ours)["Vpcs"][0]["VpcId"]
    group = ec2.create_security_group(GroupName="theirs", Description="theirs", VpcId=vpc)["GroupId"]
    yield
    ec2.delete_security_group(GroupId=group)


def _drift_is_corrected(paths: Paths, hand: Hand, world: World, iam_recorder: IamRecorder, of: Any) -> None:
    """Everything of it is spoilt by hand, and comes back."""
    overrides = {"ssh": "tunnel"}
    of(**overrides).deploy()
    with paths.noted("tunnel", iam_recorder):
        iam_recorder.opens_tunnel(
            _found(of(**overrides))["instance-connect-endpoint/main"].id, world.session.region_name
        )
    for lines in DRIFTS:
        found = _found(Deployment(SETTINGS.replace(**overrides), session=world.session))
        others = _others(hand, found)
        for line in lines:
            _drift(hand, {**found, **others}, line)
        for address, actual in found.items():
            if not address.startswith(("instance-type/", "zone/")):
                CASES[address.partition("/")[0]].tag(hand, actual, "Name", "mine")
        hand.client("secretsmanager").delete_secret(SecretId="dify/dev/application")
        hand.wait()
        with paths.noted("reader", iam_recorder):
            of(**overrides).plan()
        of(**overrides).apply()
    # The table that a subnet was lent to, and what a route led to, are nobody's of ours and would keep the VPC.
    ec2 = hand.client("ec2")
    for connection in ec2.describe_vpc_peering_connections()["VpcPeeringConnections"]:
        ec2.delete_vpc_peering_connection(VpcPeeringConnectionId=connection["VpcPeeringConnectionId"])
    for table in ec2.describe_route_tables()["RouteTables"]:
        if not table["Tags"] and not table["Associations"]:
            ec2.delete_route_table(RouteTableId=table["RouteTableId"])


def _changed(hand: Hand, of: Any) -> None:
    """Other settings, for what can be changed by them; and somebody has used the bucket."""
    hand.confirm("a@your-company.com")
    hand.wait()
    # A run that died has begun to let the disk grow.
    ours = [{"Name": "tag:dify-aws:address", "Values": ["volume/data"]}]
    (volume,) = hand.client("ec2").describe_volumes(Filters=ours)["Volumes"]
    hand.client("ec2").modify_volume(VolumeId=volume["VolumeId"], Size=200)
    # The main route table was adopted once, and no settings speak of it any more.
    ours = [{"Name": "tag:dify-aws:address", "Values": ["vpc/main"]}]
    (vpc,) = hand.client("ec2").describe_vpcs(Filters=ours)["Vpcs"]
    main = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}, {"Name": "association.main", "Values": ["true"]}]
    (table,) = hand.client("ec2").describe_route_tables(Filters=main)["RouteTables"]
    tags = {"dify-aws:deployment": "dify/dev", "dify-aws:address": "route-table/adopted", "Name": "dify-dev-adopted"}
    hand.client("ec2").create_tags(
        Resources=[table["RouteTableId"]], Tags=[{"Key": key, "Value": value} for key, value in tags.items()]
    )
    of(
        alarm_email=None,
        nat_gateway=False,
        instance_type="t3.large",
        root_volume_gib=60,
        data_volume_gib=200,
        web_cidrs=("198.51.100.0/24",),
        log_retention_days=7,
    ).apply()
    _fill(hand, "dify--dev-123456789012-ap-northeast-1")


def _found(of: Deployment | Foundation) -> Mapping[str, Actual]:
    stack = of.stack if isinstance(of, Deployment) else of._stack()
    return {address: actual for address, actual in stack.find(of.aws).items() if actual is not None}


def _others(hand: Hand, found: Mapping[str, Actual]) -> dict[str, Actual]:
    """What the cases call "other": something else of the kind, ours or not."""
    ec2, iam = hand.client("ec2"), hand.client("iam")
    vpc = ec2.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    name = f"theirs-{vpc}"
    iam.create_instance_profile(InstanceProfileName=name)
    profile = f"arn:aws:iam::123456789012:instance-profile/{name}"
    iam.create_role(RoleName=name, AssumeRolePolicyDocument="{}")
    iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
    hand.wait()
    return {
        "vpc/other": Actual(address="", id=vpc),
        "instance-profile/other": Actual(address="", id=profile),
        "security-group/other": found["security-group/cache"],
        "route-table/b": found["route-table/private"],
    }


def _drift(hand: Hand, found: Mapping[str, Actual], line: str) -> None:
    address, _, names = line.partition(": ")
    for name in names.split(", "):
        CASES[address.partition("/")[0]].drift[name](hand, found, found[address])


def _fill(hand: Hand, bucket: str) -> None:
    """An object, an older version of it, a delete marker, and an upload that was never finished."""
    s3 = hand.client("s3")
    for body in (b"1", b"2"):
        s3.put_object(Bucket=bucket, Key="uploads/a", Body=body)
    s3.delete_object(Bucket=bucket, Key="uploads/a")
    s3.create_multipart_upload(Bucket=bucket, Key="uploads/b")
