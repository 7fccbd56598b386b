"""OidcProviders: an account has one for a URL, and its client ids can be changed."""

from __future__ import annotations

from typing import Any

from dify_aws.offline.world import World
from tests.offline.refusals import refused

URL = "https://token.actions.githubusercontent.com"


def test_client_ids_change(world: World) -> None:
    """Adding one that is there and taking away one that is not are no errors.

    https://docs.aws.amazon.com/IAM/latest/APIReference/API_AddClientIDToOpenIDConnectProvider.html
    """
    iam: Any = world.session.client("iam")
    arn = iam.create_open_id_connect_provider(Url=URL, ClientIDList=["a"])["OpenIDConnectProviderArn"]
    for _ in range(2):
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="b")
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == ["a", "b"]
    for _ in range(2):
        iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="a")
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == ["b"]
    with refused("NoSuchEntity", 404):
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=f"{arn}x", ClientID="b")


def test_a_url_has_one_provider(world: World) -> None:
    iam: Any = world.session.client("iam")
    iam.create_open_id_connect_provider(Url=URL, ClientIDList=["a"])
    with refused("EntityAlreadyExists", 409):
        iam.create_open_id_connect_provider(Url=URL, ClientIDList=["b"])
