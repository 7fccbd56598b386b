"""Secrets: the name of a secret that is scheduled for deletion is still in use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.secretsmanager.exceptions import InvalidRequestException
from moto.secretsmanager.models import secretsmanager_backends

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects


@corrects(
    "moto.secretsmanager.responses:SecretsManagerResponse",
    "create_secret",
    says="A secret cannot be created while another with its name is scheduled for deletion.",
    link="https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html",
)
def a_deleted_name_is_taken(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    secret = secretsmanager_backends[response.current_account][response.region].secrets.get(response._get_param("Name"))
    if secret is not None and secret.is_deleted():
        raise InvalidRequestException(
            "You can't create this secret because a secret with this name is already scheduled for deletion."
        )
    return original()


CORRECTIONS = (a_deleted_name_is_taken,)
