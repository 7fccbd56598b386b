"""A secret that somebody has edited is named, with what is wrong, and is never quoted."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dify_aws import Deployment, DifyAwsError, Settings
from dify_aws.offline.world import World
from dify_aws.operations.access.host_key import TAG_HOST_KEY
from dify_aws.resources.secretsmanager.stored_secret import SecretUnusable

SETTINGS = Settings(environment="dev", admin_email="admin@example.com")
APPLICATION = "dify/dev/application"
SSH = "dify/dev/ssh-private-key"


@pytest.fixture
def deployed(world: World) -> Deployment:
    deployment = Deployment(SETTINGS, session=world.session)
    deployment.deploy()
    return deployment


def put(world: World, name: str, **value: Any) -> None:
    world.session.client("secretsmanager").put_secret_value(SecretId=name, **value)


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ({"SecretString": '{"secret_key": "hunter2"'}, "it is not JSON (Expecting ',' delimiter: line 1, column 25)"),
        ({"SecretString": "hunter2"}, "it is not JSON"),
        ({"SecretString": '["hunter2"]'}, "no object: list"),
        ({"SecretString": json.dumps({"db_password": 12, "secret_key": "hunter2"})}, "db_password: not a text"),
        ({"SecretString": json.dumps({"hunter2": None})}, "an entry that dify_aws does not know: not a text"),
        ({"SecretString": "[" * 100_000}, "it is not JSON"),
        ({"SecretBinary": b"hunter2"}, "it is not JSON"),
    ],
)
def test_the_secrets_of_dify(world: World, deployed: Deployment, value: dict[str, Any], wrong: str) -> None:
    """With the way to what was there before; and nothing is made in its place."""
    put(world, APPLICATION, **value)
    with pytest.raises(SecretUnusable) as caught:
        deployed.install()
    assert wrong in str(caught.value)
    assert APPLICATION in str(caught.value)
    assert "AWSPREVIOUS" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    stored = world.session.client("secretsmanager").get_secret_value(SecretId=APPLICATION)
    assert stored.get("SecretString", stored.get("SecretBinary")) in value.values()


@pytest.mark.parametrize("value", [{"SecretString": "hunter2"}, {"SecretBinary": b"hunter2"}])
def test_the_ssh_key(world: World, deployed: Deployment, value: dict[str, Any]) -> None:
    put(world, SSH, **value)
    with pytest.raises(SecretUnusable, match=SSH) as caught:
        deployed.install()
    assert "hunter2" not in str(caught.value)


def test_the_pinned_host_key(world: World, deployed: Deployment) -> None:
    """It is not taken for a machine that was never met: the next key that comes along would be believed."""
    instance = deployed.outputs().instance_id
    tags: Any = [{"Key": TAG_HOST_KEY, "Value": f"{instance} ssh-ed25519 rubbish"}]
    world.session.client("secretsmanager").tag_resource(SecretId=SSH, Tags=tags)
    with pytest.raises(DifyAwsError, match=r"holds no host key any more.*\n?.*pin_host_key"):
        deployed.install()
