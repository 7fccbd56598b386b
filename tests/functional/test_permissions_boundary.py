"""The permissions boundary: on every role from its first moment, in environment, foundation and policies."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from dify_aws import Deployment, Foundation, Settings, permissions
from dify_aws.errors import RunFailed, SettingsError
from dify_aws.offline import offline
from dify_aws.offline.world import World
from tests.support.iam_policy import Policies, Request
from tests.support.plans import aws_plan

ACCOUNT: Final = "123456789012"
BOUNDARY: Final = f"arn:aws:iam::{ACCOUNT}:policy/team/boundary"
OTHER: Final = f"arn:aws:iam::{ACCOUNT}:policy/other"
ALLOW: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
SETTINGS: Final = Settings(environment="dev", permissions_boundary=BOUNDARY)


def prepared(world: World) -> Any:
    """A client of IAM, in an account that has the boundary."""
    iam = world.session.client("iam")
    iam.create_policy(PolicyName="boundary", Path="/team/", PolicyDocument=json.dumps(ALLOW))
    iam.create_policy(PolicyName="other", PolicyDocument=json.dumps(ALLOW))
    return iam


def boundaries(iam: Any) -> dict[str, str | None]:
    """Of every role under our path, by the third part of its name."""
    roles = [iam.get_role(RoleName=role["RoleName"])["Role"] for role in iam.list_roles()["Roles"]]
    return {
        role["RoleName"].split("--")[2]: role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
        for role in roles
        if role["Path"].startswith("/dify-aws/")
    }


def test_every_role_of_an_environment_has_it() -> None:
    """In the call that makes it: an organisation may allow no other. Taken off by hand, it is put on again."""
    with offline() as world:
        iam = prepared(world)
        Deployment(SETTINGS, session=world.session).apply()
        found = boundaries(iam)
        assert found == {"host": BOUNDARY, "leases": BOUNDARY}
        assert not [call for call in world.calls if call.operation == "PutRolePermissionsBoundary"]
        role = next(each["RoleName"] for each in iam.list_roles()["Roles"] if "--host--" in each["RoleName"])
        iam.delete_role_permissions_boundary(RoleName=role)
        deployment = Deployment(SETTINGS, session=world.session)
        assert "permissions_boundary" in str(deployment.plan())
        deployment.apply()
        assert boundaries(iam) == found
        assert not aws_plan(deployment)
        deployment.destroy(delete_data=True)
        assert boundaries(iam) == {}


def test_it_can_be_changed_and_left_out() -> None:
    """Both are shown by the plan."""
    with offline() as world:
        iam = prepared(world)
        Deployment(SETTINGS, session=world.session).apply()
        other = Deployment(SETTINGS.replace(permissions_boundary=OTHER), session=world.session)
        assert OTHER in str(other.plan())
        other.apply()
        assert set(boundaries(iam).values()) == {OTHER}
        # Who says nothing of it does not loosen what somebody else may have put on.
        silent = Deployment(SETTINGS.replace(permissions_boundary=None), session=world.session)
        assert not aws_plan(silent)
        Deployment(SETTINGS.replace(permissions_boundary="none"), session=world.session).apply()
        assert set(boundaries(iam).values()) == {None}


def test_the_foundation_limits_its_role_and_what_that_makes() -> None:
    """A role for GitHub that could make roles without the boundary would be a way out of it."""
    with offline() as world:
        iam = prepared(world)
        foundation = Foundation(
            "ap-northeast-1", "owner/name", session=world.session, environments=["dev"], permissions_boundary=BOUNDARY
        )
        foundation.apply()
        assert set(boundaries(iam).values()) == {BOUNDARY}
        assert not foundation.plan()
        role = next(each for each in iam.list_roles()["Roles"] if "--github" in each["RoleName"])
        names = iam.list_role_policies(RoleName=role["RoleName"])["PolicyNames"]
        documents = [iam.get_role_policy(RoleName=role["RoleName"], PolicyName=name) for name in names]
        assert BOUNDARY in json.dumps([each["PolicyDocument"] for each in documents])


def test_a_boundary_that_is_not_there_is_reported_by_its_arn() -> None:
    """IAM says so when the first role is made."""
    with offline() as world, pytest.raises(RunFailed, match="policy/team/boundary does not exist"):
        Deployment(SETTINGS, session=world.session).apply()


def test_a_boundary_of_another_account_is_refused_before_anything() -> None:
    """IAM takes policies of the account, and AWS's own."""
    foreign = BOUNDARY.replace(ACCOUNT, "210987654321")
    with offline() as world:
        with pytest.raises(SettingsError, match=f"is not of the account {ACCOUNT}"):
            Deployment(SETTINGS.replace(permissions_boundary=foreign), session=world.session).apply()
        assert not [call for call in world.calls if call.writes]
        Deployment(SETTINGS.replace(permissions_boundary="arn:aws:iam::aws:policy/X"), session=world.session).plan()


@pytest.mark.parametrize(
    "value",
    [
        "boundary",
        "arn:aws:iam::123456789012:role/boundary",
        "arn:aws:iam::12345:policy/boundary",
        "arn:aws:iam::123456789012:policy/",
        "arn:aws:iam::123456789012:policy/a b",
        "arn:aws:iam::123456789012:policy/{region}",
        "arn:aws:iam::123456789012:policy/*",
        "arn:aws-cn:iam::123456789012:policy/boundary",
    ],
)
def test_what_is_no_boundary(value: str) -> None:
    """In the settings, and in the foundation; an asterisk would mean any policy in a condition."""
    with pytest.raises(SettingsError) as caught:
        Settings(environment="dev", permissions_boundary=value)
    assert [one.field for one in caught.value.problems] == ["permissions_boundary"]
    if "aws-cn" not in value:
        with pytest.raises(SettingsError, match="permissions_boundary"):
            Foundation("ap-northeast-1", permissions_boundary=value)


ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/dify-aws/dify/dev/ap-northeast-1/dify--dev--host--ap-northeast-1"
CREATED: Final = {"aws:RequestTag/dify-aws:deployment": ("dify/dev",), "aws:TagKeys": ("dify-aws:deployment",)}


def test_who_deploys_makes_roles_with_it_only_and_does_not_take_it_off() -> None:
    """As AWS tells how to delegate: create, change and put on with this boundary; nobody takes it off."""
    made = permissions(SETTINGS, ACCOUNT)
    for policies in (Policies(made.deployer), Policies(made.github)):
        assert policies.allow(Request("iam:CreateRole", ROLE, {**CREATED, "iam:PermissionsBoundary": (BOUNDARY,)}))
        assert not policies.allow(Request("iam:CreateRole", ROLE, CREATED))
        assert not policies.allow(Request("iam:CreateRole", ROLE, {**CREATED, "iam:PermissionsBoundary": (OTHER,)}))
        for action in ("iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"):
            assert policies.allow(Request(action, ROLE, {"iam:PermissionsBoundary": (BOUNDARY,)}))
            assert not policies.allow(Request(action, ROLE, {"iam:PermissionsBoundary": (OTHER,)}))
            assert not policies.allow(Request(action, ROLE, {}))
        assert not policies.allow(Request("iam:DeleteRolePermissionsBoundary", ROLE, {}))
        assert policies.allow(Request("iam:DeleteRole", ROLE, {}))
    without = Policies(permissions(SETTINGS.replace(permissions_boundary=None), ACCOUNT).deployer)
    assert without.allow(Request("iam:CreateRole", ROLE, CREATED))
    assert not without.allow(Request("iam:PutRolePermissionsBoundary", ROLE, {}))


def test_the_foundation_is_made_with_it_only() -> None:
    """The same for who makes the foundation."""
    policies = Policies(permissions(SETTINGS, ACCOUNT).foundation)
    role = (
        f"arn:aws:iam::{ACCOUNT}:role/dify-aws/dify/foundation/ap-northeast-1/dify--foundation--github--ap-northeast-1"
    )
    create_request = {key: ("dify/foundation",) for key in CREATED if key != "aws:TagKeys"}
    assert policies.allow(Request("iam:CreateRole", role, {**create_request, "iam:PermissionsBoundary": (BOUNDARY,)}))
    assert not policies.allow(Request("iam:CreateRole", role, create_request))
