"""The secrets of one Dify where they are kept: made once, in AWS Secrets Manager, and read ever after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID, uuid5

from dify_aws.aws import Aws
from dify_aws.aws.errors.unexpected_answer import reading
from dify_aws.errors import AwsError, DifyAwsError, Problem, SettingsError
from dify_aws.resources.secretsmanager.stored_secret import SecretUnusable
from dify_aws.runtimes.compose.dify_secrets import DifySecrets
from dify_aws.runtimes.compose.environment import PEPPER
from dify_aws.secrets import MASK, Secret

VERSIONS: Final = UUID("7f0c8a4e-6d1b-4b53-9a55-0d3b6f6f6b1e")
"""The space of the names that we give to versions."""

TRIES: Final = 5


def read(aws: Aws, name: str) -> DifySecrets:
    """The secrets as they are kept; those that are still to be made are empty.

    Raises:
        AwsError: they could not be read.
        SecretUnusable: somebody has put something else there.
    """
    return _read(aws, name)[0]


def completed(aws: Aws, name: str) -> DifySecrets:
    """The secrets as they are kept; those that are still to be made are made, and kept first.

    Two runs that make them at the same time end with the same ones: the token of the new version follows from the
    version that was read, and AWS takes one content for a token.
    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html

    Raises:
        AwsError: they could not be read or kept. None is in use then.
        SecretUnusable: somebody has put something else there.
    """
    found, version = _read(aws, name)
    if not found.missing:
        return found
    made = found.completed()
    try:
        _keep(aws, name, made, version)
    except AwsError as error:
        if error.code != "ResourceExistsException":
            raise
        return completed(aws, name)
    return made


def with_pepper(aws: Aws, name: str, secrets: DifySecrets, pepper: Secret, *, dry_run: bool) -> DifySecrets:
    """The secrets with the PASSWORD_PEPPER that ``Settings.env`` has, which is kept: it must outlive that setting.

    Args:
        aws: the account.
        name: of the secret in Secrets Manager.
        secrets: as they are kept.
        pepper: the value that was given.
        dry_run: keep nothing.

    Raises:
        SettingsError: another one is kept already.
        AwsError: it could not be kept.
    """
    try:
        if dry_run or secrets.password_pepper == pepper:
            return secrets.with_pepper(pepper)
        return change(aws, name, lambda found: found.with_pepper(pepper))
    except ValueError as error:
        right = "Leave it out: the one that is kept in AWS Secrets Manager is used. With another, nobody could log in"
        raise SettingsError([Problem("env", {PEPPER: MASK}, f"is refused: {error}", right)]) from None


def change(aws: Aws, name: str, edit: Callable[[DifySecrets], DifySecrets]) -> DifySecrets:
    """The secrets after a change, which is made to what is kept now.

    Two runs that change them at the same time do so one after the other, and neither change is lost.

    Args:
        wish: what they shall be, by what they are; called again if another run was faster.

    Raises:
        AwsError: they could not be read or kept; nothing was changed.
        ValueError: somebody has put something else there.
    """
    for _ in range(TRIES):
        found, version = _read(aws, name)
        if (edited := edit(found)) == found:
            return found
        try:
            _keep(aws, name, edited, version)
        except AwsError as error:
            if error.code != "ResourceExistsException":
                raise
        else:
            return edited
    raise DifyAwsError(f"{name} was changed by others {TRIES} times in a row. Run again.")


def _keep(aws: Aws, name: str, secrets: DifySecrets, version: str) -> None:
    """Put a version that follows this one. AWS takes one content for a token, so nobody else's can follow it, too."""
    token = str(uuid5(VERSIONS, f"{name} {version}"))
    aws.call("secretsmanager.PutSecretValue", SecretId=name, SecretString=secrets.to_json(), ClientRequestToken=token)


def _read(aws: Aws, name: str) -> tuple[DifySecrets, str]:
    answer = aws.call("secretsmanager.GetSecretValue", SecretId=name)
    with reading(name, "know the secrets of Dify"):
        try:
            # A secret that was set as bytes has no text.
            return DifySecrets.from_json(answer.get("SecretString", "")), answer["VersionId"]
        except ValueError as error:
            raise SecretUnusable(aws.region, name, str(error)) from error
