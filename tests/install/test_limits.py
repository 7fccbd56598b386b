"""Limits: whatever is raised, the files of a Dify fit each other, or the settings say which limit is too small."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest

from dify_aws.errors import Problem, SettingsError
from dify_aws.host.steps.machine import Machine
from dify_aws.runtimes.compose.bundle import Bundle
from dify_aws.settings import Settings
from tests.support.bundles import OUTPUTS, SECRETS, compose, given, of_dify
from tests.support.installed import steps_of

MIB = 1 << 20

RANGES: Mapping[str, tuple[int, int]] = {
    "UPLOAD_FILE_SIZE_LIMIT": (1, 2000),
    "UPLOAD_IMAGE_FILE_SIZE_LIMIT": (1, 500),
    "UPLOAD_VIDEO_FILE_SIZE_LIMIT": (1, 5000),
    "UPLOAD_AUDIO_FILE_SIZE_LIMIT": (1, 1000),
    "UPLOAD_HOLOGRAM_FILE_SIZE_LIMIT": (1, 5000),
    "PLUGIN_MAX_PACKAGE_SIZE": (1, 1 << 30),
    "PLUGIN_MAX_BUNDLE_SIZE": (1, 1 << 31),
    "SERVER_WORKER_AMOUNT": (1, 16),
    "SERVER_WORKER_CONNECTIONS": (1, 1000),
    "CELERY_WORKER_AMOUNT": (1, 64),
    "SQLALCHEMY_POOL_SIZE": (1, 100),
    "SQLALCHEMY_MAX_OVERFLOW": (0, 100),
    "CODE_EXECUTION_READ_TIMEOUT": (1, 4000),
    "HTTP_REQUEST_MAX_CONNECT_TIMEOUT": (1, 120),
    "HTTP_REQUEST_MAX_READ_TIMEOUT": (1, 7200),
    "HTTP_REQUEST_MAX_WRITE_TIMEOUT": (1, 7200),
    "PLUGIN_MAX_EXECUTION_TIMEOUT": (1, 7200),
    "PLUGIN_DAEMON_TIMEOUT": (1, 7200),
    "PLUGIN_PYTHON_ENV_INIT_TIMEOUT": (60, 7200),
    "PLUGIN_INSTALL_TIMEOUT": (1, 120),
    "WORKFLOW_MAX_EXECUTION_TIME": (60, 20_000),
    "APP_MAX_EXECUTION_TIME": (60, 20_000),
    "GUNICORN_TIMEOUT": (30, 20_000),
    "TEXT_GENERATION_TIMEOUT_MS": (1000, 20_000_000),
    "DIFY_AGENT_RUN_TIMEOUT_SECONDS": (60, 20_000),
}
OURS: Mapping[str, tuple[int, int]] = {
    "concurrency": (1, 500),
    "sandbox_timeout_seconds": (1, 3600),
    "postgres_memory_mib": (256, 8192),
    "postgres_shared_buffers_mib": (16, 4096),
    "postgres_max_connections": (40, 2000),
}


@dataclass
class Files:
    """The limits as the programs read them, out of the files that are put on the machine."""

    made: Bundle
    settings: Settings

    def number(self, path: str, pattern: str) -> int:
        """The one number that a pattern finds in a file."""
        (found,) = set(re.findall(pattern, self.made.files[path].text, re.MULTILINE))
        return int(found)

    @cached_property
    def given(self) -> Mapping[str, Mapping[str, str]]:
        """The environment of each container that has one of these limits."""
        return {container: given(self.made, container) for container in ("api", "worker", "web", "plugin_daemon")}

    def env(self, name: str, container: str = "api") -> int:
        return int(self.given[container][name])

    @property
    def largest_upload(self) -> int:
        """Bytes."""
        variables = self.given["api"]
        files = [int(value) * MIB for name, value in variables.items() if re.fullmatch("UPLOAD_.*_SIZE_LIMIT", name)]
        return max(*files, *(int(variables[f"PLUGIN_MAX_{what}_SIZE"]) for what in ("PACKAGE", "BUNDLE", "FILE")))

    @property
    def processes(self) -> int:
        """Of dify-api, each with a pool of its own."""
        prefork = self.given["worker"].get("CELERY_WORKER_CLASS") == "prefork"
        celery = self.env("CELERY_WORKER_AMOUNT") if prefork else 1
        return self.env("SERVER_WORKER_AMOUNT") + celery + len(of_dify(self.made)) - 2

    def memory(self, container: str) -> int:
        """MiB."""
        return int(compose(self.made)["services"][container]["mem_limit"].removesuffix("m"))


def files(settings: Settings) -> Files:
    return Files(Bundle.render(settings, OUTPUTS, SECRETS), settings)


def fit(found: Files) -> None:
    """What has to hold between the files, said again and by other means than the library computes it."""
    nginx, squid, postgres = "nginx/nginx.conf", "squid/squid.conf", "postgres/postgresql.conf"
    assert found.number(nginx, r"client_max_body_size (\d+)m;") * MIB > found.largest_upload
    assert found.env("MAX_PLUGIN_PACKAGE_SIZE", "plugin_daemon") == found.env("PLUGIN_MAX_PACKAGE_SIZE")
    assert found.env("MAX_BUNDLE_PACKAGE_SIZE", "plugin_daemon") == found.env("PLUGIN_MAX_BUNDLE_SIZE")
    assert found.env("PLUGIN_MAX_BUNDLE_SIZE") >= found.env("PLUGIN_MAX_PACKAGE_SIZE")

    pool = found.env("SQLALCHEMY_POOL_SIZE") + found.env("SQLALCHEMY_MAX_OVERFLOW")
    vectors, daemon = found.env("PGVECTOR_MAX_CONNECTION"), found.env("DB_MAX_OPEN_CONNS", "plugin_daemon")
    connections = found.number(postgres, r"^max_connections = (\d+)$")
    assert connections >= found.processes * (pool + vectors) + daemon + 10
    assert pool >= found.env("SERVER_WORKER_CONNECTIONS") / 8
    if found.given["worker"].get("CELERY_WORKER_CLASS") != "prefork":
        assert pool >= found.env("CELERY_WORKER_AMOUNT")

    shared, memory = found.number(postgres, r"^shared_buffers = (\d+)MB$"), found.memory("db_postgres")
    assert memory >= 2 * shared
    assert memory >= shared + 3 * connections
    assert found.memory("api") >= 1024 + 512 * (found.env("SERVER_WORKER_AMOUNT") - 1)

    code = found.number("sandbox/config.yaml", r"^worker_timeout: (\d+)$")
    assert code == found.settings.sandbox_timeout_seconds
    assert found.env("CODE_EXECUTION_READ_TIMEOUT") > code
    assert found.env("PLUGIN_DAEMON_TIMEOUT") > found.env("PLUGIN_MAX_EXECUTION_TIMEOUT", "plugin_daemon")
    assert found.env("PLUGIN_INSTALL_TIMEOUT") * 60 >= found.env("PYTHON_ENV_INIT_TIMEOUT", "plugin_daemon")
    step = max(
        found.env("CODE_EXECUTION_READ_TIMEOUT"),
        found.env("PLUGIN_DAEMON_TIMEOUT"),
        found.env("HTTP_REQUEST_MAX_READ_TIMEOUT"),
    )
    assert found.env("APP_MAX_EXECUTION_TIME") >= found.env("WORKFLOW_MAX_EXECUTION_TIME") > step
    gunicorn = found.env("GUNICORN_TIMEOUT")
    assert gunicorn == 0 or gunicorn > max(found.env("CODE_EXECUTION_READ_TIMEOUT"), found.env("PLUGIN_DAEMON_TIMEOUT"))
    for direction in ("read", "send"):
        seconds = found.number(nginx, rf"proxy_{direction}_timeout (\d+)s;")
        assert seconds > max(found.env("APP_MAX_EXECUTION_TIME"), gunicorn)
        assert seconds > found.env("TEXT_GENERATION_TIMEOUT_MS", "web") / 1000
        assert seconds > found.env("DIFY_AGENT_RUN_TIMEOUT_SECONDS")
    for what in ("connect", "read", "write"):
        assert found.number(squid, rf"^{what}_timeout (\d+) seconds$") > found.env(
            f"HTTP_REQUEST_MAX_{what.upper()}_TIMEOUT"
        )


def random_settings(chance: random.Random) -> dict[str, Any]:
    """Some limits, each small or large, and the rest left out."""

    def some(ranges: Mapping[str, tuple[int, int]], share: float) -> dict[str, int]:
        return {
            name: round(least * (most / max(least, 1)) ** chance.random()) if least else chance.randint(least, most)
            for name, (least, most) in ranges.items()
            if chance.random() < share
        }

    env = {name: str(value) for name, value in some(RANGES, 0.3).items()}
    if chance.random() < 0.2:
        env["CELERY_WORKER_CLASS"] = chance.choice(["prefork", "gevent"])
    profile = chance.choice(["compact", "full"])
    return {"environment": "dev", "profile": profile, "env": env, **some(OURS, 0.3)}


def raised(desired: dict[str, Any], problems: tuple[Problem, ...]) -> dict[str, Any]:
    """The same wish, with each limit that was refused as large as the refusal asks for."""
    better = {**desired, "env": dict(desired["env"])}
    for problem in problems:
        found = re.search(r"at least (\d+)", problem.right)
        assert found, problem
        if problem.field == "env":
            assert isinstance(problem.value, Mapping)
            (name,) = problem.value
            assert name in better["env"], "only what was given is refused"
            better["env"][name] = found[1]
        else:
            assert better[problem.field] is not None
            better[problem.field] = int(found[1])
    return better


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_raised_the_files_fit_each_other_or_it_is_reported(seed: int) -> None:
    """Generated wishes. What is refused says how large it has to be, and with that it is right."""
    chance = random.Random(seed)
    for _ in range(2):
        desired, refused = random_settings(chance), False
        for _ in range(8):
            try:
                settings = Settings(**desired)
                break
            except SettingsError as error:
                desired, refused = raised(desired, error.problems), True
        else:
            pytest.fail(f"never right: {desired}")
        found = files(settings)
        fit(found)
        if not refused:
            assert all(found.given["api"][name] == value for name, value in desired["env"].items())


def test_the_defaults_fit() -> None:
    for profile in ("compact", "full"):
        fit(files(Settings(environment="dev", profile=profile)))


@pytest.mark.parametrize(
    ("env", "limit", "least"),
    [
        ({"SQLALCHEMY_POOL_SIZE": "5", "SQLALCHEMY_MAX_OVERFLOW": "5", "CELERY_WORKER_AMOUNT": "90"}, "OVERFLOW", 85),
        ({"SQLALCHEMY_MAX_OVERFLOW": "0"}, "SQLALCHEMY_MAX_OVERFLOW", 34),
        ({"SQLALCHEMY_POOL_SIZE": "0"}, "SQLALCHEMY_POOL_SIZE", 1),
        ({"PLUGIN_MAX_EXECUTION_TIMEOUT": "900", "PLUGIN_DAEMON_TIMEOUT": "600.0"}, "PLUGIN_DAEMON_TIMEOUT", 930),
        ({"WORKFLOW_MAX_EXECUTION_TIME": "3000", "APP_MAX_EXECUTION_TIME": "1200"}, "APP_MAX_EXECUTION_TIME", 3000),
        ({"PLUGIN_MAX_PACKAGE_SIZE": "900", "PLUGIN_MAX_BUNDLE_SIZE": "800"}, "PLUGIN_MAX_BUNDLE_SIZE", 900),
        ({"CODE_EXECUTION_READ_TIMEOUT": "20"}, "CODE_EXECUTION_READ_TIMEOUT", 30),
    ],
)
def test_two_limits_that_cannot_both_hold_are_refused_by_name(env: dict[str, str], limit: str, least: int) -> None:
    """With the value that would be right, and with what it has to be enough for."""
    with pytest.raises(SettingsError) as caught:
        Settings(environment="dev", env=env)
    (problem,) = caught.value.problems
    assert limit in problem.wrong
    assert f"at least {least}, for " in problem.right


def test_connections_that_postgresql_was_not_given_are_refused() -> None:
    """postgres_max_connections is a person's word: it is not raised behind it."""
    with pytest.raises(SettingsError, match=r"postgres_max_connections = 100: .*at least 523, for the pools"):
        Settings(environment="dev", postgres_max_connections=100, env={"SERVER_WORKER_AMOUNT": "5"})
    with pytest.raises(SettingsError, match=r"postgres_memory_mib = 512: .*at least 2048"):
        Settings(environment="dev", postgres_memory_mib=512, postgres_shared_buffers_mib=1024)


def test_no_limit_for_gunicorn_is_no_small_one() -> None:
    """0 says so to gunicorn."""
    assert files(Settings(environment="dev", env={"GUNICORN_TIMEOUT": "0"})).env("GUNICORN_TIMEOUT") == 0


def test_celery_that_scales_by_itself_counts_as_large_as_it_may_get() -> None:
    """By its most tasks at a time, not by those that it begins with."""
    env = {"CELERY_AUTO_SCALE": "true", "CELERY_MAX_WORKERS": "40", "CELERY_WORKER_AMOUNT": "2"}
    found = files(Settings(environment="dev", env=env))
    assert found.env("SQLALCHEMY_POOL_SIZE") + found.env("SQLALCHEMY_MAX_OVERFLOW") >= 40


@pytest.mark.parametrize(
    ("overrides", "least"),
    [
        ({}, 3584),
        ({"profile": "full"}, 7372),
        ({"profile": "full", "vector_store": "weaviate"}, 7372),
        # The limits of all containers, of which api has 8 processes and PostgreSQL 730 connections, less 2 GiB of swap.
        (
            {"env": {"SERVER_WORKER_AMOUNT": "8"}},
            int((1024 + 7 * 512 + 128 + 730 * 3 + 1280 + 512 + 400 + 1024 + 192 + 256 + 160 + 96 + 1024 - 2048) * 0.9),
        ),
        ({"postgres_memory_mib": 4096}, int(2 * 4096 * 0.9)),
    ],
)
def test_more_memory_is_required_of_the_machine_before_anything_is_done_to_it(
    overrides: dict[str, Any], least: int
) -> None:
    """A container may grow to half of the memory: where limits were raised, the first step refuses small machines."""
    settings = Settings(environment="dev", **overrides)
    made = steps_of(settings)
    (machine,) = (step for step in made if isinstance(step, Machine))
    assert machine.memory_mib == least


@pytest.mark.parametrize("number", ["nan", "inf", "1e400"])
def test_a_number_that_is_none_is_no_limit(number: str) -> None:
    """It is refused, and named; the computation of the others is not broken by it."""
    with pytest.raises(SettingsError, match="UPLOAD_FILE_SIZE_LIMIT") as caught:
        Settings(environment="dev", env={"UPLOAD_FILE_SIZE_LIMIT": number, "GUNICORN_TIMEOUT": "700"})
    assert "GUNICORN_TIMEOUT" not in "".join(problem.wrong for problem in caught.value.problems)
