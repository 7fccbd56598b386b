"""Inventory: everything that an account holds in a region, asked of AWS directly and not through our own eyes.

What every account has from the beginning (the default VPC and what is in it) is left out; whose the rest is, is not
asked: a thing that lost its tags is left over all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Inventory = Mapping[str, list[str]]

WHOLE: Final = {
    "address": 2,
    "alarm": 3,
    "bucket": 1,
    "endpoint": 1,
    "instance": 1,
    "instance-profile": 1,
    "internet-gateway": 1,
    "key-pair": 1,
    "log-group": 4,
    "nat-gateway": 1,
    "role": 2,
    "route-table": 2,
    "schedule-group": 1,
    "secret": 3,
    "security-group": 3,
    "subnet": 2,
    "subscription": 1,
    "table": 1,
    "topic": 1,
    "volume": 2,
    "vpc": 1,
}
"""How many of each thing one environment is (subscription: who hears of alarms; volumes: root and data)."""

AFTER_DESTROY: Final = {"table": 1}
"""What is left when it is gone: the table of locks, which all environments share."""

KEPT: Final = {"bucket": 1, "secret": 1, "volume": 1, **AFTER_DESTROY}
"""What is left of a destroy that keeps the data."""


def counted(inventory: Inventory) -> dict[str, int]:
    """How many of each; what there is none of is left out."""
    return {kind: len(ids) for kind, ids in inventory.items() if ids}


def inventory(session: Any, deployment: str | None = None) -> dict[str, list[str]]:
    """The ids of what is there, by kind; with ``deployment`` only of what carries its tag (IAM and mails: of all)."""
    return {
        **_network(session.client("ec2"), deployment),
        **_machines(session.client("ec2"), deployment),
        **_named(session, deployment),
        **_of_the_account(session, deployment),
    }


def _network(ec2: Any, deployment: str | None) -> dict[str, list[str]]:
    vpcs = ec2.describe_vpcs()["Vpcs"]
    default = {vpc["VpcId"] for vpc in vpcs if vpc["IsDefault"]}

    def here(items: list[dict[str, Any]], id: str) -> list[str]:
        return [
            item[id]
            for item in items
            if item.get("VpcId") not in default and (deployment is None or deployment in _values(item))
        ]

    gateways = ec2.describe_internet_gateways()["InternetGateways"]
    tables = ec2.describe_route_tables()["RouteTables"]
    return {
        "vpc": here(vpcs, "VpcId"),
        "subnet": here(ec2.describe_subnets()["Subnets"], "SubnetId"),
        "internet-gateway": here(
            [each for each in gateways if not default & {at["VpcId"] for at in each["Attachments"]}],
            "InternetGatewayId",
        ),
        "nat-gateway": here(
            [each for each in ec2.describe_nat_gateways()["NatGateways"] if each["State"] not in ("deleted", "failed")],
            "NatGatewayId",
        ),
        "route-table": here(
            [table for table in tables if not any(each.get("Main") for each in table["Associations"])], "RouteTableId"
        ),
        "connect-endpoint": here(
            ec2.describe_instance_connect_endpoints()["InstanceConnectEndpoints"], "InstanceConnectEndpointId"
        ),
        "endpoint": here(
            [each for each in ec2.describe_vpc_endpoints()["VpcEndpoints"] if each["State"].lower() != "deleted"],
            "VpcEndpointId",
        ),
        "security-group": here(
            [group for group in ec2.describe_security_groups()["SecurityGroups"] if group["GroupName"] != "default"],
            "GroupId",
        ),
    }


def _machines(ec2: Any, deployment: str | None) -> dict[str, list[str]]:
    def here(items: list[dict[str, Any]], id: str) -> list[str]:
        return [item[id] for item in items if deployment is None or deployment in _values(item)]

    reservations = ec2.describe_instances()["Reservations"]
    instances = [instance for reservation in reservations for instance in reservation["Instances"]]
    return {
        "key-pair": here(ec2.describe_key_pairs()["KeyPairs"], "KeyName"),
        "instance": here([each for each in instances if each["State"]["Name"] != "terminated"], "InstanceId"),
        "volume": here(ec2.describe_volumes()["Volumes"], "VolumeId"),
        "address": here(ec2.describe_addresses()["Addresses"], "AllocationId"),
    }


def _named(session: Any, deployment: str | None) -> dict[str, list[str]]:
    iam, sns = session.client("iam"), session.client("sns")
    part = (deployment or "").replace("/", "-")

    def here(names: list[str]) -> list[str]:
        return [name for name in names if part in name.replace("/", "-")]

    return {
        "role": here([role["RoleName"] for role in iam.list_roles()["Roles"]]),
        "instance-profile": here(
            [each["InstanceProfileName"] for each in iam.list_instance_profiles()["InstanceProfiles"]]
        ),
        "bucket": here([bucket["Name"] for bucket in session.client("s3").list_buckets()["Buckets"]]),
        "secret": here(
            [
                secret["Name"]
                for secret in session.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"]
            ]
        ),
        "log-group": here([each["logGroupName"] for each in session.client("logs").describe_log_groups()["logGroups"]]),
        "schedule-group": here(
            [
                group["Name"]
                for group in session.client("scheduler").list_schedule_groups()["ScheduleGroups"]
                if group["Name"] != "default" and group["State"] == "ACTIVE"
            ]
        ),
        "queue": here(session.client("sqs").list_queues().get("QueueUrls", [])),
        "topic": here([topic["TopicArn"] for topic in sns.list_topics()["Topics"]]),
        "subscription": here(
            [
                f"{each['TopicArn']} {each['Endpoint']}"
                for each in sns.list_subscriptions()["Subscriptions"]
                if each["SubscriptionArn"] != "Deleted"
            ]
        ),
        "alarm": here([each["AlarmName"] for each in session.client("cloudwatch").describe_alarms()["MetricAlarms"]]),
    }


def _of_the_account(session: Any, deployment: str | None) -> dict[str, list[str]]:
    """What an account needs once, and no environment has."""
    part = (deployment or "").replace("/", "-")
    providers = session.client("iam").list_open_id_connect_providers()["OpenIDConnectProviderList"]
    tables = session.client("dynamodb").list_tables()["TableNames"]
    found = {
        "table": [name for name in tables if _state(session, name) != "DELETING"],
        "trail": [each["Name"] for each in session.client("cloudtrail").list_trails()["Trails"]],
        "oidc-provider": [each["Arn"] for each in providers],
    }
    return {kind: [name for name in names if part in name] for kind, names in found.items()}


def _state(session: Any, table: str) -> str:
    return str(session.client("dynamodb").describe_table(TableName=table)["Table"]["TableStatus"])


def _values(item: Mapping[str, Any]) -> set[str]:
    return {tag["Value"] for tag in item.get("Tags", ()) if tag["Key"] == "dify-aws:deployment"}
