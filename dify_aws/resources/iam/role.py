"""Role: what the programs on a machine, or a service of AWS, may do in AWS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.aws.create_request import tag_list
from dify_aws.aws.errors.error_meaning import is_deleted
from dify_aws.aws.policy import Condition, PolicyDocument
from dify_aws.engine.resource import Actual, Input
from dify_aws.errors import AwsError
from dify_aws.resources.deletion import delete
from dify_aws.resources.iam.iam_resource import IamResource, path, role_arn
from dify_aws.resources.observe import observe

PROVIDER: Final = ":oidc-provider/"


@dataclass(frozen=True, kw_only=True, eq=False)
class Role(IamResource):
    """An IAM role. Its id is its ARN; ``ref("role_name")`` is its name.

    Args:
        service: the service that may take the role (its machines, or itself), as "ec2.amazonaws.com"; or the ARN of an
            OIDC provider, whose tokens are then exchanged for it.
        trust_condition: what else must be true of who takes it, as a Condition of IAM; nothing by default. Of several
            values, as a list, one has to be true.
        policies: its inline policies by name, each a policy document. One added by hand is drift, and is taken away.
        managed_policies: the ARNs of the managed policies attached to it, all of them.
        permissions_boundary: the ARN of the managed policy that limits what all others can give it; "": none does,
            None: whatever is there stays.
            https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
        role_name: its name in IAM, unique in the account; "deployment--name--region" by default.
    """

    service: Input[str] = "ec2.amazonaws.com"
    trust_condition: Mapping[str, Mapping[str, Input[str] | list[str]]] = field(default_factory=dict)
    policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    managed_policies: Iterable[Input[str]] = ()
    permissions_boundary: str | None = None
    role_name: str | None = None

    kind = "role"
    free = True
    initial = frozenset({"role_name"})
    unordered = frozenset({"managed_policies"})
    tables = ("roles",)
    permissions = frozenset(
        {
            "iam:AttachRolePolicy",
            "iam:CreateRole",
            "iam:DeleteRole",
            "iam:DeleteRolePermissionsBoundary",
            "iam:DeleteRolePolicy",
            "iam:DetachRolePolicy",
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:ListAttachedRolePolicies",
            "iam:ListRolePolicies",
            "iam:ListRoles",
            "iam:PutRolePermissionsBoundary",
            "iam:PutRolePolicy",
            "iam:TagRole",
            "iam:UpdateAssumeRolePolicy",
        }
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        documents = {name: PolicyDocument(document) for name, document in self.policies.items()}
        object.__setattr__(self, "policies", documents)
        object.__setattr__(self, "trust_condition", Condition(self.trust_condition))

    def named(self, aws: Aws) -> str:
        return self.role_name or self.usual_name(aws)

    @classmethod
    def names_under(cls, aws: Aws) -> Iterable[str]:
        listed = aws.read_cache.read("roles", lambda: aws.pages("iam.ListRoles", "Roles", PathPrefix=path(aws)))
        return [role["RoleName"] for role in listed if role["Path"] == path(aws)]

    @classmethod
    def look(cls, aws: Aws, name: str) -> Actual | None:
        return aws.read_cache.read("roles", lambda: _look(aws, name), name)

    def create(self, aws: Aws) -> Actual | None:
        name = self.named(aws)
        # In the same call: who may make roles only with a boundary could not put it on afterwards.
        boundary: dict[str, Any] = (
            {"PermissionsBoundary": self.permissions_boundary} if self.permissions_boundary else {}
        )
        aws.create(
            "iam.CreateRole",
            self.address,
            keep=self.keep,
            RoleName=name,
            Path=path(aws),
            Description=f"Made by dify_aws for {aws.deployment}",
            AssumeRolePolicyDocument=_trust(self.service, self.trust_condition).text(),
            **boundary,
        )
        return self.made(
            aws,
            role_arn(aws, path(aws), name),
            {"role_name": name},
            policies={},
            managed_policies=frozenset(),
            permissions_boundary=self.permissions_boundary or "",
        )

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        role = actual["role_name"]
        # First: IAM may allow the rest only on a role that has it.
        if "permissions_boundary" in names and self.permissions_boundary:
            boundary = self.permissions_boundary
            aws.call("iam.PutRolePermissionsBoundary", RoleName=role, PermissionsBoundary=boundary)
        elif "permissions_boundary" in names:
            delete(aws, "iam.DeleteRolePermissionsBoundary", RoleName=role)
        if names & {"service", "trust_condition"}:
            trust = _trust(self.service, self.trust_condition).text()
            aws.call("iam.UpdateAssumeRolePolicy", RoleName=role, PolicyDocument=trust)
        if "policies" in names:
            for name, document in self.policies.items():
                if actual["policies"].get(name) != document:
                    text = PolicyDocument(document).text()
                    aws.call("iam.PutRolePolicy", RoleName=role, PolicyName=name, PolicyDocument=text)
            for name in actual["policies"].keys() - self.policies.keys():
                delete(aws, "iam.DeleteRolePolicy", RoleName=role, PolicyName=name)
        if "managed_policies" in names:
            desired = frozenset(self.managed_policies)
            for policy in sorted(str(each) for each in desired - actual["managed_policies"]):
                aws.call("iam.AttachRolePolicy", RoleName=role, PolicyArn=policy)
            for policy in sorted(actual["managed_policies"] - desired):
                delete(aws, "iam.DetachRolePolicy", RoleName=role, PolicyArn=policy)

    def retag(self, aws: Aws, actual: Actual, tags: Mapping[str, str]) -> None:
        aws.call("iam.TagRole", RoleName=actual["role_name"], Tags=tag_list(tags))

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        role = actual["role_name"]
        # IAM deletes a role only when nothing is attached to it any more.
        for policy in sorted(actual["managed_policies"]):
            delete(aws, "iam.DetachRolePolicy", RoleName=role, PolicyArn=policy)
        for name in sorted(actual["policies"]):
            delete(aws, "iam.DeleteRolePolicy", RoleName=role, PolicyName=name)
        delete(aws, "iam.DeleteRole", RoleName=role)


def _look(aws: Aws, name: str) -> Actual | None:
    try:
        role = aws.call("iam.GetRole", RoleName=name)["Role"]
        policies = {
            each: PolicyDocument.read(aws.call("iam.GetRolePolicy", RoleName=name, PolicyName=each)["PolicyDocument"])
            for each in aws.pages("iam.ListRolePolicies", "PolicyNames", RoleName=name)
        }
        attached = aws.pages("iam.ListAttachedRolePolicies", "AttachedPolicies", RoleName=name)
    except AwsError as error:
        if not is_deleted(error):
            raise
        return None
    values = {
        **_trusted(PolicyDocument.read(role["AssumeRolePolicyDocument"])),
        "policies": policies,
        "managed_policies": frozenset(policy["PolicyArn"] for policy in attached),
        "permissions_boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
    }
    return observe(Role, role_arn(aws, role["Path"], name), role.get("Tags"), values, role_name=name)


def _trust(service: Input[str], condition: Mapping[str, Any]) -> PolicyDocument:
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    if PROVIDER in str(service):
        statement |= {"Principal": {"Federated": service}, "Action": "sts:AssumeRoleWithWebIdentity"}
    if condition:
        statement["Condition"] = condition
    return PolicyDocument.of([statement])


def _trusted(document: PolicyDocument) -> dict[str, Any]:
    """Which service is trusted, and on what condition; of a document that says anything else, the whole document."""
    for statement in document.statements:
        condition = Condition(statement.element("Condition") or {})
        principal = statement.element("Principal")
        for service in _principals(principal):
            if document == _trust(service, condition):
                return {"service": service, "trust_condition": condition}
    return {"service": document.text(), "trust_condition": Condition()}


def _principals(principal: Any) -> list[str]:
    found = [principal.get(kind) for kind in ("Service", "Federated")] if isinstance(principal, Mapping) else []
    return [str(name) for names in found for name in (names if isinstance(names, list) else [names]) if name]
