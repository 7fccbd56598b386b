"""ARNs are correct if AWS's response has none or another value: in China, and while IAM is not consistent yet."""

from __future__ import annotations

import json
from typing import Any

from dify_aws import Aws, InstanceProfile, Role, SecurityGroup, Settings, Stack, Vpc, permissions
from dify_aws.offline import offline
from dify_aws.offline.world import World
from tests.support.iam_policy import Policies, Request

ACCOUNT = "123456789012"


def test_security_group_arn_is_built_if_aws_returns_none() -> None:
    """A policy of another thing is made with it. https://github.com/terraform-aws-modules/terraform-aws-eks/issues/3422"""
    with offline(region="cn-north-1") as world:
        ec2 = world.session.client("ec2")
        vpc = Vpc(name="main", cidr_block="10.0.0.0/16")
        stack = Stack("lab", [vpc, SecurityGroup(name="host", vpc=vpc.id)])
        applied = stack.apply(Aws(world.session, deployment="lab"))
        found = stack.find(Aws(world.session, deployment="lab"))["security-group/host"]
        assert found is not None
        assert "SecurityGroupArn" not in ec2.describe_security_groups(GroupIds=[found.id])["SecurityGroups"][0]
        arn = f"arn:aws-cn:ec2:cn-north-1:{ACCOUNT}:security-group/{found.id}"
        assert found["arn"] == applied["security-group/host"]["arn"] == arn


def test_pass_role_includes_ec2_in_china() -> None:
    """EC2 has another name there; and nobody else gets a role for it."""
    settings = Settings(environment="dev", region="cn-north-1", image_id="ami-0123456789abcdef0")
    deployer = Policies(permissions(settings, ACCOUNT).deployer)
    role = f"arn:aws-cn:iam::{ACCOUNT}:role/dify-aws/dify/dev/cn-north-1/dify--dev--host--cn-north-1"
    for service, allowed in (
        ("ec2.amazonaws.com", True),
        ("ec2.amazonaws.com.cn", True),
        ("lambda.amazonaws.com.cn", False),
    ):
        request = Request("iam:PassRole", role, {"iam:PassedToService": (service,)})
        assert deployer.allow(request) == allowed, service


def test_role_and_profile_arns_before_iam_is_consistent(world: World) -> None:
    """IAM tells their ids where their ARNs will be: what stands on them gets the ARNs, and nothing drifts.

    https://github.com/hashicorp/terraform-provider-aws/issues/22018
    """
    iam: Any = world.session.client("iam")
    role = Role(name="host")
    user = Role(name="user", policies={"use": _use(role)})
    stack = Stack("lab", [role, user, InstanceProfile(name="host", role=role.id)])
    applied = stack.apply(Aws(world.session, deployment="lab"))
    arn = f"arn:aws:iam::{ACCOUNT}:role/dify-aws/lab/ap-northeast-1/lab--host--ap-northeast-1"
    assert applied["role/host"].id == arn
    assert applied["instance-profile/host"].id == arn.replace(":role/", ":instance-profile/")
    result: Any = iam.get_role_policy(RoleName=applied["role/user"]["role_name"], PolicyName="use")["PolicyDocument"]
    assert arn in json.dumps(result)
    again = stack.find(Aws(world.session, deployment="lab"))
    assert iam.get_role(RoleName=applied["role/host"]["role_name"])["Role"]["Arn"].startswith("AROA")
    assert {address: actual.id for address, actual in again.items() if actual} == {
        address: actual.id for address, actual in applied.found.items()
    }
    assert not stack.plan(Aws(world.session, deployment="lab"))


def _use(role: Role) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": [role.id]}
    return {"Version": "2012-10-17", "Statement": [statement]}
