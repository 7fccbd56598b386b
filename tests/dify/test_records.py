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

from dify_aws.dify.errors import ReleaseError
from dify_aws.dify.known_releases import INSTALLABLE
from dify_aws.dify.known_variables import instead
from dify_aws.dify.record import read_release
from dify_aws.dify.records import KNOWN, known
from dify_aws.dify.release import Release
from dify_aws.dify.routes import route_of
from dify_aws.dify.variables import Reader
from dify_aws.errors import SettingsError
from dify_aws.settings import Settings
from tests.support.bundles import bundle, compose, every, variables

UPSTREAM = Path(__file__).with_name("upstream")
INSTALLED = "1.17.1"
NOT_UPSTREAM = {"DB_PLUGIN_USERNAME", "DB_PLUGIN_PASSWORD"}
"""The plugin daemon has a role of its own in PostgreSQL here; upstream has one role for all."""


def text_of(version: str) -> str:
    return files("dify_aws.dify").joinpath("releases", f"{version}.toml").read_text(encoding="utf-8")


def upstream(version: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(UPSTREAM.joinpath(f"{version}.json").read_text(encoding="utf-8"))
    return facts


def running(release: Release, overrides: Mapping[str, Any]) -> set[str]:
    """The services that a record asks for with these settings."""
    chosen = {f"{name} = {value}" for name, value in overrides.items()}
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
            "yes" if version in INSTALLABLE else "no",
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


@pytest.mark.parametrize("version", INSTALLABLE)
def test_what_is_installed_has_the_services_and_images_of_the_record(version: str) -> None:
    release = known(version)
    for overrides, made in every(version):
        services = compose(made)["services"]
        assert services.keys() == running(release, overrides)
        for name, service in services.items():
            assert service["image"].partition("@")[0] == release.images[release.services[name].image], name
            ports = {int(port.rpartition(":")[2]) for port in service.get("ports", [])}
            assert ports <= set(release.services[name].ports), name


@pytest.mark.parametrize("version", INSTALLABLE)
def test_what_is_installed_routes_as_the_record(version: str) -> None:
    """Every path that nginx hands on by name is a route, and goes to the same service and port."""
    release = known(version)
    for overrides, made in every(version):
        found = dict(_nginx(made.files["nginx/nginx.conf"].text))
        expected = {
            route.path: (route.service if route.service in running(release, overrides) else route.without, route.port)
            for route in release.routes
        }
        assert found == expected


def _nginx(text: str) -> Iterator[tuple[str, tuple[str, int]]]:
    for path, host, port in re.findall(r"location (?:~ )?(\S+) \{\n(?:\s*#[^\n]*\n)*\s*set \$\w+ (\w+):(\d+);", text):
        grouped = re.fullmatch(r"\^/\(([^)]*)\)\(/\|\$\)", path)
        for each in grouped[1].split("|") if grouped else [path.strip("/")]:
            yield f"/{each}", (host, int(port))


@pytest.mark.parametrize("version", INSTALLABLE)
def test_what_is_installed_sets_only_variables_of_the_record(version: str) -> None:
    """compose.yaml takes no value from .env that no service reads according to the record."""
    release = known(version)
    for _, made in every(version):
        for name, service in compose(made)["services"].items():
            for value in (service.get("environment") or {}).values():
                for variable in re.findall(r"\$\{(\w+)\}", str(value)):
                    assert variable in release.variables or variable in NOT_UPSTREAM, (name, variable)


@pytest.mark.parametrize("version", INSTALLABLE)
def test_every_free_variable_reaches_each_of_its_readers(version: str) -> None:
    """What Settings.env takes is given to every container that reads it, by the name that is known inside.

    A name that compose.yaml gave twice would be an error of ``compose()``.
    """
    release = known(version)
    # Limits have to fit each other, and those that the installer sets do.
    fitting = {
        **{
            name: each.choices[0] if each.choices else "false"
            for name, each in release.types.items()
            if each.type in ("bool", "choice")
        },
        "PLUGIN_INSTALL_TIMEOUT": "9",
        **variables(bundle(dify_version=version, profile="full")),
    }
    least = {name: str(each.least) for name, each in release.types.items() if each.least}
    free = {
        name: fitting.get(name, value.default) or least.get(name, "1")
        for name, value in release.variables.items()
        if instead(name) is None
    }

    def named(each: str) -> tuple[Reader, ...]:
        return release.variables[each].readers

    for store in ("weaviate", "qdrant", "pgvector"):
        services = compose(bundle(dify_version=version, profile="full", vector_store=store, env=free))["services"]
        for name in free:
            for reader in release.variables[name].readers:
                if reader.service in services:
                    inner = reader.name or name
                    # SENTRY_DSN is everybody's, API_SENTRY_DSN counts more for the api.
                    more = [each for each in free if Reader(service=reader.service, name=inner) in named(each)]
                    given = services[reader.service]["environment"]
                    assert given[inner] in [f"${{{each}}}" for each in more or [name]], (name, reader)


@pytest.mark.parametrize("version", INSTALLABLE)
def test_a_variable_that_nothing_reads_is_refused_with_the_reason_of_the_record(version: str) -> None:
    """By the record, for each name that no other rule refuses; and what a service reads is not refused by it."""
    release = known(version)
    names = [name for name in upstream(version)["variables"] if release.refusal(name) and instead(name) is None]
    assert names
    with pytest.raises(SettingsError) as caught:
        Settings(environment="dev", dify_version=version, env=dict.fromkeys([*names, "SITE_ABOUT"], "1"))
    assert {problem.value: problem.right for problem in caught.value.problems} == {
        name: f"Leave it out. {release.refusal(name)}" for name in names
    }


@pytest.mark.parametrize("version", KNOWN)
def test_every_variable_of_a_record_is_set_free_or_refused(version: str) -> None:
    """One that the installer sets is refused in Settings.env with what to use instead; the others may be given there.

    And what the installer sets is read by somebody, or is a name that upstream does not have.
    """
    release = known(version)
    for name in upstream(version)["variables"]:
        ways = [instead(name) is not None, release.refusal(name) is not None, name in release.variables]
        assert any(ways), name
    if version in INSTALLABLE:
        for _, made in every(version):
            assert variables(made).keys() <= release.variables.keys() | NOT_UPSTREAM


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
    "an expression for a default": (
        'LOG_TZ = {default = "UTC"',
        'LOG_TZ = {default = "${TZ:-UTC}"',
        "is an expression",
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


def test_all_problems_are_reported_at_once() -> None:
    text = text_of(INSTALLED).replace("redis:7.4.9-alpine", "redis:latest").replace('path = "/"\n', 'path = "/web"\n')
    with pytest.raises(SettingsError, match=r"images\.redis") as caught:
        read_release(text, "mine.toml")
    assert "a route of /" in str(caught.value)


def test_a_release_without_a_record() -> None:
    with pytest.raises(KeyError):
        known("../../setup")


TYPED = tuple((version, name) for version in INSTALLABLE for name in ("int", "number", "bool", "size", "choice"))


@pytest.mark.parametrize(("version", "kind"), TYPED)
def test_a_value_of_another_type_is_refused_and_one_of_the_type_is_taken(version: str, kind: str) -> None:
    """For one variable of each type, in each release, before anything is done in AWS."""
    types = {
        name: each
        for name, each in known(version).types.items()
        if each.type == kind and instead(name) is None and not name.endswith("_TIMEOUT")
    }
    name, found = next(iter(types.items()))
    with pytest.raises(SettingsError) as caught:
        Settings(environment="dev", dify_version=version, env={name: "neither"})
    (problem,) = caught.value.problems
    assert f"a value for {name} that Dify {version} does not start with" in problem.wrong
    assert str(found) in problem.right
    fits = found.choices[0] if found.choices else {"bool": "true"}.get(kind, str(max(found.least or 0, 700)))
    assert Settings(environment="dev", dify_version=version, env={name: fits}).env


def test_a_type_that_makes_no_sense_is_a_problem_of_the_record(tmp_path: Path) -> None:
    text = files("dify_aws.dify").joinpath("releases", "1.17.1.toml").read_text(encoding="utf-8")
    first = text.index("[[types]]")
    for wrong in (
        'type = "size"\nnames = ["A"]',
        'type = "choice"\nnames = ["A"]',
        'type = "bool"\nleast = 1\nnames = ["A"]',
        'type = "int"\nnames = ["ALLOW_EMBED"]',
        'type = "whole"\nnames = ["A"]',
        'type = "int"\nnames = ["A", "A"]',
    ):
        with pytest.raises(ReleaseError, match="types"):
            read_release(f"{text[:first]}[[types]]\n{wrong}\n\n{text[first:]}", "wrong.toml")
