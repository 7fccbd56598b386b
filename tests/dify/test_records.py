"""The records of releases: whole in themselves, complete against upstream, and in agreement with what is installed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from dify_aws.dify.record import read_release
from dify_aws.dify.records import KNOWN, known
from dify_aws.dify.release import Release
from dify_aws.dify.routes import route_of
from dify_aws.errors import SettingsError
from dify_aws.releases import RELEASES
from dify_aws.variables import instead, read_by
from tests.support.bundles import bundle, compose, every

UPSTREAM = Path(__file__).with_name("upstream")
INSTALLED = "1.17.1"
NOT_UPSTREAM = {"DB_PLUGIN_USERNAME", "DB_PLUGIN_PASSWORD"}
"""The plugin daemon has a role of its own in PostgreSQL here; upstream has one role for all."""


def text_of(version: str) -> str:
    return files("dify_aws.dify").joinpath("releases", f"{version}.toml").read_text(encoding="utf-8")


def upstream(version: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(UPSTREAM.joinpath(f"{version}.json").read_text(encoding="utf-8"))
    return facts


def running(release: Release, wishes: Mapping[str, Any]) -> set[str]:
    """The services that a record asks for with these settings."""
    chosen = {f"{name} = {value}" for name, value in wishes.items()}
    return {name for name, service in release.services.items() if not service.optional or service.optional in chosen}


@pytest.mark.parametrize("version", KNOWN)
def test_every_upstream_variable_has_its_place(version: str) -> None:
    """Each is read by a service that runs or refused with a reason, and never both; its default is upstream's."""
    release, facts = known(version), upstream(version)
    for name, default in facts["variables"].items():
        variable, refusal = release.variables.get(name), release.refusal(name)
        assert (variable is None) != (refusal is None), name
        if variable is not None and not variable.secret:
            assert variable.default == default or (version, name) == (INSTALLED, "DIFY_AGENT_RUN_RETENTION_SECONDS")


@pytest.mark.parametrize("version", KNOWN)
def test_every_upstream_secret_is_one(version: str) -> None:
    release = known(version)
    for name in upstream(version)["secrets"]:
        assert name not in release.variables or release.variables[name].secret, name


@pytest.mark.parametrize("version", KNOWN)
def test_every_upstream_service_has_its_place(version: str) -> None:
    """It runs, or is left out with a reason; and nothing runs that upstream does not have."""
    release = known(version)
    assert release.services.keys() | release.omitted.keys() == set(upstream(version)["services"])
    assert release.version == version


def test_the_page_has_the_figures_of_the_records() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "releases.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d.]+) \| (yes|no) \| .* \| (\d+) \| (\d+) \| ([\d.]+) \|$", page, re.MULTILINE)
    assert rows == [
        (
            version,
            "yes" if version in RELEASES else "no",
            str(len(known(version).services)),
            str(len(known(version).variables)),
            known(version).requirements.compose,
        )
        for version in KNOWN
    ]


@pytest.mark.parametrize("version", KNOWN)
def test_no_refusal_covers_nothing(version: str) -> None:
    names = upstream(version)["variables"]
    for refusal in known(version).refused:
        for pattern in refusal.names:
            assert any(fnmatchcase(name, pattern) for name in names), pattern


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/", "web"),
        ("/apps", "web"),
        ("/apiary", "web"),
        ("/api/messages", "api"),
        ("/console/api/ping", "api"),
        ("/v1", "api"),
        ("/e/hook", "plugin_daemon"),
        ("/socket.io/", "api_websocket"),
        ("/explore/apps", "web"),
    ],
)
def test_a_path_has_one_service(path: str, service: str) -> None:
    """The longest route counts, and a route ends at a slash: /apiary is no part of /api."""
    for version in KNOWN:
        route = route_of(known(version).routes, path)
        assert route is not None
        assert route.service == service


def test_what_is_installed_has_the_services_and_images_of_the_record() -> None:
    release = known(INSTALLED)
    for wishes, made in every():
        services = compose(made)["services"]
        assert services.keys() == running(release, wishes)
        for name, service in services.items():
            assert service["image"].partition("@")[0] == release.images[release.services[name].image], name
            ports = {int(port.rpartition(":")[2]) for port in service.get("ports", [])}
            assert ports <= set(release.services[name].ports), name


def test_what_is_installed_routes_as_the_record() -> None:
    """Every path that nginx hands on by name is a route, and goes to the same service and port."""
    release = known(INSTALLED)
    for wishes, made in every():
        found = dict(_nginx(made.files["nginx/nginx.conf"].text))
        expected = {
            route.path: (route.service if route.service in running(release, wishes) else route.without, route.port)
            for route in release.routes
        }
        assert found == expected


def _nginx(text: str) -> Iterator[tuple[str, tuple[str, int]]]:
    for path, host, port in re.findall(r"location (?:~ )?(\S+) \{\n(?:\s*#[^\n]*\n)*\s*set \$\w+ (\w+):(\d+);", text):
        grouped = re.fullmatch(r"\^/\(([^)]*)\)\(/\|\$\)", path)
        for each in grouped[1].split("|") if grouped else [path.strip("/")]:
            yield f"/{each}", (host, int(port))


def test_what_is_installed_sets_only_variables_of_the_record() -> None:
    """compose.yaml takes no value from .env that no service reads according to the record."""
    release = known(INSTALLED)
    for _, made in every():
        for name, service in compose(made)["services"].items():
            for value in (service.get("environment") or {}).values():
                for variable in re.findall(r"\$\{(\w+)\}", str(value)):
                    assert variable in release.variables or variable in NOT_UPSTREAM, (name, variable)


NOT_PASSED_ON: Mapping[str, frozenset[str]] = {
    "web": frozenset(
        {
            *("ALLOW_INLINE_STYLES", "COOKIEYES_SITE_KEY", "MARKDOWN_FORM_FIELD_NAME_EXTRA_CHARS", "SITE_ABOUT"),
            *("WEB_SENTRY_DSN", "WORKFLOW_GENERATION_TIMEOUT_MS"),
        }
    ),
    "plugin_daemon": frozenset(
        {"DB_MAX_OPEN_CONNS", "ENFORCE_LANGGENIUS_PLUGIN_SIGNATURES", "LOG_LEVEL", "MAX_BUNDLE_PACKAGE_SIZE"}
    ),
    # The name before 1.17.0 of the token; the installer gives it by the new name.
    "local_sandbox": frozenset({"DIFY_AGENT_SHELLCTL_AUTH_TOKEN"}),
    "sandbox": frozenset(
        {"ALLOWED_SYSCALLS", "MAX_WORKERS", "PIP_MIRROR_URL", "PYTHON_DEPS_UPDATE_INTERVAL", "WORKER_TIMEOUT"}
    ),
}
"""A container takes these from .env at upstream, and does not get them from this installer."""


def test_variables_that_containers_do_not_get_are_known() -> None:
    """What Settings.env takes, a service reads, and its container is not given: exactly these, and each is a defect."""
    release = known(INSTALLED)
    services = compose(bundle(profile="full", vector_store="weaviate"))["services"]
    for name in ("web", "plugin_daemon", "agent_backend", "local_sandbox", "sandbox"):
        given = set(re.findall(r"\$\{(\w+)\}", json.dumps(services[name]["environment"])))
        free = {each for each in release.variables if name in release.readers(each) and instead(each) is None}
        assert free - given - set(read_by(name, free)) == NOT_PASSED_ON.get(name, frozenset()), name


BROKEN = {
    "an image that moves": ('redis = "redis:7.4.9-alpine"', 'redis = "redis:latest"', "images.redis"),
    "an image without a tag": ('redis = "redis:7.4.9-alpine"', 'redis = "registry:5000/redis"', "images.redis"),
    "a service without an image": ('image = "squid"', 'image = "sqiud"', "services.ssrf_proxy"),
    "a need of nothing": ('needs = ["api:started",', 'needs = ["apy:started",', "services.nginx"),
    "a condition that is none": ('needs = ["api:started",', 'needs = ["api:alive",', "services.nginx"),
    "services that wait for each other": (
        'image = "redis"\n',
        'image = "redis"\nneeds = ["api:started"]\n',
        "wait for each other",
    ),
    "a reader that does not run": ('readers = ["web"]', 'readers = ["wbe"]', "wbe"),
    "a variable that nobody reads": ('readers = ["web"]', "readers = []", "is read by nobody"),
    "a variable in two places": ('names = ["COMPOSE_*"', 'names = ["SECRET_KEY", "COMPOSE_*"', "is refused as well"),
    "a pair with one name": ('same_as = "PLUGIN_DAEMON_KEY"', 'same_as = "PLUGIN_KEY_DAEMON"', "PLUGIN_KEY_DAEMON"),
    "a pair of which one may be empty": (
        'secret = true, same_as = "PLUGIN_DAEMON_KEY", required = true',
        'secret = true, same_as = "PLUGIN_DAEMON_KEY"',
        "differs in secret or required",
    ),
    "a published secret": ("SECRET_KEY = {", 'SECRET_KEY = {default = "known-to-all", ', "published default"),
    "a route to nothing": (
        'service = "plugin_daemon"\nport = 5002',
        'service = "plugin_daemon"\nport = 5003',
        "routes./e",
    ),
    "no route for the rest": ('path = "/"\n', 'path = "/web"\n', "a route of /"),
    "a word that is not known": ("smoke = true", "smoky = true", "smoky"),
    "a number as text": ("memory_mib = 4096", 'memory_mib = "4096"', "memory_mib"),
    "no TOML": ("[images]", "[images", "a TOML file"),
    "no version": (f'version = "{INSTALLED}"\n', "", "version"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_record_is_refused(case: str) -> None:
    """With the place and what would be right; a secret's value is not repeated."""
    before, after, named = BROKEN[case]
    text = text_of(INSTALLED)
    assert before in text
    with pytest.raises(SettingsError) as caught:
        read_release(text.replace(before, after, 1), "mine.toml")
    assert named in str(caught.value)
    assert "mine.toml" in str(caught.value)
    assert "known-to-all" not in str(caught.value)


def test_all_problems_are_told_at_once() -> None:
    text = text_of(INSTALLED).replace("redis:7.4.9-alpine", "redis:latest").replace('path = "/"\n', 'path = "/web"\n')
    with pytest.raises(SettingsError, match=r"images\.redis") as caught:
        read_release(text, "mine.toml")
    assert "a route of /" in str(caught.value)


def test_a_release_without_a_record() -> None:
    with pytest.raises(KeyError):
        known("../../setup")
