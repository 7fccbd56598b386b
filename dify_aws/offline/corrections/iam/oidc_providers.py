"""OIDC providers: the client ids of an existing provider can be changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects

_CHANGES = ("AddClientIDToOpenIDConnectProvider", "RemoveClientIDFromOpenIDConnectProvider")


@corrects(
    "moto.iam.responses:IamResponse",
    "call_action",
    says="Client ids can be added and removed; repeating it changes nothing.",
    link="https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddClientIDToOpenIDConnectProvider.html",
)
def client_ids_change(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    action = response._get_action()
    if action not in _CHANGES:
        return original()
    try:
        provider = response.backend.get_open_id_connect_provider(response._get_param("OpenIDConnectProviderArn"))
    except ServiceException as error:
        return response.serialized(ActionResult(error))
    others = [each for each in provider.client_id_list if each != response._get_param("ClientID")]
    added = [response._get_param("ClientID")] if action == _CHANGES[0] else []
    provider.client_id_list = [*others, *added]
    return response.serialized(EmptyResult())


CORRECTIONS = (client_ids_change,)
