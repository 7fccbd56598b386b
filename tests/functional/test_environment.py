"""The whole environment: what is made is what the settings say, attribute by attribute, asked of AWS directly."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from dify_aws import Deployment, Outputs, Settings
from dify_aws.offline import offline
from dify_aws.offline.world import World
from tests.support.inventory import WHOLE, counted, inventory
from tests.support.statements import statements

SETTINGS: Final = Settings(environment="dev", alarm_email="a@your-company.com", tags={"team": "ml"})
CANONICAL: Final = "099720109477"


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """One for all: these tests only look."""
    with offline() as world:
        yield world


@pytest.fixture(scope="module")
def outputs(world: World) -> Outputs:
    return Deployment(SETTINGS, session=world.session).apply()


@pytest.fixture(scope="module")
def ec2(world: World) -> Any:
    return world.session.client("ec2")


def test_it_is_all_there_once(world: World, outputs: Outputs) -> None:
    """Exactly one of each thing, and nothing else."""
    assert counted(inventory(world.session)) == WHOLE


def test_vpc_and_subnets(ec2: Any, outputs: Outputs) -> None:
    """Name resolution and host names are on; two /24 in one zone; no instance gets an address by itself."""
    (vpc,) = ec2.describe_vpcs(VpcIds=[outputs.vpc_id])["Vpcs"]
    assert vpc["CidrBlock"] == "10.0.0.0/16"
    for attribute in ("enableDnsSupport", "enableDnsHostnames"):
        answer = ec2.describe_vpc_attribute(VpcId=outputs.vpc_id, Attribute=attribute)
        assert answer[attribute[0].upper() + attribute[1:]]["Value"] is True
    subnets = {name: ec2.describe_subnets(SubnetIds=[subnet])["Subnets"][0] for name, subnet in outputs.subnets.items()}
    assert {name: subnet["CidrBlock"] for name, subnet in subnets.items()} == {
        "public": "10.0.1.0/24",
        "private": "10.0.2.0/24",
    }
    assert {subnet["AvailabilityZone"] for subnet in subnets.values()} == {outputs.availability_zone}
    assert not any(subnet["MapPublicIpOnLaunch"] for subnet in subnets.values())


def test_ways_out(ec2: Any, outputs: Outputs) -> None:
    """The public subnet goes to the internet gateway, the private one to the NAT gateway, and both to S3 directly."""
    (gateway,) = ec2.describe_internet_gateways(Filters=[{"Name": "attachment.vpc-id", "Values": [outputs.vpc_id]}])[
        "InternetGateways"
    ]
    (nat,) = ec2.describe_nat_gateways(NatGatewayIds=[outputs.nat_gateway_id])["NatGateways"]
    assert (nat["State"], nat["SubnetId"]) == ("available", outputs.subnets["public"])
    assert nat["NatGatewayAddresses"][0]["PublicIp"] == outputs.nat_public_ip != outputs.public_ip
    (endpoint,) = ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-id", "Values": [outputs.vpc_id]}])["VpcEndpoints"]
    assert endpoint["ServiceName"] == "com.amazonaws.ap-northeast-1.s3"
    assert endpoint["VpcEndpointType"] == "Gateway"
    tables = set()
    targets = {"public": gateway["InternetGatewayId"], "private": outputs.nat_gateway_id}
    for name, target in targets.items():
        using = [{"Name": "association.subnet-id", "Values": [outputs.subnets[name]]}]
        (table,) = ec2.describe_route_tables(Filters=using)["RouteTables"]
        tables.add(table["RouteTableId"])
        (default,) = [each for each in table["Routes"] if each.get("DestinationCidrBlock") == "0.0.0.0/0"]
        assert target in (default.get("GatewayId"), default.get("NatGatewayId"))
    assert set(endpoint["RouteTableIds"]) == tables


def test_security_groups(ec2: Any, outputs: Outputs) -> None:
    """Web from everywhere, no port 22; database and cache from the host only; everything may go out."""
    rules = {
        name: ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
        for name, group in outputs.security_groups.items()
    }
    result = {
        name: {
            (
                rule["IpProtocol"],
                rule["FromPort"],
                rule["ToPort"],
                rule.get("CidrIpv4") or rule["ReferencedGroupInfo"]["GroupId"],
            )
            for rule in its
            if not rule["IsEgress"]
        }
        for name, its in rules.items()
    }
    host = outputs.security_groups["host"]
    assert result == {
        "host": {("tcp", 80, 80, "0.0.0.0/0"), ("tcp", 443, 443, "0.0.0.0/0")},
        "database": {("tcp", 5432, 5432, host)},
        "cache": {("tcp", 6379, 6379, host)},
    }
    for its in rules.values():
        (out,) = [rule for rule in its if rule["IsEgress"]]
        assert (out["IpProtocol"], out["CidrIpv4"]) == ("-1", "0.0.0.0/0")


def test_ssh_key(world: World, ec2: Any, outputs: Outputs) -> None:
    """The key pair that EC2 knows, and the stored public half, belong to the stored private half."""
    assert dict(outputs.secrets) == {
        "ssh-private-key": "dify/dev/ssh-private-key",
        "ssh-public-key": "dify/dev/ssh-public-key",
        "application": "dify/dev/application",
    }
    secrets = world.session.client("secretsmanager")
    private = secrets.get_secret_value(SecretId=outputs.secrets["ssh-private-key"])["SecretString"]
    public = secrets.get_secret_value(SecretId=outputs.secrets["ssh-public-key"])["SecretString"]
    key = load_ssh_private_key(private.encode(), None).public_key()
    assert key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode() == public
    assert public.startswith("ssh-ed25519 ")
    (pair,) = ec2.describe_key_pairs(IncludePublicKey=True)["KeyPairs"]
    assert pair["PublicKey"].split()[:2] == public.split()[:2]


def test_instance_and_disks(ec2: Any, outputs: Outputs) -> None:
    """Canonical's Ubuntu 22.04, IMDSv2 only, encrypted gp3 disks, its address and its role."""
    (reservation,) = ec2.describe_instances(InstanceIds=[outputs.instance_id])["Reservations"]
    (instance,) = reservation["Instances"]
    assert instance["State"]["Name"] == "running"
    assert instance["InstanceType"] == "t3.medium"
    assert instance["SubnetId"] == outputs.subnets["public"]
    assert [group["GroupId"] for group in instance["SecurityGroups"]] == [outputs.security_groups["host"]]
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert instance["MetadataOptions"]["HttpPutResponseHopLimit"] == 2
    assert instance["IamInstanceProfile"]["Arn"].endswith(
        "/dify-aws/dify/dev/ap-northeast-1/dify--dev--host--ap-northeast-1"
    )
    assert instance["KeyName"] == "dify--dev--host"
    (image,) = ec2.describe_images(ImageIds=[instance["ImageId"]])["Images"]
    assert image["OwnerId"] == CANONICAL
    assert "jammy-22.04-amd64" in image["Name"]
    disks = {each["DeviceName"]: each["Ebs"] for each in instance["BlockDeviceMappings"]}
    assert disks.keys() == {image["RootDeviceName"], "/dev/sdf"}
    assert disks["/dev/sdf"]["VolumeId"] == outputs.data_volume_id
    assert disks["/dev/sdf"]["DeleteOnTermination"] is False
    assert disks[image["RootDeviceName"]]["DeleteOnTermination"] is True
    for device, size in ((image["RootDeviceName"], 30), ("/dev/sdf", 50)):
        (volume,) = ec2.describe_volumes(VolumeIds=[disks[device]["VolumeId"]])["Volumes"]
        assert (volume["Size"], volume["VolumeType"], volume["Encrypted"]) == (size, "gp3", True)
    (address,) = ec2.describe_addresses(PublicIps=[outputs.public_ip])["Addresses"]
    assert address["InstanceId"] == outputs.instance_id


def test_role(world: World, outputs: Outputs) -> None:
    """Least privilege: its part of this bucket, its log groups, its metrics. No secret, and nothing by a wildcard."""
    iam: Any = world.session.client("iam")
    (role,) = [each for each in iam.list_roles()["Roles"] if each["RoleName"].startswith("dify--dev--host-")]
    assert statements(role["AssumeRolePolicyDocument"])[0]["Principal"] == {"Service": "ec2.amazonaws.com"}
    assert iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"] == []
    (name,) = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    document = iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"]
    bucket = f"arn:aws:s3:::{outputs.bucket}"
    allowed = {
        (action, resource)
        for statement in statements(document)
        for action in statement["Action"]
        for resource in statement["Resource"]
        if statement["Effect"] == "Allow"
    }
    assert {(action, resource) for action, resource in allowed if action.startswith("s3:")} == {
        ("s3:GetObject", f"{bucket}/uploads/*"),
        ("s3:PutObject", f"{bucket}/uploads/*"),
        ("s3:DeleteObject", f"{bucket}/uploads/*"),
        ("s3:ListBucket", bucket),
        ("s3:PutObject", f"{bucket}/backups/*"),
    }
    assert {action.partition(":")[0] for action, _ in allowed} == {"s3", "logs", "cloudwatch"}
    assert all(":log-group:/dify/dev/" in resource for action, resource in allowed if action.startswith("logs:"))
    (metrics,) = [each for each in statements(document) if each["Action"] == ["cloudwatch:PutMetricData"]]
    assert metrics["Condition"] == {"StringEquals": {"cloudwatch:namespace": ["Dify/dev"]}}
    assert not any("*" in action for action, _ in allowed)


def test_role_of_the_leases(world: World, outputs: Outputs) -> None:
    """EventBridge Scheduler, for this schedule group only, takes rules out of the host's group, and no more."""
    iam: Any = world.session.client("iam")
    (role,) = [each for each in iam.list_roles()["Roles"] if each["RoleName"].startswith("dify--dev--leases-")]
    (trust,) = statements(role["AssumeRolePolicyDocument"])
    assert (trust["Action"], trust["Principal"]) == (["sts:AssumeRole"], {"Service": "scheduler.amazonaws.com"})
    assert trust["Condition"] == {
        "StringEquals": {
            "aws:SourceAccount": ["123456789012"],
            "aws:SourceArn": ["arn:aws:scheduler:ap-northeast-1:123456789012:schedule-group/dify--dev--leases"],
        }
    }
    assert iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"] == []
    (name,) = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
    (statement,) = statements(iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name)["PolicyDocument"])
    assert (statement["Effect"], statement["Action"]) == ("Allow", ["ec2:RevokeSecurityGroupIngress"])
    group = outputs.security_groups["host"]
    assert statement["Resource"] == [f"arn:aws:ec2:ap-northeast-1:123456789012:security-group/{group}"]


def test_bucket(world: World, outputs: Outputs) -> None:
    """Account and region in its name; versions kept, nobody else sees it, and old things go where they are cheap."""
    s3 = world.session.client("s3")
    bucket = outputs.bucket
    assert bucket == "dify--dev-123456789012-ap-northeast-1"
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    (rule,) = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert all(s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"].values())
    (owner,) = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert owner == {"ObjectOwnership": "BucketOwnerEnforced"}
    (statement,) = statements(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": ["false"]}})
    rules = {each["ID"]: each for each in s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]}
    assert all(each["Status"] == "Enabled" for each in rules.values())
    moves = {each["Filter"]["Prefix"]: each["Transitions"] for each in rules.values() if "Transitions" in each}
    assert moves == {
        "backups/": [{"Days": 90, "StorageClass": "GLACIER"}],
        "uploads/": [{"Days": 90, "StorageClass": "GLACIER_IR"}],
    }
    assert rules["old-versions"]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 90
    assert rules["unfinished-uploads"]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 7


def test_logs_and_alarms(world: World, outputs: Outputs) -> None:
    """Logs go after 30 days; three alarms tell the topic; who hears of them has to confirm, and the outputs say so."""
    groups = world.session.client("logs").describe_log_groups()["logGroups"]
    assert {group["logGroupName"]: group["retentionInDays"] for group in groups} == {
        f"/dify/dev/{name}": 30 for name in ("system", "docker", "dify", "nginx")
    }
    alarms = {
        alarm["MetricName"]: alarm for alarm in world.session.client("cloudwatch").describe_alarms()["MetricAlarms"]
    }
    assert {
        name: (alarm["Namespace"], alarm["ComparisonOperator"], alarm["Threshold"], alarm["TreatMissingData"])
        for name, alarm in alarms.items()
    } == {
        "CPUUtilization": ("AWS/EC2", "GreaterThanThreshold", 80, "missing"),
        "disk_used_percent": ("Dify/dev", "GreaterThanThreshold", 85, "missing"),
        "postgres_running": ("Dify/dev", "LessThanThreshold", 1, "breaching"),
    }
    for alarm in alarms.values():
        assert alarm["AlarmActions"] == alarm["OKActions"] == [outputs.alarm_topic]
        assert alarm["Dimensions"] == [{"Name": "InstanceId", "Value": outputs.instance_id}]
    (received,) = world.session.client("sns").list_subscriptions_by_topic(TopicArn=outputs.alarm_topic)["Subscriptions"]
    assert (received["Protocol"], received["Endpoint"]) == ("email", "a@your-company.com")
    assert received["SubscriptionArn"] == "PendingConfirmation"
    assert any("a@your-company.com" in note for note in outputs.notes)


def test_tags_of_the_settings_are_on_everything(ec2: Any, outputs: Outputs) -> None:
    """The root disk and the network card of the instance too."""
    ours = [{"Name": "tag:team", "Values": ["ml"]}]
    assert len(ec2.describe_volumes(Filters=ours)["Volumes"]) == 2
    assert len(ec2.describe_subnets(Filters=ours)["Subnets"]) == 2
    assert len(ec2.describe_addresses(Filters=ours)["Addresses"]) == 2


def test_outputs_are_found_again(world: World, outputs: Outputs) -> None:
    """What apply returned is what anybody finds later."""
    assert Deployment(SETTINGS, session=world.session).outputs() == outputs
    assert outputs.url == f"http://{outputs.public_ip}"
    assert json.loads(outputs.to_json())["bucket"] == outputs.bucket
