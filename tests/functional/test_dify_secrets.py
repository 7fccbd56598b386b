"""The secrets of Dify in Secrets Manager: made once, however many runs make them, and whenever one of them dies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dify_aws import Aws, offline
from dify_aws.errors import AwsError, SettingsError
from dify_aws.offline.world import World
from dify_aws.operations.credentials import dify_secrets
from dify_aws.secrets import Secret

NAME = "dify/dev/application"


@pytest.fixture
def world() -> Iterator[World]:
    """Where the document is, and nothing is in it yet."""
    with offline() as world:
        world.session.client("secretsmanager").create_secret(Name=NAME, SecretString="{}")
        yield world


def run(world: World) -> Aws:
    """A process of its own, which knows nothing of the others."""
    return Aws(world.session, deployment="dify/dev")


def kept(world: World) -> dict[str, str]:
    found: dict[str, str] = json.loads(
        world.session.client("secretsmanager").get_secret_value(SecretId=NAME)["SecretString"]
    )
    return found


class Between:
    """An ``Aws`` of which something else happens right before the first document is kept."""

    def __init__(self, aws: Aws, happens: Callable[[], object]) -> None:
        self._aws = aws
        self._happens: Callable[[], object] | None = happens

    def call(self, operation: str, **parameters: Any) -> Any:
        if operation == "secretsmanager.PutSecretValue" and self._happens:
            happens, self._happens = self._happens, None
            happens()
        return self._aws.call(operation, **parameters)


def test_two_runs_at_the_same_moment_end_with_the_same_secrets(world: World) -> None:
    """Both have read that there is none; what the second makes is not kept, and it goes on with the first one's."""
    first = []
    second = dify_secrets.completed(
        Between(run(world), lambda: first.append(dify_secrets.completed(run(world), NAME))),  # type: ignore[arg-type]
        NAME,
    )
    assert first == [second]
    assert json.loads(second.to_json()) == kept(world)


def test_an_answer_that_was_lost_makes_no_second_secrets(world: World) -> None:
    """The document was kept and the connection broke: what is asked again is the same, so AWS takes it once."""
    world.faults.lose_answer("PutSecretValue")
    made = dify_secrets.completed(run(world), NAME)
    assert json.loads(made.to_json()) == kept(world)
    assert dify_secrets.completed(run(world), NAME) == made


def test_a_run_that_cannot_keep_them_uses_none(world: World) -> None:
    """Secrets that are in use and nowhere kept would lock everybody out of the data."""
    world.faults.refuse("PutSecretValue", "AccessDeniedException")
    with pytest.raises(AwsError, match="AccessDenied"):
        dify_secrets.completed(run(world), NAME)
    assert kept(world) == {}


PEPPER = Secret("of-an-earlier-Dify")


def test_a_pepper_that_is_given_outlives_the_setting(world: World) -> None:
    """It is kept beside the other secrets, so that a later run without it in env still has it."""
    secrets = dify_secrets.completed(run(world), NAME)
    dify_secrets.with_pepper(run(world), NAME, secrets, PEPPER, dry_run=False)
    assert kept(world)["password_pepper"] == PEPPER.reveal()
    assert dify_secrets.completed(run(world), NAME).password_pepper == PEPPER


def test_a_dry_run_keeps_no_pepper(world: World) -> None:
    secrets = dify_secrets.completed(run(world), NAME)
    assert dify_secrets.with_pepper(run(world), NAME, secrets, PEPPER, dry_run=True).password_pepper == PEPPER
    assert "password_pepper" not in kept(world)


@pytest.mark.parametrize("dry_run", [True, False])
def test_another_pepper_is_refused(world: World, dry_run: bool) -> None:
    secrets = dify_secrets.completed(run(world), NAME)
    secrets = dify_secrets.with_pepper(run(world), NAME, secrets, PEPPER, dry_run=False)
    with pytest.raises(SettingsError, match="hashed with another PASSWORD_PEPPER") as caught:
        dify_secrets.with_pepper(run(world), NAME, secrets, Secret("another-one"), dry_run=dry_run)
    assert "another-one" not in str(caught.value)
    assert kept(world)["password_pepper"] == PEPPER.reveal()
