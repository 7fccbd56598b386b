""".env and what each container is given of it: pairs that must be equal, and values that survive Compose."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from dify_aws.dify.known_variables import instead
from dify_aws.dify.records import KNOWN, known
from dify_aws.errors import SettingsError
from dify_aws.runtimes.compose.render import dotenv
from dify_aws.settings import Settings
from dify_aws.topologies.single_host.notes import notes_of
from tests.support.bundles import SECRETS, bundle, compose, every, given, variables

APPS = ("api", "worker", "worker_beat", "api_websocket")

# What Dify publishes in its own examples: whoever finds one of these in a running Dify is in.
PUBLISHED = (
    "difyai123456",
    "lYkiYYT6owG+71oLerGzA7GXCgOT++6ovaezWAjpCjf+Sjc3ZtU+qUEi",
    "QaHbTe77CtuXmsfyhR7+vRjI/+XbV1AaFy691iy+kGDv2Jvy0/eAh8Y1",
    "WVF5YThaHlkYwhGUSmCRgsX3tD5ngdN8pkih",
    "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY",
    "dify-agent-run-token-for-dev-only",
    "sk-9f73s3ljTXVcMT3Blb3ljTqtsKiGHXVcMT3BlbkFJLK7U",
)


@pytest.mark.parametrize("profile", ["compact", "full"])
def test_who_must_agree_agrees(profile: str) -> None:
    """Each secret that two containers share is the same in both, under whatever name they know it."""
    made = bundle(profile=profile)
    of = {name: given(made, name) for name in compose(made)["services"]}
    apps = [of[name] for name in APPS if name in of]
    assert len(apps) == (4 if profile == "full" else 3)
    for app in apps:
        assert app["SECRET_KEY"] == SECRETS.secret_key.reveal()
        assert app["DB_PASSWORD"] == of["db_postgres"]["POSTGRES_PASSWORD"] != of["plugin_daemon"]["DB_PASSWORD"]
        assert app["DB_USERNAME"] == app["PGVECTOR_USER"] == "dify" != of["plugin_daemon"]["DB_USERNAME"]
        assert SECRETS.plugin_db_password.reveal() not in app.values()
        assert app["DB_PASSWORD"] == app["PGVECTOR_PASSWORD"] == SECRETS.db_password.reveal()
        assert app["REDIS_PASSWORD"] == of["redis"]["REDISCLI_AUTH"] == of["plugin_daemon"]["REDIS_PASSWORD"]
        broker = urlsplit(app["CELERY_BROKER_URL"])
        assert (broker.password, broker.hostname, broker.path) == (app["REDIS_PASSWORD"], app["REDIS_HOST"], "/1")
        assert app["CODE_EXECUTION_API_KEY"] == of["sandbox"]["API_KEY"] == SECRETS.sandbox_api_key.reveal()
        assert app["PLUGIN_DAEMON_KEY"] == of["plugin_daemon"]["SERVER_KEY"] == SECRETS.plugin_daemon_key.reveal()
        inner = SECRETS.plugin_inner_api_key.reveal()
        assert app["INNER_API_KEY_FOR_PLUGIN"] == app["PLUGIN_DIFY_INNER_API_KEY"] == inner
        assert of["plugin_daemon"]["DIFY_INNER_API_KEY"] == inner
        assert app["INIT_PASSWORD"] == SECRETS.init_password.reveal()
    if profile == "full":
        agents = of["agent_backend"]
        assert agents["DIFY_AGENT_PLUGIN_DAEMON_API_KEY"] == of["plugin_daemon"]["SERVER_KEY"]
        assert agents["DIFY_AGENT_INNER_API_KEY"] == of["plugin_daemon"]["DIFY_INNER_API_KEY"]
        assert agents["DIFY_AGENT_API_TOKEN"] == of["api"]["AGENT_BACKEND_API_TOKEN"]
        assert agents["DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN"] == of["local_sandbox"]["SHELLCTL_AUTH_TOKEN"]
        assert agents["DIFY_AGENT_SERVER_SECRET_KEY"] == SECRETS.agent_server_secret_key.reveal()
        queue = urlsplit(agents["DIFY_AGENT_REDIS_URL"])
        assert (queue.password, queue.path) == (of["redis"]["REDISCLI_AUTH"], "/2")


def test_vector_stores_agree_with_dify() -> None:
    """The store that is chosen knows the key that Dify shows, and lets nobody in without it."""
    weaviate = bundle(vector_store="weaviate")
    store = given(weaviate, "weaviate")
    assert store["AUTHENTICATION_APIKEY_ALLOWED_KEYS"] == given(weaviate, "api")["WEAVIATE_API_KEY"]
    assert store["AUTHENTICATION_APIKEY_ALLOWED_KEYS"] == SECRETS.weaviate_api_key.reveal()
    assert store["AUTHENTICATION_ANONYMOUS_ACCESS_ENABLED"] == "false"
    qdrant = bundle(vector_store="qdrant")
    assert given(qdrant, "qdrant")["QDRANT__SERVICE__API_KEY"] == given(qdrant, "api")["QDRANT_API_KEY"]
    assert given(qdrant, "api")["QDRANT_API_KEY"] == SECRETS.qdrant_api_key.reveal()


def test_no_secret_goes_where_it_is_not_needed() -> None:
    """web, nginx and the sandboxes hold what they need and no more; the plugin daemon never sees Dify's own key."""
    for _, made in every():
        for name in compose(made)["services"]:
            values = set(given(made, name).values())
            kept = {secret.reveal() for secret in SECRETS.values} & values
            if name in ("web", "nginx", "ssrf_proxy", "agent_ssrf_proxy"):
                assert not kept, name
            if name in ("sandbox", "local_sandbox", "redis", "db_postgres", "weaviate", "qdrant"):
                assert len(kept) == 1, name
            if name not in APPS:
                assert SECRETS.secret_key.reveal() not in kept, name
            if name == "plugin_daemon":
                assert SECRETS.db_password.reveal() not in kept
            assert SECRETS.admin_password.reveal() not in kept, name


def test_nothing_that_dify_publishes_is_in_it() -> None:
    """No default of Dify's examples is anywhere, and the sandbox's, which is a word, is no value."""
    for _, made in every():
        text = "".join(file.text for file in made.files.values())
        assert not [word for word in PUBLISHED if word in text]
        for name in compose(made)["services"]:
            assert "dify-sandbox" not in given(made, name).values()


@pytest.mark.parametrize(
    ("overrides", "base", "socket"),
    [
        ({}, "http://203.0.113.7", "ws://203.0.113.7"),
        ({"domain": "d.example.com", "email": "a@your-company.com"}, "http://d.example.com", "ws://d.example.com"),
        ({"https": True}, "https://dify.example.com", "wss://dify.example.com"),
    ],
)
def test_every_url_is_of_one_base(overrides: dict[str, Any], base: str, socket: str) -> None:
    """Dify's cookies are good only if all of its URLs agree; what containers ask of each other stays inside."""
    found = variables(bundle(**overrides))
    for name in ("CONSOLE_API_URL", "CONSOLE_WEB_URL", "SERVICE_API_URL", "APP_API_URL", "APP_WEB_URL", "FILES_URL"):
        assert found[name] == base
    assert found["TRIGGER_URL"] == found["CONSOLE_CORS_ALLOW_ORIGINS"] == base
    assert found["ENDPOINT_URL_TEMPLATE"] == f"{base}/e/{{hook_id}}"
    assert found["NEXT_PUBLIC_SOCKET_URL"] == socket
    assert found["INTERNAL_FILES_URL"] == found["SERVER_CONSOLE_API_URL"] == "http://api:5001"
    assert not [value for value in found.values() if "localhost" in value]


def test_what_is_ours_is_refused_in_settings_and_the_rest_is_not() -> None:
    """The table of what Settings.env may not have and the variables that we set are one: neither knows more."""
    free = "# What settings.env may say otherwise\n"
    for _, made in every():
        ours, _, usual = made.files[".env"].text.partition(free)
        for text, refused in ((ours, True), (usual, False)):
            names = [line.partition("=")[0] for line in text.splitlines() if "=" in line and not line.startswith("#")]
            assert names
            assert [name for name in names if (instead(name) is not None) != refused] == []


def test_what_a_person_adds_is_read_by_who_reads_it() -> None:
    """Dify reads all of .env; the other containers are given what is theirs, and nothing that may be a secret."""
    extra = {
        "SMTP_PASSWORD": "hunter2",
        "PLUGIN_MAX_FILE_SIZE": "1",
        "MAX_TREE_DEPTH": "9",
        "SHELLCTL_ENABLE_PATH_ISOLATION": "false",
        "DIFY_AGENT_RUN_TIMEOUT_SECONDS": "60",
        "LOG_LEVEL": "DEBUG",
        "ALLOW_INLINE_STYLES": "true",
        "PIP_MIRROR_URL": "https://pypi.example.com/simple",
    }
    made = bundle(profile="full", env=extra)
    readers = {
        name: {service for service in compose(made)["services"] if given(made, service).get(name) == value}
        for name, value in extra.items()
    }
    assert readers == {
        "SMTP_PASSWORD": set(APPS),
        "PLUGIN_MAX_FILE_SIZE": {*APPS, "plugin_daemon"},
        "MAX_TREE_DEPTH": {*APPS, "web"},
        "SHELLCTL_ENABLE_PATH_ISOLATION": {*APPS, "local_sandbox"},
        "DIFY_AGENT_RUN_TIMEOUT_SECONDS": {*APPS, "agent_backend"},
        "LOG_LEVEL": {*APPS, "plugin_daemon"},
        "ALLOW_INLINE_STYLES": {*APPS, "web"},
        "PIP_MIRROR_URL": {*APPS, "plugin_daemon", "sandbox"},
    }
    assert "hunter2" not in made.files["compose.yaml"].text


READ_BY = {
    "web": (
        "ALLOW_INLINE_STYLES",
        "WORKFLOW_GENERATION_TIMEOUT_MS",
        "MARKDOWN_FORM_FIELD_NAME_EXTRA_CHARS",
        "SITE_ABOUT",
    ),
    "plugin_daemon": (
        *("THIRD_PARTY_SIGNATURE_VERIFICATION_ENABLED", "THIRD_PARTY_SIGNATURE_VERIFICATION_PUBLIC_KEYS"),
        *("ENFORCE_LANGGENIUS_PLUGIN_SIGNATURES", "LOG_LEVEL"),
        *("DIFY_BACKWARDS_INVOCATION_READ_TIMEOUT", "DIFY_BACKWARDS_INVOCATION_WRITE_TIMEOUT"),
    ),
    "sandbox": ("MAX_WORKERS", "ALLOWED_SYSCALLS", "PIP_MIRROR_URL", "PYTHON_DEPS_UPDATE_INTERVAL"),
}


@pytest.mark.parametrize("service", READ_BY)
def test_what_only_a_program_beside_dify_reads_reaches_it(service: str) -> None:
    """Variables that no example file of Dify names, among others."""
    values = dict.fromkeys(READ_BY[service], "7")
    made = bundle(env=values)
    assert {name: given(made, service).get(name) for name in values} == values


@pytest.mark.parametrize("name", ["DB_MAX_OPEN_CONNS", "MAX_BUNDLE_PACKAGE_SIZE", "WORKER_TIMEOUT"])
def test_what_a_setting_decides_is_refused_with_that_setting(name: str) -> None:
    with pytest.raises(SettingsError, match=f"has {name}, which is not free. "):
        Settings(environment="dev", env={name: "7"})


def test_a_variable_that_no_record_knows_is_in_the_notes_of_the_plan() -> None:
    """It may be a typing mistake, and nobody would notice."""
    settings = Settings(environment="dev", env={"UPLOAD_FILE_SIZE_LIMITS": "7", "INVITE_EXPIRY_HOURS": "7"})
    (note,) = [note for note in notes_of(settings) if "the record of Dify" in note]
    assert "UPLOAD_FILE_SIZE_LIMITS" in note
    assert "INVITE_EXPIRY_HOURS" not in note


def test_the_local_sandbox_asks_itself_without_a_proxy_and_the_sandbox_keeps_its_own_list_of_packages() -> None:
    made = bundle(profile="full")
    assert given(made, "local_sandbox")["NO_PROXY"] == "localhost,127.0.0.1"
    assert "sandbox_dependencies:/dependencies" in compose(made)["services"]["sandbox"]["volumes"]
    assert "sandbox_dependencies" in compose(made)["volumes"]


@pytest.mark.parametrize("version", KNOWN)
def test_what_upstream_sets_otherwise_than_its_program_is_set_as_upstream_does(version: str) -> None:
    made = variables(bundle(dify_version=version))
    # 1.15.0 does not have it.
    assert made.get("REDIS_KEEPALIVE") == (None if "REDIS_KEEPALIVE" not in known(version).variables else "true")
    assert made["LOG_DATEFORMAT"] == "%Y-%m-%d %H:%M:%S"


@pytest.mark.parametrize("profile", ["compact", "full"])
def test_worker_beat_has_headroom(profile: str) -> None:
    """It takes 362 MiB when it is idle."""
    assert compose(bundle(profile=profile))["services"]["worker_beat"]["mem_limit"] == "512m"


def test_a_container_gets_a_variable_by_the_name_that_it_knows() -> None:
    """Sentry is told apart outside and has one name inside; nobody has to know that of the four containers."""
    made = bundle(env={"API_SENTRY_DSN": "api", "WEB_SENTRY_DSN": "web", "PLUGIN_SENTRY_DSN": "plugin"})
    result = {name: given(made, name).get("SENTRY_DSN") for name in ("api", "worker", "worker_beat", "web")}
    assert result == {"api": "api", "worker": "api", "worker_beat": None, "web": "web"}
    assert given(made, "plugin_daemon")["SENTRY_DSN"] == "plugin"


@pytest.mark.parametrize("value", ["", "plain", "a $HOME ${X} $$", 'say "so"', "back\\slash\\", "it's #1 = {é}", "  "])
def test_values_are_read_back_as_they_were(value: str) -> None:
    """Whatever a password is made of, Dify gets just that. (With Compose itself: tests/e2e/test_bundle_tools.py.)"""
    assert variables(bundle(env={"SMTP_PASSWORD": value}))["SMTP_PASSWORD"] == value


def test_dollars_are_escaped() -> None:
    """Compose would put another variable in their place."""
    assert dotenv('a$b"c\\d') == '"a\\$b\\"c\\\\d"'
