"""InstanceConnectEndpoint: a way to SSH on an instance through AWS itself, with no port open to the internet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.aws.errors.error_meaning import is_deleted
from dify_aws.aws.waiters import Waiter, own_model
from dify_aws.engine.resource import Actual, Input, only
from dify_aws.errors import AwsError, QuotaExceeded
from dify_aws.resources.deletion import delete, wait_until_deleted
from dify_aws.resources.ec2.ec2_resource import Ec2Resource, ours
from dify_aws.resources.observe import observe_owned

GOING: Final = ("delete-in-progress", "delete-complete")
FAILED: Final = "create-failed"

QUOTA: Final = (
    "A VPC may have one EC2 Instance Connect Endpoint, and a region five: delete one that nobody needs, or ask for "
    "more (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/eice-quotas.html), and run again. "
    'The setting ssh = "lease" does without.'
)


STATES: Final = "InstanceConnectEndpoints[].State"

USABLE: Final = Waiter(
    "ec2",
    "instance_connect_endpoint_usable",
    900,
    10,
    "some minutes as a rule",
    own_model(
        "DescribeInstanceConnectEndpoints",
        *(
            {"matcher": "pathAll", "expected": state, "argument": STATES, "state": "success"}
            for state in ("create-complete", "update-complete")
        ),
        *(
            {"matcher": "pathAny", "expected": state, "argument": STATES, "state": "failure"}
            for state in ("create-failed", "update-failed", "delete-in-progress", "delete-complete")
        ),
    ),
)
DELETED: Final = Waiter(
    "ec2",
    "instance_connect_endpoint_gone",
    900,
    10,
    "its network interface goes first",
    own_model(
        "DescribeInstanceConnectEndpoints",
        {"matcher": "error", "expected": "InvalidInstanceConnectEndpointId.NotFound", "state": "success"},
        {
            "matcher": "path",
            "expected": True,
            "argument": "length(InstanceConnectEndpoints[]) == `0`",
            "state": "success",
        },
        {"matcher": "pathAll", "expected": "delete-complete", "argument": STATES, "state": "success"},
        {"matcher": "pathAny", "expected": "delete-failed", "argument": STATES, "state": "failure"},
    ),
)


@dataclass(frozen=True, kw_only=True, eq=False)
class InstanceConnectEndpoint(Ec2Resource):
    """An EC2 Instance Connect Endpoint. It costs nothing. ``ref("dns_name")`` is where tunnels through it begin.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/connect-with-ec2-instance-connect-endpoint.html

    Args:
        subnet: where its network interface is (``subnet.id``); it reaches the whole VPC from there. Fixed.
        security_groups: the groups of that interface: what they let out is what can be reached through it.
        preserve_client_ip: whether an instance sees the address of who connects, in place of the endpoint's own. Rules
            that name the endpoint's group let nobody in then.
    """

    subnet: Input[str]
    security_groups: Iterable[Input[str]]
    preserve_client_ip: bool = False

    kind = "instance-connect-endpoint"
    free = True
    fixed = frozenset({"subnet"})
    unordered = frozenset({"security_groups"})
    tables = ("instance-connect-endpoints",)
    permissions = frozenset(
        {
            "ec2-instance-connect:OpenTunnel",
            "ec2:CreateInstanceConnectEndpoint",
            "ec2:CreateNetworkInterface",
            "ec2:CreateTags",
            "ec2:DeleteInstanceConnectEndpoint",
            "ec2:DescribeInstanceConnectEndpoints",
            "ec2:ModifyInstanceConnectEndpoint",
            "iam:CreateServiceLinkedRole",
        }
    )

    @classmethod
    def owned(cls, aws: Aws) -> Iterable[Actual]:
        for endpoint in _listed(aws):
            if endpoint["State"] in GOING:
                continue
            values = {
                "subnet": endpoint["SubnetId"],
                "security_groups": frozenset(endpoint.get("SecurityGroupIds", ())),
                "preserve_client_ip": endpoint.get("PreserveClientIp", False),
            }
            seen = observe_owned(
                cls,
                aws,
                endpoint["InstanceConnectEndpointId"],
                endpoint.get("Tags"),
                values,
                state=endpoint["State"],
                vpc=endpoint["VpcId"],
                dns_name=endpoint.get("DnsName", ""),
                fips_dns_name=endpoint.get("FipsDnsName", ""),
            )
            if seen:
                yield seen

    def find(self, aws: Aws) -> Actual | None:
        # One whose making failed stays what it is: it is nobody's endpoint, but destroy() has to find it.
        return only(self.address, [seen for seen in self._own(aws) if seen["state"] != FAILED])

    def create(self, aws: Aws) -> Actual | None:
        # A VPC may have one, and one that a run has begun to delete counts until it is gone.
        for endpoint in _listed(aws):
            if endpoint["State"] == "delete-in-progress":
                ids = [endpoint["InstanceConnectEndpointId"]]
                wait_until_deleted(aws, DELETED, InstanceConnectEndpointIds=ids)
        for seen in self._own(aws):
            if seen["state"] == FAILED:
                self.delete(aws, seen)
                # Its token still answers for it.
                aws.next_generation(self.address)
        try:
            aws.create(
                "ec2.CreateInstanceConnectEndpoint",
                self.address,
                keep=self.keep,
                SubnetId=self.subnet,
                SecurityGroupIds=sorted(str(group) for group in self.security_groups),
                PreserveClientIp=self.preserve_client_ip,
            )
        except AwsError as error:
            # AWS documents the quotas, and not the codes of their refusals.
            if not error.code.endswith("LimitExceeded"):
                raise
            raise QuotaExceeded(
                error.operation,
                error.code,
                error.message,
                request_id=error.request_id,
                status=error.status,
                advice=QUOTA,
            ) from error
        return None

    def ready(self, aws: Aws, actual: Actual) -> bool:
        if not actual["state"].endswith("-in-progress"):
            return False
        _wait(aws, actual)
        return True

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        parameters: dict[str, object] = {}
        if "security_groups" in names:
            parameters["SecurityGroupIds"] = sorted(str(group) for group in self.security_groups)
        if "preserve_client_ip" in names:
            parameters["PreserveClientIp"] = self.preserve_client_ip
        aws.call("ec2.ModifyInstanceConnectEndpoint", InstanceConnectEndpointId=actual.id, **parameters)
        _wait(aws, actual)

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        if actual["state"].endswith("-in-progress"):
            _wait_until_it_rests(aws, actual)
        delete(aws, "ec2.DeleteInstanceConnectEndpoint", InstanceConnectEndpointId=actual.id)
        # Its subnet and its groups cannot go while its network interface is there.
        wait_until_deleted(aws, DELETED, InstanceConnectEndpointIds=[actual.id])

    def _own(self, aws: Aws) -> list[Actual]:
        return [seen for seen in self.owned(aws) if seen.address == self.address]


def _listed(aws: Aws) -> list[dict[str, Any]]:
    operation = "ec2.DescribeInstanceConnectEndpoints"
    return ours(aws, "instance-connect-endpoints", operation, "InstanceConnectEndpoints")


def _wait(aws: Aws, actual: Actual) -> None:
    aws.wait(USABLE, InstanceConnectEndpointIds=[actual.id])


def _wait_until_it_rests(aws: Aws, actual: Actual) -> None:
    """AWS refuses to delete one that is being made or changed. Whether that fails is nobody's business any more.
    https://github.com/aws-cloudformation/cloudformation-coverage-roadmap/issues/2000"""
    try:
        _wait(aws, actual)
    except AwsError as error:
        if error.code != "Failed" and not is_deleted(error):
            raise
