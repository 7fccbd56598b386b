"""InternetGateway: the door of a VPC to the internet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dify_aws.aws import Aws
from dify_aws.aws.adoption_view import Listed
from dify_aws.engine.resource import Actual, Input
from dify_aws.errors import AwsError
from dify_aws.resources.ec2.ec2_resource import Ec2Resource, ours
from dify_aws.resources.observe import observe_owned
from dify_aws.resources.vpc.blockers import actions_to_explain
from dify_aws.resources.vpc.network_deletion import delete_part


@dataclass(frozen=True, kw_only=True, eq=False)
class InternetGateway(Ec2Resource):
    """An internet gateway, attached to a VPC.

    Args:
        vpc: the VPC it is attached to (``vpc.id``).
    """

    vpc: Input[str]

    kind = "internet-gateway"
    free = True
    tables = ("internet-gateways",)
    listed = Listed("ec2.DescribeInternetGateways", "InternetGateways", "internet-gateway-id", "InternetGatewayId")
    permissions = frozenset(
        {
            "ec2:AttachInternetGateway",
            "ec2:CreateInternetGateway",
            "ec2:CreateTags",
            "ec2:DeleteInternetGateway",
            "ec2:DescribeInternetGateways",
            "ec2:DetachInternetGateway",
        }
    ) | actions_to_explain("ec2.DetachInternetGateway", "ec2.DeleteInternetGateway")

    @classmethod
    def owned(cls, aws: Aws) -> Iterable[Actual]:
        for gateway in ours(aws, "internet-gateways", "ec2.DescribeInternetGateways", "InternetGateways"):
            attached = [each["VpcId"] for each in gateway.get("Attachments", ()) if each.get("State") != "detached"]
            values = {"vpc": attached[0] if attached else ""}
            if seen := observe_owned(cls, aws, gateway["InternetGatewayId"], gateway.get("Tags"), values):
                yield seen

    def create(self, aws: Aws) -> Actual | None:
        answer = aws.create("ec2.CreateInternetGateway", self.address, keep=self.keep)
        return self.made(aws, answer["InternetGateway"]["InternetGatewayId"], vpc="")

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        if "vpc" in names:
            _detach(aws, actual)
            try:
                aws.call("ec2.AttachInternetGateway", InternetGatewayId=actual.id, VpcId=self.vpc)
            except AwsError as error:
                # Our own attachment that was not visible yet when we looked.
                if error.code != "Resource.AlreadyAssociated":
                    raise

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        _detach(aws, actual)
        delete_part(aws, "ec2.DeleteInternetGateway", InternetGatewayId=actual.id)


def _detach(aws: Aws, actual: Actual) -> None:
    if actual["vpc"]:
        try:
            delete_part(aws, "ec2.DetachInternetGateway", InternetGatewayId=actual.id, VpcId=actual["vpc"])
        except AwsError as error:
            if error.code != "Gateway.NotAttached":
                raise
