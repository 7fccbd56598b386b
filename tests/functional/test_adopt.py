"""Adopting: what was made by other means becomes ours, or is used and never touched."""

from __future__ import annotations

from typing import Any

import pytest

from dify_aws import (
    Deployment,
    Foundation,
    NotOurs,
    PermissionDenied,
    Plan,
    PlanOutdated,
    PlanRefused,
    Settings,
    SettingsError,
    Stack,
    Vpc,
)
from dify_aws.offline.world import World
from dify_aws.operations.adopt import NotAdoptable, adopt, plan_adoption
from dify_aws.resources.ec2.ssh_key import new_ssh_key
from tests.support.inventory import AFTER_DESTROY, counted, inventory
from tests.support.plans import aws_plan

SETTINGS = Settings(environment="dev", nat_gateway=False)
ZONE = "ap-northeast-1c"
"""Not the one that would be taken by itself."""


class Theirs:
    """A network that somebody made by hand, with all that it needs."""

    def __init__(self, world: World, cidr: str = "10.0.0.0/16", public: str = "10.0.1.0/24") -> None:
        self.ec2: Any = world.session.client("ec2")
        tags: Any = [{"ResourceType": "vpc", "Tags": [{"Key": "team", "Value": "network"}]}]
        self.vpc: str = self.ec2.create_vpc(CidrBlock=cidr, TagSpecifications=tags)["Vpc"]["VpcId"]
        self.public: str = self.subnet(public)
        self.gateway: str = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)

    def subnet(self, cidr: str) -> str:
        made = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock=cidr, AvailabilityZone=ZONE)
        id: str = made["Subnet"]["SubnetId"]
        return id

    def lead_out(self) -> None:
        """By the main table of the VPC."""
        main = [{"Name": "vpc-id", "Values": [self.vpc]}, {"Name": "association.main", "Values": ["true"]}]
        table = self.ec2.describe_route_tables(Filters=main)["RouteTables"][0]["RouteTableId"]
        self.ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=self.gateway)

    def seen(self) -> Any:
        """All that can be told of it."""
        return (
            self.ec2.describe_vpcs()["Vpcs"],
            self.ec2.describe_subnets()["Subnets"],
            self.ec2.describe_route_tables()["RouteTables"],
            self.ec2.describe_internet_gateways()["InternetGateways"],
        )


def deployment(world: World, **overrides: object) -> Deployment:
    return Deployment(SETTINGS.replace(**overrides), session=world.session)


def planned(of: Deployment, address: str, id: str) -> Plan:
    return plan_adoption(of.aws, of.stack, address, id)


def test_a_network_is_adopted_thing_by_thing(world: World) -> None:
    """The differences are shown first; the tags are all that is written; the rest is an ordinary update. And a second
    time nothing is done."""
    theirs, of = Theirs(world), deployment(world)
    world.forget_calls()
    plan = planned(of, "vpc/main", theirs.vpc)
    assert world.writes == []
    (action,) = plan
    assert (action.verb, action.address, action.id) == ("update", "vpc/main", theirs.vpc)
    assert [change.attribute for change in action.changes] == ["tags", "enable_dns_hostnames"]
    assert any("destroy() deletes it" in note for note in plan.notes)

    assert adopt(of.aws, of.stack, "vpc/main", theirs.vpc, plan) == plan
    assert adopt(of.aws, of.stack, "subnet/public", theirs.public)
    assert [call.operation for call in world.writes] == ["CreateTags"] * 2
    # The zone is that of the public subnet, which has to be seen beside the one that is adopted.
    private = theirs.subnet("10.0.2.0/24")
    world.forget_calls()
    assert adopt(of.aws, of.stack, "subnet/private", private)
    assert adopt(of.aws, of.stack, "internet-gateway/main", theirs.gateway)
    assert [call.operation for call in world.writes] == ["CreateTags"] * 2
    assert not adopt(of.aws, of.stack, "vpc/main", theirs.vpc)

    updates = [action for action in of.plan() if action.verb == "update"]
    assert [(action.address, [change.attribute for change in action.changes]) for action in updates] == [
        ("vpc/main", ["enable_dns_hostnames"])
    ]
    outputs = of.apply()
    assert (outputs.vpc_id, outputs.subnets["public"]) == (theirs.vpc, theirs.public)
    assert outputs.availability_zone == ZONE
    tags = theirs.ec2.describe_vpcs(VpcIds=[theirs.vpc])["Vpcs"][0]["Tags"]
    assert {"Key": "team", "Value": "network"} in tags
    assert not aws_plan(of)
    of.destroy(delete_data=True)
    assert counted(inventory(world.session)) == AFTER_DESTROY


def test_what_has_a_name_is_adopted_by_it(world: World) -> None:
    """A bucket of just that name; one of another name could never be found again.

    It is in use: an empty and untouched one counts as ours, left by a run that died before it could tag it.
    """
    of = deployment(world)
    name = "dify--dev-123456789012-ap-northeast-1"
    s3 = world.session.client("s3")
    place: Any = {"LocationConstraint": "ap-northeast-1"}
    for each in (name, "something-else"):
        s3.create_bucket(Bucket=each, CreateBucketConfiguration=place)
    s3.put_object(Bucket=name, Key="theirs", Body=b"data")
    with pytest.raises(PlanRefused, match=rf'adopt\("bucket/storage", "{name}"\)'):
        of.plan()
    with pytest.raises(NotAdoptable, match=f"has to be called {name}"):
        planned(of, "bucket/storage", "something-else")
    assert "delete_data" in planned(of, "bucket/storage", name).notes[0]
    assert adopt(of.aws, of.stack, "bucket/storage", name)
    assert ("update", "bucket/storage") in {(action.verb, action.address) for action in of.plan()}
    assert s3.get_object(Bucket=name, Key="theirs")["Body"].read() == b"data"


def test_what_can_never_reach_its_desired_state_is_refused(world: World) -> None:
    """With the reason, and before anything is written."""
    theirs, of = Theirs(world, "172.16.0.0/16", "172.16.1.0/24"), deployment(world)
    volume = theirs.ec2.create_volume(Size=500, AvailabilityZone=ZONE)["VolumeId"]
    world.clock.advance(60)
    world.forget_calls()
    with pytest.raises(PlanRefused, match=r"cidr_block is '172\.16\.0\.0/16' and cannot become '10\.0\.0\.0/16'"):
        adopt(of.aws, of.stack, "vpc/main", theirs.vpc)
    with pytest.raises(PlanRefused, match="vpc is"):
        adopt(of.aws, of.stack, "subnet/public", theirs.public)
    with pytest.raises(PlanRefused, match="encrypted is False and cannot become True"):
        adopt(of.aws, of.stack, "volume/data", volume)
    for address, id, why in (
        ("vpc/mian", theirs.vpc, 'Did you mean "vpc/main"'),
        ("vpc/main", "vpc-0123456789abcdef0", "there is no vpc vpc-0123456789abcdef0"),
        ("zone/main", ZONE, "cannot be adopted"),
        ("instance/host", "i-0123456789abcdef0", "cannot be adopted"),
        ("role/host", "theirs", "cannot be adopted"),
    ):
        with pytest.raises(NotAdoptable, match=why):
            adopt(of.aws, of.stack, address, id)
    assert world.writes == []


def test_what_belongs_to_another_or_is_another_stays(world: World) -> None:
    """Neither of another deployment, nor in two places, nor in a place that is taken; nor more than was agreed to."""
    theirs, of, other = Theirs(world), deployment(world), deployment(world, environment="other")
    plan = planned(of, "vpc/main", theirs.vpc)
    adopt(other.aws, other.stack, "vpc/main", theirs.vpc)
    with pytest.raises(NotOurs, match="dify/other"):
        adopt(of.aws, of.stack, "vpc/main", theirs.vpc)
    second = Theirs(world)
    adopt(of.aws, of.stack, "vpc/main", second.vpc, planned(of, "vpc/main", second.vpc))
    with pytest.raises(NotAdoptable, match="already"):
        adopt(of.aws, of.stack, "vpc/main", Theirs(world).vpc)
    adopt(of.aws, of.stack, "subnet/public", second.public)
    with pytest.raises(NotAdoptable, match="can be only one thing"):
        adopt(of.aws, of.stack, "subnet/private", second.public)
    gateway = planned(of, "internet-gateway/main", second.gateway)
    second.ec2.detach_internet_gateway(InternetGatewayId=second.gateway, VpcId=second.vpc)
    with pytest.raises(PlanOutdated):
        adopt(of.aws, of.stack, "internet-gateway/main", second.gateway, gateway)
    assert plan


def theirs_used(world: World, theirs: Theirs, **overrides: object) -> Deployment:
    return deployment(world, vpc_id=theirs.vpc, public_subnet_id=theirs.public, **overrides)


def test_an_existing_network_is_used_and_never_touched(world: World) -> None:
    """No network of our own is made, everything is in theirs, and destroy() leaves theirs to the last tag."""
    theirs = Theirs(world)
    theirs.lead_out()
    of = theirs_used(world, theirs, private_subnet_id=theirs.subnet("10.0.2.0/24"), ssh="tunnel")
    before, there = theirs.seen(), counted(inventory(world.session))
    made = {action.address for action in of.plan()}
    assert not {each for each in made if each.startswith(("vpc", "subnet", "route", "internet", "nat", "zone"))}
    outputs = of.apply()
    assert (outputs.vpc_id, outputs.subnets["public"]) == (theirs.vpc, theirs.public)
    assert outputs.availability_zone == ZONE
    assert not aws_plan(of)
    of.destroy(delete_data=True)
    assert counted(inventory(world.session)) == there | AFTER_DESTROY
    assert theirs.seen() == before
    touched = {theirs.vpc, theirs.public, theirs.gateway}
    assert not [call for call in world.writes if touched & {*call.params.get("Resources", ())}]


def test_an_existing_network_that_is_not_fit_is_reported(world: World) -> None:
    """All that is wrong with each, in the plan, and nothing is made."""
    theirs = Theirs(world, "172.16.0.0/16", "172.16.1.0/24")
    theirs.ec2.modify_vpc_attribute(VpcId=theirs.vpc, EnableDnsSupport={"Value": False})
    with pytest.raises(PlanRefused) as refused:
        theirs_used(world, theirs).plan()
    assert "its range is 172.16.0.0/16: set vpc_cidr to that" in str(refused.value)
    assert "switch its DNS resolution on" in str(refused.value)
    assert "its routes lead to no internet gateway" in str(refused.value)
    theirs.lead_out()
    theirs.ec2.modify_vpc_attribute(VpcId=theirs.vpc, EnableDnsSupport={"Value": True})
    right = theirs_used(world, theirs, vpc_cidr="172.16.0.0/16")
    assert right.plan()
    for wrong, message in (
        ({"vpc_id": "vpc-0123456789abcdef0"}, "there is no vpc-0123456789abcdef0"),
        ({"public_subnet_id": "subnet-0123456789abcdef0"}, "there is no subnet-0123456789abcdef0"),
        ({"vpc_id": Theirs(world).vpc}, "and not in vpc-"),
        ({"instance_type": "z9.large"}, f"{ZONE} does not offer z9.large"),
    ):
        with pytest.raises(PlanRefused, match=message):
            Deployment(right.settings.replace(**wrong), session=world.session).plan()


def test_a_second_range_of_an_existing_network_is_kept_from_the_containers(world: World) -> None:
    """The first range alone decides which one Docker takes by itself: it may be the second of the VPC."""
    theirs = Theirs(world)
    theirs.lead_out()
    assert theirs_used(world, theirs).plan()
    second = theirs.ec2.associate_vpc_cidr_block(VpcId=theirs.vpc, CidrBlock="172.30.4.0/22")
    with pytest.raises(PlanRefused, match=r"172\.30\.4\.0/22 overlaps with 172\.30\.0\.0/16.*set docker_cidr"):
        theirs_used(world, theirs).plan()
    assert theirs_used(world, theirs, docker_cidr="192.168.224.0/20").plan()
    theirs.ec2.disassociate_vpc_cidr_block(AssociationId=second["CidrBlockAssociation"]["AssociationId"])
    assert theirs_used(world, theirs).plan()


def test_our_own_network_is_not_taken_for_somebody_elses(world: World) -> None:
    """It would be retired, and deleted while it is used."""
    of = deployment(world)
    outputs = of.apply()
    with pytest.raises(PlanRefused, match="own vpc/main: leave vpc_id out"):
        deployment(world, vpc_id=outputs.vpc_id, public_subnet_id=outputs.subnets["public"]).plan()


def test_a_network_of_our_own_that_is_needed_no_more_is_retired(world: World) -> None:
    """Though the existing one stands at its address: the machine is gone, say, and its VPC was left."""
    of = deployment(world)
    own = Stack(of.settings.deployment, [Vpc(name="main", cidr_block="10.0.0.0/16")]).apply(of.aws)["vpc/main"].id
    theirs = Theirs(world)
    theirs.lead_out()
    deleted = [(action.verb, action.address, action.id) for action in theirs_used(world, theirs).plan()]
    assert ("delete", "vpc/main", own) in deleted


@pytest.mark.parametrize(
    ("overrides", "field"),
    [
        ({"vpc_id": "vpc-0123456789abcdef0"}, "public_subnet_id"),
        ({"public_subnet_id": "subnet-0123456789abcdef0"}, "public_subnet_id"),
        ({"private_subnet_id": "subnet-0123456789abcdef0"}, "private_subnet_id"),
        ({"vpc_id": "subnet-0123456789abcdef0", "public_subnet_id": "subnet-0123456789abcdef0"}, "vpc_id"),
        (
            {
                "vpc_id": "vpc-0123456789abcdef0",
                "public_subnet_id": "subnet-0123456789abcdef0",
                "private_subnet_id": "subnet-0123456789abcdef0",
            },
            "private_subnet_id",
        ),
        (
            {
                "vpc_id": "vpc-0123456789abcdef0",
                "public_subnet_id": "subnet-0123456789abcdef0",
                "availability_zone": "ap-northeast-1a",
            },
            "availability_zone",
        ),
    ],
)
def test_settings_of_an_existing_network_go_together(overrides: dict[str, str], field: str) -> None:
    """A VPC and the subnet for the host; the zone follows from it."""
    with pytest.raises(SettingsError) as wrong:
        SETTINGS.replace(**overrides)
    assert [problem.field for problem in wrong.value.problems] == [field]


def test_an_adopted_main_route_table_goes_with_its_vpc(world: World) -> None:
    """AWS deletes it with the VPC and not before: whoever tries is refused."""
    theirs, of = Theirs(world), deployment(world)
    private = theirs.subnet("10.0.2.0/24")
    main = [{"Name": "vpc-id", "Values": [theirs.vpc]}, {"Name": "association.main", "Values": ["true"]}]
    table = theirs.ec2.describe_route_tables(Filters=main)["RouteTables"][0]["RouteTableId"]
    theirs.lead_out()
    for address, id in {
        "vpc/main": theirs.vpc,
        "subnet/public": theirs.public,
        "subnet/private": private,
        "internet-gateway/main": theirs.gateway,
        "route-table/public": table,
    }.items():
        of.adopt(address, id)
    of.apply()
    assert not aws_plan(of)
    of.destroy(delete_data=True)
    assert counted(inventory(world.session)) == AFTER_DESTROY


def test_a_retired_main_route_table_is_given_up_once(world: World) -> None:
    """Its VPC stays, and AWS deletes a main table only with it: the tags go, and the next plan is empty."""
    theirs, of = Theirs(world), deployment(world)
    main = [{"Name": "vpc-id", "Values": [theirs.vpc]}, {"Name": "association.main", "Values": ["true"]}]
    table = theirs.ec2.describe_route_tables(Filters=main)["RouteTables"][0]["RouteTableId"]
    theirs.lead_out()
    theirs.ec2.create_tags(Resources=[table], Tags=[{"Key": "team", "Value": "network"}])
    of.adopt("vpc/main", theirs.vpc)
    of.adopt("internet-gateway/main", theirs.gateway)
    of.adopt("route-table/public", table)
    network = [of.stack.resources[address] for address in ("vpc/main", "internet-gateway/main")]
    without = Stack(of.settings.deployment, network)
    without.apply(of.aws)
    (released,) = theirs.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    assert {tag["Key"] for tag in released["Tags"]} == {"Name", "team"}
    assert [route["GatewayId"] for route in released["Routes"]] == ["local"]
    world.clock.advance(60)
    world.forget_calls()
    assert not without.plan(of.aws)
    assert not without.apply(of.aws)
    assert world.writes == []


def test_an_adoption_is_in_the_history(world: World) -> None:
    """Who took what, with the tags as all that was changed; nothing is written where nothing was to do."""
    Foundation(project="dify", session=world.session).apply()
    theirs, of = Theirs(world), deployment(world)
    of.adopt("vpc/main", theirs.vpc)
    assert not of.adopt("vpc/main", theirs.vpc)
    (record,) = of.history()
    assert record.verb == "adopt"
    assert list(record.changes) == [{"verb": "update", "address": "vpc/main", "id": theirs.vpc, "changes": ["tags"]}]


def before_the_release(world: World) -> bool:
    """Whether the last record was written while the lock was held."""
    calls = [call.operation for call in world.calls if call.service in ("s3", "dynamodb") and call.writes]
    return calls[-2:] == ["PutObject", "UpdateItem"]


def test_an_adoption_is_recorded_under_the_lock(world: World) -> None:
    """Also one that failed: AWS may have taken some of the tags. The next run's record comes after it."""
    Foundation(project="dify", session=world.session).apply()
    theirs, of = Theirs(world), deployment(world)
    world.faults.refuse("CreateTags", "UnauthorizedOperation", status=403)
    with pytest.raises(PermissionDenied):
        of.adopt("vpc/main", theirs.vpc)
    assert before_the_release(world)
    of.adopt("vpc/main", theirs.vpc)
    assert before_the_release(world)
    second, first = of.history()
    assert (first.verb, second.verb) == ("adopt (failed)", "adopt")
    assert list(first.changes) == list(second.changes)


def test_a_pinned_host_key_is_recorded_under_the_lock(world: World) -> None:
    Foundation(project="dify", session=world.session).apply()
    of = Deployment(Settings(environment="dev", nat_gateway=False), session=world.session)
    of.apply()
    key = new_ssh_key()[1]
    world.faults.refuse("TagResource", "AccessDeniedException", status=403)
    with pytest.raises(PermissionDenied):
        of.pin_host_key(key)
    assert before_the_release(world)
    fingerprint = of.pin_host_key(key)
    assert before_the_release(world)
    second, first, _ = of.history()
    assert (first.verb, second.verb) == ("pin_host_key (failed)", "pin_host_key")
    assert [each["address"] for each in second.changes] == [f"host key: {fingerprint}"]
