"""Settings that change: what is turned off goes, what is turned on comes, and data is never lost by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import pytest

from dify_aws import Deployment, DifyAwsError, PlanOutdated, PlanRefused, Settings
from dify_aws.offline.world import World
from tests.support.inventory import AFTER_DESTROY, KEPT, WHOLE, counted, inventory
from tests.support.plans import aws_plan

SETTINGS: Final = Settings(environment="dev", alarm_email="a@your-company.com")
WITHOUT_NAT: Final = {**WHOLE, "address": 1, "nat-gateway": 0}

Deploy = Callable[..., Deployment]


@pytest.fixture
def deploy(world: World) -> Deploy:
    """A deployment as a new process has it, with these settings different."""

    def make(**other: Any) -> Deployment:
        return Deployment(replace(SETTINGS, **other), session=world.session)

    return make


def verbs(deployment: Deployment) -> set[tuple[str, str]]:
    """What the plan would do, as (verb, address)."""
    return {(action.verb, action.address) for action in aws_plan(deployment)}


def test_nat_gateway_off_and_on(world: World, deploy: Deploy) -> None:
    """Off takes gateway, address and route away; on brings them back; and nothing else is touched."""
    first = deploy().apply()
    off = deploy(nat_gateway=False)
    assert verbs(off) == {
        ("delete", "nat-gateway/main"),
        ("delete", "elastic-ip/nat"),
        ("update", "route-table/private"),
    }
    without = off.apply()
    assert without.nat_gateway_id is None
    assert counted(inventory(world.session)) == {kind: n for kind, n in WITHOUT_NAT.items() if n}
    assert not aws_plan(deploy(nat_gateway=False))
    again = deploy().apply()
    assert counted(inventory(world.session)) == WHOLE
    assert not aws_plan(deploy())
    assert again.instance_id == first.instance_id


def test_without_a_nat_gateway_from_the_beginning(world: World, deploy: Deploy) -> None:
    """It is not made, and the plan does not speak of what it costs."""
    deployment = deploy(nat_gateway=False)
    assert any("NAT" in note for note in deploy().plan().notes)
    assert not any("NAT" in note for note in deployment.plan().notes)
    deployment.apply()
    assert counted(inventory(world.session)) == {kind: n for kind, n in WITHOUT_NAT.items() if n}


def test_tunnel_on_and_off(world: World, deploy: Deploy) -> None:
    """On brings an endpoint, its group, and one rule that names the group; off takes them away, and nothing else is
    touched. At no time is port 22 open to an address."""
    first = deploy().apply()
    on = deploy(ssh="tunnel")
    come = {("create", "instance-connect-endpoint/main"), ("create", "security-group/tunnel")}
    assert verbs(on) == {*come, ("update", "security-group/host")}
    tunnel = on.apply().security_groups["tunnel"]
    assert not aws_plan(deploy(ssh="tunnel"))
    assert counted(inventory(world.session)) == {**WHOLE, "connect-endpoint": 1, "security-group": 4}
    ec2 = world.session.client("ec2")
    (endpoint,) = ec2.describe_instance_connect_endpoints()["InstanceConnectEndpoints"]
    assert (endpoint["State"], endpoint["SubnetId"]) == ("create-complete", first.subnets["private"])
    assert (endpoint["SecurityGroupIds"], endpoint["PreserveClientIp"]) == ([tunnel], False)
    rules = ec2.describe_security_group_rules()["SecurityGroupRules"]
    ssh = [rule for rule in rules if rule["FromPort"] == 22]
    assert [(rule["GroupId"], rule["ReferencedGroupInfo"]["GroupId"]) for rule in ssh if not rule["IsEgress"]] == [
        (first.security_groups["host"], tunnel)
    ]
    assert [(rule["GroupId"], rule["CidrIpv4"]) for rule in rules if rule["IsEgress"] and rule["FromPort"] != -1] == [
        (tunnel, "10.0.1.0/24")
    ]
    deleted = {(verb.replace("create", "delete"), address) for verb, address in come}
    assert verbs(deploy()) == {*deleted, ("update", "security-group/host")}
    deploy().apply()
    assert counted(inventory(world.session)) == WHOLE
    assert not aws_plan(deploy())


def test_tunnel_is_destroyed_with_the_rest(world: World, deploy: Deploy) -> None:
    """Its network interface holds the subnet and the group, so it goes before them, whatever the settings say."""
    deploy(ssh="tunnel").apply()
    deploy().destroy(delete_data=True)
    assert counted(inventory(world.session)) == AFTER_DESTROY


def test_alarm_email(world: World, deploy: Deploy) -> None:
    """Another address is subscribed, the old one is not told any more once it had confirmed."""
    assert any("a@your-company.com" in note for note in deploy().apply().notes)
    world.confirm_subscription("a@your-company.com")
    assert not any("a@your-company.com" in note for note in deploy().outputs().notes)
    deploy(alarm_email="b@your-company.com").apply()
    assert not aws_plan(deploy(alarm_email="b@your-company.com"))
    listed = inventory(world.session)["subscription"]
    assert [each.rpartition(" ")[2] for each in listed] == ["b@your-company.com"]
    deploy(alarm_email=None).apply()
    assert not aws_plan(deploy(alarm_email=None))


def test_data_volume_grows_and_never_shrinks(world: World, deploy: Deploy) -> None:
    """It grows in place; less is refused before anything is written, whatever else is wished for."""
    first = deploy().apply()
    grown = deploy(data_volume_gib=80).apply()
    assert grown.data_volume_id == first.data_volume_id
    (volume,) = world.session.client("ec2").describe_volumes(VolumeIds=[first.data_volume_id])["Volumes"]
    assert volume["Size"] == 80
    world.forget_calls()
    with pytest.raises(PlanRefused, match=r"(?s)volume/data.*80.*cannot become 50.*cannot shrink"):
        deploy(nat_gateway=False).apply()
    assert world.writes == []


def test_a_newer_image_replaces_nothing(world: World, deploy: Deploy) -> None:
    """A machine that runs is never replaced; an image counts when one is made."""
    ec2 = world.session.client("ec2")
    first = deploy().apply()
    running = ec2.describe_instances(InstanceIds=[first.instance_id])["Reservations"][0]["Instances"][0]["ImageId"]
    other = next(each["ImageId"] for each in ec2.describe_images()["Images"] if each["ImageId"] != running)
    assert not aws_plan(deploy(image_id=other))


def test_web_cidrs_and_retention(world: World, deploy: Deploy) -> None:
    """Only the rules and the days change."""
    deploy().apply()
    other = {"web_cidrs": ("203.0.113.0/24", "2001:db8::/32"), "log_retention_days": 90, "instance_type": "t3.large"}
    changed = deploy(**other)
    logs = {("update", f"log-group/{name}") for name in ("system", "docker", "dify", "nginx")}
    assert verbs(changed) == {("update", "security-group/host"), ("update", "instance/host"), *logs}
    changed.apply()
    assert not aws_plan(deploy(**other))


def test_the_zone_follows_the_data(world: World, deploy: Deploy) -> None:
    """After a destroy that kept the volume, the new machine is made where the volume is."""
    first = deploy(availability_zone="ap-northeast-1c").apply()
    assert first.availability_zone == "ap-northeast-1c"
    kept = deploy().destroy()
    assert {action.address for action in kept.kept} == {"bucket/storage", "secret/application", "volume/data"}
    assert first.data_volume_id in str(kept)
    assert counted(inventory(world.session)) == KEPT
    again = deploy().apply()
    assert (again.availability_zone, again.data_volume_id, again.bucket) == (
        "ap-northeast-1c",
        first.data_volume_id,
        first.bucket,
    )
    assert counted(inventory(world.session)) == WHOLE
    assert not aws_plan(deploy())


def test_destroy_needs_only_the_name_and_the_region(world: World, deploy: Deploy) -> None:
    """The settings of that time may be lost."""
    deploy(
        vpc_cidr="172.16.0.0/16",
        availability_zone="ap-northeast-1c",
        web_cidrs=("10.0.0.0/8",),
        instance_type="m6i.large",
        data_volume_gib=100,
        tags={"team": "ml"},
    ).apply()
    bare = Deployment(Settings(environment="dev"), session=world.session)
    assert bare.plan_destroy()
    bare.destroy()
    assert counted(inventory(world.session)) == KEPT
    assert not Deployment(Settings(environment="dev"), session=world.session).destroy()
    Deployment(Settings(environment="dev"), session=world.session).destroy(delete_data=True)
    assert counted(inventory(world.session)) == AFTER_DESTROY


def test_delete_data_empties_the_bucket(world: World, deploy: Deploy) -> None:
    """Versions, delete markers and unfinished uploads go too; a second destroy finds nothing."""
    outputs = deploy().apply()
    s3 = world.session.client("s3")
    for body in (b"1", b"2"):
        s3.put_object(Bucket=outputs.bucket, Key="uploads/a", Body=body)
    s3.delete_object(Bucket=outputs.bucket, Key="uploads/a")
    s3.create_multipart_upload(Bucket=outputs.bucket, Key="uploads/b")
    deploy().destroy(delete_data=True)
    assert counted(inventory(world.session)) == AFTER_DESTROY
    world.forget_calls()
    assert not deploy().destroy(delete_data=True)
    assert world.writes == []


def test_two_environments_do_not_see_each_other(world: World, deploy: Deploy) -> None:
    """dev and staging stand side by side in one account and region; one goes, the other stays as it is."""
    deploy().apply()
    deploy(environment="staging").apply()
    assert not aws_plan(deploy())
    deploy().destroy(delete_data=True)
    assert not aws_plan(deploy(environment="staging"))
    assert counted(inventory(world.session)) == WHOLE


def test_one_name_in_two_regions(world: World, deploy: Deploy) -> None:
    """The same environment in another region is another one, although IAM and bucket names are of the whole world."""
    first = deploy().apply()
    second = deploy(region="us-east-1").apply()
    assert first.bucket != second.bucket
    assert not aws_plan(deploy())
    deploy(region="us-east-1").destroy(delete_data=True)
    assert not aws_plan(deploy())
    assert counted(inventory(world.session)) == WHOLE


def test_outputs_of_nothing(deploy: Deploy) -> None:
    """They are not made up: it says where nothing is, and what to do."""
    with pytest.raises(DifyAwsError, match=r"there is no dify/dev in ap-northeast-1.*apply\(\)"):
        deploy().outputs()


def test_an_agreed_plan_is_carried_out(world: World, deploy: Deploy) -> None:
    """And one of which somebody has done a part meanwhile, for then there is only less to do."""
    plan = deploy().plan()
    deploy().apply(plan)
    assert not aws_plan(deploy())
    both = {"web_cidrs": ("10.0.0.0/8",), "log_retention_days": 90}
    agreed = deploy(**both).plan()
    deploy(log_retention_days=90).apply()
    deploy(**both).apply(agreed)
    assert not aws_plan(deploy(**both))


def test_a_plan_that_aws_has_overtaken_is_refused(world: World, deploy: Deploy) -> None:
    """Nothing is done that was not shown, and nothing is written."""
    outputs = deploy().apply()
    agreed = deploy(log_retention_days=90).plan()
    world.session.client("ec2").modify_vpc_attribute(VpcId=outputs.vpc_id, EnableDnsHostnames={"Value": False})
    world.session.client("cloudwatch").delete_alarms(AlarmNames=["dify--dev--cpu"])
    world.forget_calls()
    with pytest.raises(PlanOutdated) as outdated:
        deploy(log_retention_days=90).apply(agreed)
    assert {(action.verb, action.address) for action in outdated.value.more} == {  # type: ignore[attr-defined]
        ("update", "vpc/main"),
        ("create", "alarm/cpu"),
    }
    assert world.writes == []
