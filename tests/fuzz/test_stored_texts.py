"""Records, secrets, tags and pinned host keys that others can write: a value, or an error that names them."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dify_aws import Aws, DifyAwsError, Settings
from dify_aws.aws.create_request import TAG_DEPLOYMENT, tag_map
from dify_aws.foreign_json import is_deeper
from dify_aws.offline.world import World
from dify_aws.operations.access.host_key import KEYS_BEGIN, KEYS_END, TAG_HOST_KEY, console_keys, pinned_key
from dify_aws.operations.credentials import dify_secrets
from dify_aws.operations.credentials.registry_login import registry_login
from dify_aws.operations.history.record import Record
from dify_aws.resources.secretsmanager.stored_secret import SecretUnusable
from dify_aws.resources.vpc.lease_tag import LeaseTag
from dify_aws.runtimes.compose.dify_secrets import DifySecrets
from tests.support.fuzzing import EDITS, TEXTS, VALUES, edit, examples

WHERE: Final = "s3://bucket/records/dify/dev/00000001.json"
RECORD: Final = {
    "account": "123456789012",
    "deployment": "dify/dev",
    "region": "ap-northeast-1",
    "verb": "apply",
    "at": "2026-12-01T09:30:00+00:00",
    "who": "arn:aws:iam::123456789012:user/ann",
    "versions": {"dify-aws": "0.1.0", "dify": "1.17.1"},
    "settings": {"environment": "dev", "env": ["LOG_LEVEL"], "tags": {"team": "ml"}},
    "outputs": {"url": "http://203.0.113.7", "subnets": {"public": "subnet-1"}},
    "changes": [{"verb": "create", "address": "vpc/main", "changes": [{"attribute": "cidr"}]}],
    "images": {"nginx:1": "sha256:" + "0" * 64},
}
NAME: Final = "dify/dev/registry"
KEY: Final = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJf9XlDmvLj0fNqkq4mGvIuBnzTqz1vTfnyyI9BHLB9q"


def written(value: Any) -> str:
    """JSON of a value; of one that is nested too deep for Python's own writer, another that is."""
    return "[" * 3000 if is_deeper(value, 200) else json.dumps(value, default=repr)


@examples(200)
@given(EDITS, EDITS)
def test_a_record(one: tuple[int, Any], other: tuple[int, Any]) -> None:
    """What is taken can be shown, and written again."""
    value = json.loads(json.dumps(RECORD))
    edit(value, one)
    edit(value, other)
    text = written(value)
    try:
        record = Record.read(1, text, WHERE)
    except DifyAwsError as error:
        assert WHERE in str(error)  # noqa: PT017 - any other error is what is looked for
        return
    assert str(record)
    assert json.loads(record.to_json())["verb"] == record.verb


@examples(100)
@given(st.one_of(TEXTS, st.dictionaries(st.sampled_from(["db_password", "x", "username", "password"]), VALUES)))
def test_the_secrets_of_dify(value: Any) -> None:
    """Nothing of them is in the error."""
    text = value if isinstance(value, str) else written(value)
    try:
        assert isinstance(DifySecrets.from_json(text), DifySecrets)
    except ValueError as error:
        assert not isinstance(error, UnicodeError)  # noqa: PT017


@pytest.mark.parametrize(
    "text", ["[" * 30_000, "", "\x00", "9" * 5000, '{"username": []}', '{"a":' * 900 + "1" + "}" * 900]
)
def test_a_secret_of_any_text_is_named(world: World, text: str) -> None:
    aws = Aws(world.session, deployment="dify/dev")
    aws.call("secretsmanager.CreateSecret", Name=NAME, SecretString=text or " ")
    settings = Settings(environment="dev", image_registry="registry.your-company.com", registry_secret=NAME)
    with pytest.raises(DifyAwsError, match=f"{NAME} is no login to a registry"):
        registry_login(aws, settings)
    with pytest.raises(SecretUnusable, match=f"the secret {NAME} in ap-northeast-1 was edited"):
        dify_secrets.read(aws, NAME)


@examples(200)
@given(st.one_of(VALUES, st.lists(st.one_of(VALUES, st.dictionaries(st.sampled_from(["Key", "Value"]), VALUES)))))
def test_tags(tags: Any) -> None:
    found = tag_map(tags)
    assert all(isinstance(text, str) for pair in found.items() for text in pair)
    LeaseTag.read(tags)


@examples(30)
@given(st.one_of(TEXTS, st.builds("i-1 {}".format, TEXTS), st.just(f"i-1 {KEY}")))
def test_a_pinned_host_key(value: str) -> None:
    """What is asked of AWS is answered with that tag; beside it stand tags of other forms."""
    answer = {"Tags": [{"Key": TAG_DEPLOYMENT}, {"Key": TAG_HOST_KEY, "Value": value}]}
    aws: Any = type("Answering", (), {"call": lambda self, operation, **params: answer})()
    try:
        assert pinned_key(aws, "secret", "i-1") in (None, *([value[4:]] if value.startswith("i-1 ssh-") else []))
    except DifyAwsError as error:
        assert "the tag dify-aws:host-key of the secret secret was edited" in str(error)  # noqa: PT017


@examples(200)
@given(st.lists(st.one_of(TEXTS, st.sampled_from([KEYS_BEGIN, KEYS_END, KEY, "\r\n", "[  3.1] kernel: "]))))
def test_a_console_log(pieces: list[str]) -> None:
    output = "".join(pieces)
    found = console_keys(output)
    assert not found or KEYS_BEGIN in output[: output.rindex(KEYS_END)]
    assert all(kind in output and key in output for kind, key in found.items())
