"""StoredSecret: a secret in AWS Secrets Manager: made once, read ever after."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from dify_aws.aws import Aws
from dify_aws.aws.create_request import tag_list, tag_map
from dify_aws.aws.errors.error_meaning import is_deleted
from dify_aws.engine.resource import Actual, Input, Resource
from dify_aws.errors import AwsError, DifyAwsError, NotConverged
from dify_aws.resources.deletion import delete
from dify_aws.resources.ec2.ssh_key import new_ssh_key
from dify_aws.resources.named_resource import NamedResource
from dify_aws.resources.observe import observe
from dify_aws.secrets import Secret

NAME_FREE_SECONDS: Final = 60.0
"""How long the name of a secret that was deleted without a recovery window may stay taken."""

TAG_PUBLIC_KEY: Final = "dify-aws:public-key"
"""The public half of a generated SSH key stands beside the private one from the same call on, so the two always fit and
nobody has to read the private half to know the public one."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredSecret(NamedResource):
    """A secret in Secrets Manager. Its id is its name.

    Either its ``value`` is given, and is put right when it differs; or it is generated when it is made and never again,
    because something was encrypted or opened with it.

    Args:
        secret_name: its name in Secrets Manager; "deployment/name" by default.
        description: what it is for.
        value: what it holds.
        generate: "ssh-key" (ed25519; ``ref("public_key")`` is its public half), "token" (43 URL-safe characters) or
            "document" (an empty JSON object, for somebody else to fill).
    """

    secret_name: str | None = None
    description: str = ""
    value: Input[str] | Secret | None = None
    generate: Literal["ssh-key", "token", "document"] | None = None

    kind = "secret"
    # The key of a machine that could not be deleted is all that opens it.
    goes_after = frozenset({"instance"})
    initial = frozenset({"secret_name", "generate"})
    tables = ("secrets",)
    indexed_as = "secretsmanager"
    in_arn = ":secret:"
    permissions = frozenset(
        {
            "secretsmanager:CreateSecret",
            "secretsmanager:DeleteSecret",
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:PutSecretValue",
            "secretsmanager:RestoreSecret",
            "secretsmanager:TagResource",
            "secretsmanager:UpdateSecret",
            "tag:GetResources",
        }
    )

    @classmethod
    def holds_data(cls, actual: Actual, desired: Resource | None) -> bool:
        # What an unknown secret opens, nobody knows: only one whose wish says that it opens no data is given up.
        return desired is None or super().holds_data(actual, desired)

    def named(self, aws: Aws) -> str:
        return self.secret_name or f"{aws.deployment}/{self.name}"

    def find(self, aws: Aws) -> Actual | None:
        actual = super().find(aws)
        if actual is None or self.value is None:
            return actual
        stored = aws.read_cache.read("secrets", lambda: read_secret(aws, actual.id), actual.id, "value")
        shown = stored if isinstance(self.value, Secret) else stored and stored.reveal()
        return replace(actual, values={**actual.values, "value": shown})

    @classmethod
    def look(cls, aws: Aws, name: str) -> Actual | None:
        found = _described(aws, name)
        if found is None or "DeletedDate" in found:
            return None
        tags = found.get("Tags")
        public = tag_map(tags).get(TAG_PUBLIC_KEY, "")
        values = {"description": found.get("Description", ""), "value": None}
        copies = tuple(each["Region"] for each in found.get("ReplicationStatus", ()))
        return observe(cls, name, tags, values, arn=found["ARN"], public_key=public, replicas=copies)

    @classmethod
    def name_in(cls, arn: str) -> str:
        # AWS appends a hyphen and six characters to the name.
        return super().name_in(arn)[:-7]

    def create(self, aws: Aws) -> Actual | None:
        def made_or_restored() -> Actual | bool | None:
            try:
                return self._make(aws)
            except AwsError as error:
                if error.code != "InvalidRequestException" or "deletion" not in error.message:
                    raise
                return _restored(aws, self.named(aws))

        made = aws.retries.until(made_or_restored, NAME_FREE_SECONDS)
        if made is None:
            raise NotConverged(self.address, f"{self.named(aws)} is still being deleted. Run again in some minutes.")
        return made if isinstance(made, Actual) else None

    def _make(self, aws: Aws) -> Actual:
        tags: dict[str, str] = {}
        if self.generate == "ssh-key":
            value, tags[TAG_PUBLIC_KEY] = new_ssh_key()
        elif self.generate == "token":
            value = Secret(secrets.token_urlsafe(32))
        elif self.generate == "document":
            value = Secret("{}")
        else:
            value = self.value if isinstance(self.value, Secret) else Secret(str(self.value))
        answer = aws.create(
            "secretsmanager.CreateSecret",
            self.address,
            keep=self.keep,
            tags=tags,
            Name=self.named(aws),
            Description=self.description,
            SecretString=value,
        )
        facts = {"arn": answer["ARN"], "public_key": tags.get(TAG_PUBLIC_KEY, ""), "replicas": ()}
        return self.made(aws, self.named(aws), facts)

    def update(self, aws: Aws, actual: Actual, names: frozenset[str]) -> None:
        if "description" in names:
            aws.call("secretsmanager.UpdateSecret", SecretId=actual.id, Description=self.description)
        if "value" in names:
            value = self.value.reveal() if isinstance(self.value, Secret) else str(self.value)
            aws.call("secretsmanager.PutSecretValue", SecretId=actual.id, SecretString=value)

    def retag(self, aws: Aws, actual: Actual, tags: Mapping[str, str]) -> None:
        aws.call("secretsmanager.TagResource", SecretId=actual.id, Tags=tag_list(tags))

    @classmethod
    def protection(cls, aws: Aws, actual: Actual) -> tuple[str, str] | None:
        # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html
        if not actual["replicas"]:
            return None
        regions = " ".join(actual["replicas"])
        remove = f"aws secretsmanager remove-regions-from-replication --secret-id {actual.id} --remove-replica-regions"
        return f"replicas in {regions}", f"{remove} {regions}"

    @classmethod
    def delete(cls, aws: Aws, actual: Actual) -> None:
        # Without a recovery window: it would block the name, and the next apply, for a week or more.
        delete(aws, "secretsmanager.DeleteSecret", SecretId=actual.id, ForceDeleteWithoutRecovery=True)


class SecretUnusable(DifyAwsError):
    """Somebody has put something into a secret that is not what belongs there. It is never quoted."""

    def __init__(self, region: str, name: str, wrong: str) -> None:
        self.name = name
        restore = (
            f"aws secretsmanager get-secret-value --region {region} --secret-id {name} --version-stage AWSPREVIOUS"
        )
        super().__init__(
            f"the secret {name} in {region} was edited, and cannot be used: {wrong}. Put back what was there: "
            f"the value before the last change is kept ({restore}). Nothing was changed."
        )


def read_secret(aws: Aws, name: str) -> Secret | None:
    """The value of a secret; None if there is no such secret or it has no value.

    Raises:
        SecretUnusable: it holds bytes, and no text.
    """
    try:
        answer = aws.call("secretsmanager.GetSecretValue", SecretId=name)
    except AwsError as error:
        if not is_deleted(error):
            raise
        return None
    if "SecretString" not in answer:
        raise SecretUnusable(aws.region, name, "it holds bytes, and no text")
    return Secret(answer["SecretString"])


def _restored(aws: Aws, name: str) -> bool | None:
    """Bring back a secret that somebody deleted and whose recovery window is open: what was locked with it needs it.

    None if there is none: it was deleted without a window, and AWS frees the name some seconds later.
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_DeleteSecret.html
    """
    try:
        aws.call("secretsmanager.RestoreSecret", SecretId=name)
    except AwsError as error:
        if not is_deleted(error) and error.code != "InvalidRequestException":
            raise
        return None
    return True


def _described(aws: Aws, name: str) -> dict[str, Any] | None:
    # Not ListSecrets: it may lag five minutes behind.
    # https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html
    def ask() -> dict[str, Any] | None:
        try:
            return aws.call("secretsmanager.DescribeSecret", SecretId=name)
        except AwsError as error:
            if not is_deleted(error):
                raise
            return None

    return aws.read_cache.read("secrets", ask, name)
