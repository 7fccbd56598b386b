"""The releases before the newest: what their records ask for is what is rendered, under the names of their time."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from dify_aws.dify.drafts.record_text import record_text
from dify_aws.dify.known_releases import INSTALLABLE
from dify_aws.dify.record import read_release
from dify_aws.dify.records import KNOWN, known
from dify_aws.dify.variable_names import name_in, with_names_of
from dify_aws.dify.variables import Variable
from dify_aws.errors import SettingsError
from dify_aws.limits import limits_of
from dify_aws.limits.rules import VARIABLES
from dify_aws.runtimes.compose.bundle import Bundle
from dify_aws.runtimes.compose.smoke import smoke
from dify_aws.settings import Settings
from tests.dify.test_check_release import record
from tests.support.bundles import OUTPUTS, SECRETS, bundle, compose, every, given, variables

NEWEST: Final = INSTALLABLE[-1]


def of(version: str, **overrides: Any) -> dict[str, str]:
    return variables(bundle(dify_version=version, **overrides))


@pytest.mark.parametrize("version", INSTALLABLE)
def test_every_value_that_a_container_takes_is_in_dotenv(version: str) -> None:
    """Whatever is chosen: a name that the release does not have would be an empty value, and no error of Compose."""
    for _, made in every(version):
        for service in compose(made)["services"]:
            given(made, service)


@pytest.mark.parametrize("version", INSTALLABLE)
def test_pairs_are_equal_and_required_ones_are_there(version: str) -> None:
    """In every container, as the record says, whichever vector store there is."""
    release = known(version)
    for store in ("pgvector", "weaviate", "qdrant"):
        made = bundle(dify_version=version, profile="full", vector_store=store)
        inside = {service: given(made, service) for service in compose(made)["services"]}
        found: dict[str, set[str]] = {}
        for name, variable in release.variables.items():
            for reader in variable.readers:
                value = inside.get(reader.service, {}).get(reader.name or name)
                if value is not None:
                    found.setdefault(name, set()).add(value)
        for name, variable in release.variables.items():
            if variable.required and name in found:
                assert "" not in found[name], name
            if variable.same_as and name in found:
                assert found[name] == found.get(variable.same_as, found[name]), name


def test_the_edition_has_the_name_and_the_value_of_its_time() -> None:
    assert (of("1.17.1")["DEPLOYMENT_EDITION"], of("1.16.1")["EDITION"]) == ("COMMUNITY", "SELF_HOSTED")
    assert "EDITION" not in of("1.17.1")
    assert not {"EDITION", "DEPLOYMENT_EDITION"} & of("1.15.0").keys()


def test_the_token_of_the_agents_sandbox_has_the_name_of_its_time() -> None:
    """On both sides of it, and it is one and the same secret."""
    token = SECRETS.agent_sandbox_token.reveal()
    for version, name in (
        ("1.16.1", "DIFY_AGENT_SHELLCTL_AUTH_TOKEN"),
        (NEWEST, "DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN"),
    ):
        made = bundle(dify_version=version, profile="full")
        assert given(made, "agent_backend")[name] == token
        assert given(made, "local_sandbox")["SHELLCTL_AUTH_TOKEN"] == token
    inside = given(bundle(dify_version="1.16.1", profile="full"), "agent_backend")
    assert inside["DIFY_AGENT_SHELLCTL_ENTRYPOINT"] == "http://local_sandbox:5004"
    assert not [name for name in inside if name not in known("1.16.1").variables]


def test_a_release_without_agents_runs_none() -> None:
    """With the profile full it has what is left of that: people who work on one app together."""
    made = bundle(dify_version="1.15.0", profile="full")
    services = compose(made)["services"].keys()
    assert "api_websocket" in services
    assert not services & {"agent_backend", "local_sandbox", "agent_ssrf_proxy"}
    assert given(made, "web")["ENABLE_AGENT_V2"] == "false"
    assert "squid-agent/squid.conf" not in made.files
    assert not [name for name in variables(made) if name.startswith(("AGENT_", "DIFY_AGENT_"))]


def test_the_sandbox_is_given_its_interpreters_where_it_needs_them() -> None:
    def configuration(version: str) -> dict[str, Any]:
        loaded: dict[str, Any] = yaml.safe_load(bundle(dify_version=version).files["sandbox/config.yaml"].text)
        return loaded

    paths = {"python_path": "/opt/python/bin/python3", "nodejs_path": "/usr/local/bin/node"}
    assert configuration("1.15.0").items() >= paths.items()
    for version in ("1.16.1", NEWEST):
        assert not configuration(version).keys() & paths.keys()


@pytest.mark.parametrize(
    ("version", "wrong", "right"),
    [
        ("1.16.1", "DIFY_AGENT_RUN_TIMEOUT_SECONDS", "AGENT_BACKEND_RUN_TIMEOUT_SECONDS"),
        (NEWEST, "AGENT_BACKEND_RUN_TIMEOUT_SECONDS", "DIFY_AGENT_RUN_TIMEOUT_SECONDS"),
    ],
)
def test_a_variable_of_another_release_is_refused_with_its_name_in_this_one(
    version: str, wrong: str, right: str
) -> None:
    """Under the wrong name it has no effect, and nobody is told."""
    with pytest.raises(SettingsError, match=f"{wrong}.*has another name in Dify {version}.*Write {right}"):
        Settings(environment="dev", dify_version=version, env={wrong: "4000"})
    assert of(version, env={right: "4000"})[right] == "4000"


def test_a_name_is_found_over_several_renames() -> None:
    """Forwards and backwards, also by a record that is not known; and a circle has an end."""
    release = known(NEWEST)

    def renamed(after: str, before: str) -> Variable:
        return replace(release.variables["LOG_TZ"], name=after, renamed_from=before)

    later = replace(release, variables={"ZONE": renamed("ZONE", "LOG_TZ")})
    assert name_in(later, "LOG_TZ") == "ZONE"
    assert name_in(later, "NOTHING") is None
    assert with_names_of(later, "a: ${LOG_TZ} $${LOG_TZ} ${NOTHING}") == "a: ${ZONE} $${LOG_TZ} ${NOTHING}"
    circle = replace(release, variables={"A": renamed("A", "B"), "C": renamed("C", "D")})
    assert name_in(circle, "DEPLOYMENT_EDITION") is None
    assert name_in(known("1.15.0"), "NEXT_PUBLIC_ENABLE_AGENT_V2") == "ENABLE_AGENT_V2"
    assert name_in(release, "ENABLE_AGENT_V2") == "NEXT_PUBLIC_ENABLE_AGENT_V2"


def test_a_file_that_renames_what_the_installer_sets_can_be_installed(tmp_path: Path) -> None:
    """Each ${…} of the Compose file, each reader and the value in .env have the new name."""
    file = record(
        tmp_path,
        (f'version = "{NEWEST}"', 'version = "1.18.0"'),
        ("\nPLUGIN_DAEMON_URL = {", '\nPLUGIN_URL = {renamed_from = "PLUGIN_DAEMON_URL", '),
    )
    made = bundle(dify_version="1.18.0", release=str(file), profile="full")
    assert variables(made)["PLUGIN_URL"] == "http://plugin_daemon:5002"
    assert "PLUGIN_DAEMON_URL" not in variables(made)
    assert given(made, "agent_backend")["DIFY_AGENT_PLUGIN_DAEMON_URL"] == "http://plugin_daemon:5002"


def test_an_older_name_that_is_still_taken_has_the_same_readers() -> None:
    """Otherwise it is another variable, and the rename a mistake."""
    text = files("dify_aws.dify").joinpath("releases", f"{NEWEST}.toml").read_text(encoding="utf-8")
    before = 'renamed_from = "DIFY_AGENT_SHELLCTL_AUTH_TOKEN"'
    assert before in text
    with pytest.raises(SettingsError, match=r"LOG_TZ.*still is a variable"):
        read_release(text.replace(before, 'renamed_from = "LOG_TZ"'), "mine.toml")


@pytest.mark.parametrize("version", KNOWN)
def test_limits_know_each_variable_by_the_name_that_it_has_in_the_release(version: str) -> None:
    """Raised by its own name, it raises what depends on it; too small, it is refused by that name."""
    name = name_in(known(version), "DIFY_AGENT_RUN_TIMEOUT_SECONDS")
    if name is not None:
        settings = Settings(environment="dev", dify_version=version, env={name: "7200"})
        assert limits_of(settings).request_seconds == 7260
        assert variables(bundle(dify_version=version, env={name: "7200"}))[name] == "7200"
    for limit in VARIABLES:
        assert name_in(known(version), limit) or limit == "DIFY_AGENT_RUN_TIMEOUT_SECONDS", limit


def test_a_release_that_renames_every_limit_is_installed_by_its_record_alone(tmp_path: Path) -> None:
    """No code knows the new names: limits, refusals and files follow the record."""
    release = known("1.17.1")
    new = {name: f"{name}_NOW" for name in VARIABLES}
    renamed = {
        new.get(name, name): replace(each, name=new[name], renamed_from=name) if name in new else each
        for name, each in release.variables.items()
    }
    types = {new.get(name, name): each for name, each in release.types.items()}
    record = tmp_path / "renamed.toml"
    record.write_text(record_text(replace(release, variables=renamed, types=types)))
    chosen: dict[str, Any] = {"dify_version": "1.17.1", "release": str(record)}
    plain = bundle(env={"CELERY_WORKER_AMOUNT": "90"})
    other = bundle(**chosen, env={"CELERY_WORKER_AMOUNT_NOW": "90"})
    assert {new.get(name, name): value for name, value in variables(plain).items()} == variables(other)
    assert plain.files["postgres/postgresql.conf"] == other.files["postgres/postgresql.conf"]
    with pytest.raises(SettingsError, match="for SQLALCHEMY_MAX_OVERFLOW_NOW, which is too small"):
        Settings(environment="dev", **chosen, env={"SQLALCHEMY_MAX_OVERFLOW_NOW": "0"})
    with pytest.raises(SettingsError, match="CELERY_WORKER_AMOUNT_NOW"):
        Settings(environment="dev", **chosen, env={"CELERY_WORKER_AMOUNT": "90"})


def test_probes_ask_by_the_names_of_the_release(tmp_path: Path) -> None:
    """What a container knows by a variable has another name in a release that has renamed it."""
    release = known("1.17.1")
    old = "PLUGIN_DAEMON_URL"
    new = replace(release.variables[old], name="PLUGINS_URL", renamed_from=old)
    renamed = {("PLUGINS_URL" if name == old else name): each for name, each in release.variables.items()}
    record = tmp_path / "renamed.toml"
    record.write_text(record_text(replace(release, variables={**renamed, "PLUGINS_URL": new})))
    settings = Settings(environment="dev", dify_version="1.17.1", release=str(record))
    for chosen, name in ((settings, "PLUGINS_URL"), (Settings(environment="dev"), old)):
        (probe,) = [each for each in smoke(chosen, "http://203.0.113.7") if each.about == "plugin daemon is healthy"]
        assert f"${{{name}}}/health/check" in probe.question
        dotenv = variables(Bundle.render(chosen, OUTPUTS, SECRETS))
        assert dotenv[name] == "http://plugin_daemon:5002"
