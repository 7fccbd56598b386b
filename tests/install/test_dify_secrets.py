"""DifySecrets: made as Dify needs them, kept for ever, and never shown."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from dataclasses import replace

import pytest

from dify_aws.runtimes.compose.dify_secrets import DifySecrets
from dify_aws.secrets import Secret


def test_each_is_as_dify_takes_it() -> None:
    """Safe in a URL; 32 bytes where the agents' backend counts them; short where Dify's page does."""
    made = DifySecrets.generate()
    assert made.missing == ()
    texts = [value.reveal() for value in made.values]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{24,}", text) for text in texts)
    assert len(set(texts)) == len(texts)
    assert len(urlsafe_b64decode(made.agent_server_secret_key.reveal() + "=")) == 32
    assert len(made.init_password.reveal()) <= 30
    assert re.fullmatch(r"(?=.*[a-zA-Z])(?=.*\d).{8,}", made.admin_password.reveal())
    assert DifySecrets.generate() != made


def test_json_and_back() -> None:
    """One document holds them all."""
    made = DifySecrets.generate()
    assert DifySecrets.from_json(made.to_json()) == made


def test_an_upgrade_adds_and_never_changes() -> None:
    """A document that an older release wrote is completed; what is in it locks data that is there, so it stays."""
    made = DifySecrets.generate()
    old = {name: text for name, text in json.loads(made.to_json()).items() if not name.startswith("agent_")}
    found = DifySecrets.from_json(json.dumps(old))
    assert found.missing == ("agent_api_token", "agent_server_secret_key", "agent_sandbox_token")
    completed = found.completed()
    assert completed.missing == ()
    assert {name: text for name, text in json.loads(completed.to_json()).items() if name in old} == old
    assert completed.completed() == completed


def test_what_a_newer_release_made_is_kept() -> None:
    """Going back one release and forth again loses nothing."""
    text = json.dumps({**json.loads(DifySecrets.generate().to_json()), "not_known_yet": "kept"})
    found = DifySecrets.from_json(text).completed()
    assert json.loads(found.to_json())["not_known_yet"] == "kept"
    assert Secret("kept") in found.values


def test_an_empty_one_is_made() -> None:
    """Empty is what nobody has made yet, not a password."""
    found = replace(DifySecrets.generate(), db_password=Secret(""))
    assert found.missing == ("db_password",)
    assert found.completed().db_password != Secret("")


@pytest.mark.parametrize(
    "text", ["", "hunter2", '["hunter2"]', '{"secret_key": {"hunter2": 1}}', '{"secret_key": "hunter2"']
)
def test_what_is_no_such_document_is_refused_and_not_quoted(text: str) -> None:
    """The message may be logged; what was in the secret may not, nor in the error that it came from."""
    with pytest.raises(ValueError, match=r"it is|not a text") as caught:
        DifySecrets.from_json(text)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_never_shown() -> None:
    """Not by repr, str or format, not even the number of characters."""
    made = DifySecrets.generate()
    for shown in (repr(made), str(made), f"{made}"):
        assert not any(value.reveal() in shown for value in made.values)
