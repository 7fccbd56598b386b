"""InstanceProfile: the envelope in which a role is handed to an instance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dify_aws.aws import Aws
from dify_aws.aws.create_request import tag_list
from dify_aws.aws.errors.error_meaning import is_deleted
from dify_aws.engine.resource import Actual, Input
from dify_aws.errors import AwsError
from dify_aws.resources.deletion import delete
from dify_aws.resources.iam.iam_resource import IamResource, path, role_arn
from dify_aws.resources.observe import observe


@dataclass(frozen=True, kw_only=True, eq=False)
class InstanceProfile(IamResource):
    """An instance profile with its one role. Its id is its ARN.

    Args:
        role: the role in it (``role.id``).
        instance_profile_name: its name in IAM, unique in the account; "deployment--name--region" by default.
    """

    role: Input[str]
    instance_profile_name: str | None = None

    kind = "instance-profile"
    free = True
    initial = frozenset({"instance_profile_name"})
    tables = ("instance-profiles",)
    permissions = frozenset(
        {
            "iam:AddRoleToInstanceProfile",
            "iam:CreateInstanceProfile",
            "iam:DeleteInstanceProfile",
            "iam:GetInstanceProfile",
            "iam:ListInstanceProfiles",
            "iam:PassRole",
            "iam:RemoveRoleFromInstanceProfile",
            "iam:TagInstanceProfile",
        }
    )

    def named(self, aws: Aws) -> str:
        return self.instance_profile_name or self.usual_name(aws)

    @classmethod
    def names_under(cls, aws: Aws) -> Iterable[str]:
        listed = aws.read_cache.read(
            "instance-profiles",
            lambda: aws.pages("iam.ListInstanceProfiles", "InstanceProfiles", PathPrefix=path(aws)),
        )
        return [profile["InstanceProfileName"] for profile in listed if profile["Path"] == path(aws)]

    @classmethod
    def look(cls, aws: Aws, name: str) -> Actual | None:
        return aws.read_cache.read("instance-profiles", lambda: _look(aws, name), name)

    def create(self, aws: Aws) -> Actual | None:
        name = self.named(aws)
        aws.create("iam.CreateInstanceProfile", self.address, keep=self.keep, InstanceProfileName=name, Path=path(aws))
        return self.made(aws, _arn(aws, path(aws), name), {"instance_profile_name": name}, role="")

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        if "role" in names:
            name = actual["instance_profile_name"]
            if actual["role"]:
                _remove_role(aws, actual)
            try:
                aws.call("iam.AddRoleToInstanceProfile", InstanceProfileName=name, RoleName=_role_name(str(self.role)))
            except AwsError as error:
                # A profile holds one role: ours is in it already, by a run whose answer was lost. The next look tells.
                if error.code != "LimitExceeded":
                    raise

    def retag(self, aws: Aws, actual: Actual, tags: Mapping[str, str]) -> None:
        name = actual["instance_profile_name"]
        aws.call("iam.TagInstanceProfile", InstanceProfileName=name, Tags=tag_list(tags))

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        if actual["role"]:
            _remove_role(aws, actual)
        delete(aws, "iam.DeleteInstanceProfile", InstanceProfileName=actual["instance_profile_name"])


def _look(aws: Aws, name: str) -> Actual | None:
    try:
        profile = aws.call("iam.GetInstanceProfile", InstanceProfileName=name)["InstanceProfile"]
    except AwsError as error:
        if not is_deleted(error):
            raise
        return None
    roles = [role_arn(aws, role["Path"], role["RoleName"]) for role in profile.get("Roles", ())]
    values = {"role": roles[0] if roles else ""}
    return observe(
        InstanceProfile, _arn(aws, profile["Path"], name), profile.get("Tags"), values, instance_profile_name=name
    )


def _arn(aws: Aws, path: str, name: str) -> str:
    return aws.arn("iam", f"instance-profile{path}{name}", region="")


def _remove_role(aws: Aws, actual: Actual) -> None:
    delete(
        aws,
        "iam.RemoveRoleFromInstanceProfile",
        InstanceProfileName=actual["instance_profile_name"],
        RoleName=_role_name(actual["role"]),
    )


def _role_name(arn: str) -> str:
    return arn.rpartition("/")[2]
