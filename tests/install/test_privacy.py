"""Telemetry is off unless a person turns it on, and a pepper for passwords that was ever given is kept."""

from __future__ import annotations

import json

import pytest

from dify_aws.errors import SettingsError
from dify_aws.runtimes.compose.bundle import Bundle
from dify_aws.runtimes.compose.dify_secrets import NONE, DifySecrets
from dify_aws.secrets import Secret
from dify_aws.settings import Settings
from tests.support.bundles import OUTPUTS, SECRETS, bundle, given, of_dify, variables

SWITCHES = {"DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "SCARF_NO_ANALYTICS": "true"}
PEPPER = Secret("of-an-earlier-Dify")


@pytest.mark.parametrize("profile", ["compact", "full"])
def test_nothing_is_reported_to_anybody_by_default(profile: str) -> None:
    made = bundle(profile=profile)
    for service in of_dify(made):
        assert given(made, service).items() >= SWITCHES.items(), service
    assert given(made, "web")["NEXT_TELEMETRY_DISABLED"] == "1"


def test_a_person_may_turn_it_on() -> None:
    written = variables(bundle(telemetry=True))
    assert {name: written[name] for name in SWITCHES} == dict.fromkeys(SWITCHES, "false")
    assert written["NEXT_TELEMETRY_DISABLED"] == "0"


@pytest.mark.parametrize("name", [*SWITCHES, "NEXT_TELEMETRY_DISABLED"])
def test_the_variables_are_refused_in_favour_of_the_setting(name: str) -> None:
    with pytest.raises(SettingsError, match="Use the setting telemetry"):
        Settings(environment="dev", env={name: "false"})


def test_a_pepper_that_is_kept_reaches_dify() -> None:
    settings = Settings(environment="dev")
    made = Bundle.render(settings, OUTPUTS, SECRETS.with_pepper(PEPPER))
    for service in of_dify(made):
        assert given(made, service)["PASSWORD_PEPPER"] == PEPPER.reveal()
    assert PEPPER.reveal() not in made.files["compose.yaml"].text


def test_none_is_made_for_a_dify_that_has_none() -> None:
    """Its passwords were hashed without: with one, nobody could log in any more."""
    secrets = DifySecrets.generate()
    assert secrets.password_pepper == NONE
    assert "password_pepper" not in json.loads(secrets.to_json())
    assert "PASSWORD_PEPPER" not in variables(bundle())


def test_it_never_changes() -> None:
    kept = DifySecrets.from_json(SECRETS.with_pepper(PEPPER).to_json())
    assert kept.password_pepper == PEPPER
    assert kept.with_pepper(PEPPER) == kept
    with pytest.raises(ValueError, match="another PASSWORD_PEPPER") as caught:
        kept.with_pepper(Secret("another-one"))
    assert not [word for word in ("another-one", PEPPER.reveal()) if word in str(caught.value)]
