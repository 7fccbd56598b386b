"""GuardDuty: what Runtime Monitoring leaves in a VPC: an endpoint with its interfaces, and a security group of its own.

AWS makes both by itself when GuardDuty's automated agent is switched on, and takes neither away before the VPC goes,
which cannot go because of them.
https://docs.aws.amazon.com/guardduty/latest/ug/runtime-monitoring-agent-resource-clean-up.html
"""

from __future__ import annotations

from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.aws.create_request import tag_map
from dify_aws.errors import PermissionDenied
from dify_aws.resources.deletion import delete, wait_until_deleted
from dify_aws.resources.ec2.ec2_resource import ours
from dify_aws.resources.vpc.vpc_endpoint import DELETED

MANAGED: Final = "GuardDutyManaged"
"""The tag with which GuardDuty marks what it has made. https://docs.aws.amazon.com/guardduty/latest/ug/"""

GROUP: Final = "GuardDutyManagedSecurityGroup-"
SERVICE: Final = ".guardduty-data"


def leftovers(aws: Aws, vpc: str) -> tuple[list[str], list[str]]:
    """The ids of GuardDuty's endpoints and security groups in a VPC: by their names as well as by their tag."""
    within = [{"Name": "vpc-id", "Values": [vpc]}]
    endpoints = aws.pages("ec2.DescribeVpcEndpoints", "VpcEndpoints", Filters=within)
    groups = aws.pages("ec2.DescribeSecurityGroups", "SecurityGroups", Filters=within)
    return (
        [each["VpcEndpointId"] for each in endpoints if each["ServiceName"].endswith(SERVICE) and _managed(each)],
        [each["GroupId"] for each in groups if each["GroupName"] == f"{GROUP}{vpc}" and _managed(each)],
    )


def remove_leftovers(aws: Aws, vpc: str) -> None:
    """Delete what GuardDuty has left in a VPC that is ours, before a part of it goes; once a run.

    Whoever may not do that is told of them when AWS refuses to delete what they stand in.
    """
    if any(each["VpcId"] == vpc for each in ours(aws, "vpcs", "ec2.DescribeVpcs", "Vpcs")):
        aws.read_cache.read("guardduty", lambda: _removed(aws, vpc), vpc)


def _removed(aws: Aws, vpc: str) -> bool:
    try:
        endpoints, groups = leftovers(aws, vpc)
        if endpoints:
            aws.call("ec2.DeleteVpcEndpoints", VpcEndpointIds=endpoints)
            wait_until_deleted(aws, DELETED, VpcEndpointIds=endpoints)
        for group in groups:
            delete(aws, "ec2.DeleteSecurityGroup", GroupId=group)
    except PermissionDenied:
        return False
    return True


def _managed(thing: dict[str, Any]) -> bool:
    return tag_map(thing.get("Tags")).get(MANAGED) == "true"
