"""Registry login: read from AWS Secrets Manager, where a person has put it."""

from __future__ import annotations

from dify_aws.aws import Aws
from dify_aws.errors import AwsError, DifyAwsError
from dify_aws.foreign_json import parse_json
from dify_aws.runtimes.compose.registry import RegistryLogin
from dify_aws.secrets import Secret
from dify_aws.settings import Settings


def registry_login(aws: Aws, settings: Settings) -> RegistryLogin | None:
    """The login to the registry of the settings; None if they name none.

    The secret is a JSON object with ``username`` and ``password``, as Amazon ECS takes it for a private registry.
    https://docs.aws.amazon.com/AmazonECS/latest/developerguide/private-auth.html

    Raises:
        DifyAwsError: there is no such secret, or it is none of these; nothing of it is shown.
        AwsError: it could not be read.
    """
    name = settings.registry_secret
    if name is None or settings.image_registry is None:
        return None
    how = (
        f"aws secretsmanager create-secret --region {settings.region} --name {name} --secret-string file://login.json, "
        'with {"username": "…", "password": "…"} in the file'
    )
    try:
        text = aws.call("secretsmanager.GetSecretValue", SecretId=name).get("SecretString", "")
    except AwsError as error:
        if error.code != "ResourceNotFoundException":
            raise
        raise DifyAwsError(
            f"registry_secret: there is no secret {name} in {settings.region}. Make it: {how}"
        ) from error
    try:
        found = parse_json(text)
        username, password = found["username"], found["password"]
    except (ValueError, LookupError, TypeError):
        username = password = None
    if not isinstance(username, str) or not isinstance(password, str) or not username or not password:
        raise DifyAwsError(f"registry_secret: {name} is no login to a registry. It has to be as in: {how}")
    registry = settings.image_registry.partition("/")[0]
    return RegistryLogin(registry=registry, username=username, password=Secret(password))
