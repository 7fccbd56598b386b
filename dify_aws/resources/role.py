"""Role: what the programs on a machine may do in AWS."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dify_aws.aws import Aws
from dify_aws.aws.birth import tag_list
from dify_aws.engine.resource import Actual, Input
from dify_aws.errors import AwsError
from dify_aws.resources.gone import delete, gone_already
from dify_aws.resources.iam import IamResource, path
from dify_aws.resources.sighting import sighted


@dataclass(frozen=True, kw_only=True, eq=False)
class Role(IamResource):
    """An IAM role. Its id is its ARN; ``ref("role_name")`` is its name.

    Args:
        service: the service whose machines may take the role, as "ec2.amazonaws.com".
        policies: its inline policies by name, each a policy document. One added by hand is drift, and is taken away.
        managed_policies: the ARNs of the managed policies attached to it, all of them.
        role_name: its name in IAM, unique in the account; "deployment-name-region" by default.
    """

    service: str = "ec2.amazonaws.com"
    policies: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    managed_policies: Iterable[Input[str]] = ()
    role_name: str | None = None

    kind = "role"
    initial = frozenset({"role_name"})
    unordered = frozenset({"managed_policies"})
    tables = ("roles",)
    permissions = frozenset(
        {
            "iam:AttachRolePolicy",
            "iam:CreateRole",
            "iam:DeleteRole",
            "iam:DeleteRolePolicy",
            "iam:DetachRolePolicy",
            "iam:GetRole",
            "iam:GetRolePolicy",
            "iam:ListAttachedRolePolicies",
            "iam:ListRolePolicies",
            "iam:ListRoles",
            "iam:PutRolePolicy",
            "iam:TagRole",
            "iam:UpdateAssumeRolePolicy",
        }
    )

    def named(self, aws: Aws) -> str:
        return self.role_name or self.usual_name(aws)

    @classmethod
    def names_under(cls, aws: Aws) -> Iterable[str]:
        listed = aws.census.read("roles", lambda: aws.pages("iam.ListRoles", "Roles", PathPrefix=path(aws)))
        return [role["RoleName"] for role in listed if role["Path"] == path(aws)]

    @classmethod
    def look(cls, aws: Aws, name: str) -> Actual | None:
        return aws.census.read("roles", lambda: _look(aws, name), name)

    def create(self, aws: Aws) -> Actual | None:
        name = self.named(aws)
        answer = aws.create(
            "iam.CreateRole",
            self.address,
            keep=self.keep,
            RoleName=name,
            Path=path(aws),
            Description=f"Made by dify_aws for {aws.deployment}",
            AssumeRolePolicyDocument=_trust(self.service),
        )
        return self.made(aws, answer["Role"]["Arn"], {"role_name": name}, policies={}, managed_policies=frozenset())

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        role = actual["role_name"]
        if "service" in names:
            aws.call("iam.UpdateAssumeRolePolicy", RoleName=role, PolicyDocument=_trust(self.service))
        if "policies" in names:
            for name, document in self.policies.items():
                if actual["policies"].get(name) != document:
                    said = json.dumps(document)
                    aws.call("iam.PutRolePolicy", RoleName=role, PolicyName=name, PolicyDocument=said)
            for name in actual["policies"].keys() - self.policies.keys():
                delete(aws, "iam.DeleteRolePolicy", RoleName=role, PolicyName=name)
        if "managed_policies" in names:
            wished = frozenset(self.managed_policies)
            for policy in sorted(str(each) for each in wished - actual["managed_policies"]):
                aws.call("iam.AttachRolePolicy", RoleName=role, PolicyArn=policy)
            for policy in sorted(actual["managed_policies"] - wished):
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
            each: _document(aws.call("iam.GetRolePolicy", RoleName=name, PolicyName=each)["PolicyDocument"])
            for each in aws.pages("iam.ListRolePolicies", "PolicyNames", RoleName=name)
        }
        attached = aws.pages("iam.ListAttachedRolePolicies", "AttachedPolicies", RoleName=name)
    except AwsError as error:
        if not gone_already(error):
            raise
        return None
    values = {
        "service": _trusted(_document(role["AssumeRolePolicyDocument"])),
        "policies": policies,
        "managed_policies": frozenset(policy["PolicyArn"] for policy in attached),
    }
    return sighted(Role, role["Arn"], role.get("Tags"), values, role_name=name)


def _trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _trusted(document: Any) -> str:
    """The service that is trusted, or the whole document where it says anything else."""
    try:
        service = document["Statement"][0]["Principal"]["Service"]
    except (KeyError, IndexError, TypeError):
        service = None
    if isinstance(service, str) and document == json.loads(_trust(service)):
        return service
    return json.dumps(document, sort_keys=True)


def _document(document: Any) -> Any:
    """botocore decodes policy documents, except where the answer holds them twice encoded."""
    return json.loads(document) if isinstance(document, str) else document
