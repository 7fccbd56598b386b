"""Concurrency: for so many people at once, Celery, gunicorn, the pools of connections and PostgreSQL agree.

What was measured with Dify's own programs stands here as data: the defaults carry it, with memory to spare.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pytest

from dify_aws.errors import SettingsError
from dify_aws.limits import SIZES, limits_of, most_people
from dify_aws.settings import Settings
from tests.install.test_limits import Files, files, fit
from tests.support.bundles import of_dify

# Twelve and sixty people who run a workflow of 6 s at once, on two processors with 4 GiB; nobody failed.
MEASURED_WITH_60: Final = {"greenlets": 64, "requests": 400, "pool": 54, "connections": 57}

# MiB of anonymous memory, the larger of idle and 60 at once.
MEASURED_MIB: Final = {
    "api": 591,
    "worker": 562,
    "worker_beat": 362,
    "api_websocket": 376,
    "web": 139,
    "agent_backend": 145,
    "db_postgres": 214,
    "redis": 3,
}
HEADROOM: Final = 1.4

T3_MEDIUM_MIB: Final = 3891
"""What Linux shows of 4 GiB, as EC2's types are judged."""


def of(**options: Any) -> Files:
    return files(Settings(environment="dev", **options))


@pytest.mark.parametrize("profile", sorted(SIZES))
@pytest.mark.parametrize("people", [None, 1, 5, 12, 60, 61, 150, 500, 2000])
def test_the_four_agree_for_every_size(profile: str, people: int | None) -> None:
    """Each is computed here by itself, from the files: a greenlet for each, a connection for each greenlet."""
    found = of(profile=profile, concurrency=people)
    at_once = people or SIZES[profile].concurrency
    greenlets, requests = found.env("CELERY_WORKER_AMOUNT"), found.env("SERVER_WORKER_CONNECTIONS")
    pool = found.env("SQLALCHEMY_POOL_SIZE") + found.env("SQLALCHEMY_MAX_OVERFLOW")
    connections = found.number("postgres/postgresql.conf", r"^max_connections = (\d+)$")
    shared = found.number("postgres/postgresql.conf", r"^shared_buffers = (\d+)MB$")
    assert greenlets > at_once
    assert requests >= 5 * at_once
    assert pool >= max(greenlets, requests / 8)
    assert connections >= len(of_dify(found.made)) * (pool + 5) + 30 + 10
    assert found.memory("db_postgres") >= shared + 3 * connections
    assert found.memory("worker") - 562 >= 8 * (greenlets - 64)
    assert found.memory("api") - 591 >= requests - 400
    fit(found)


def test_the_defaults_are_at_least_what_was_measured() -> None:
    for profile in SIZES:
        found = of(profile=profile)
        assert found.env("CELERY_WORKER_AMOUNT") >= MEASURED_WITH_60["greenlets"]
        assert found.env("SERVER_WORKER_CONNECTIONS") >= MEASURED_WITH_60["requests"]
        pool = found.env("SQLALCHEMY_POOL_SIZE") + found.env("SQLALCHEMY_MAX_OVERFLOW")
        assert pool >= MEASURED_WITH_60["pool"]
        assert found.number("postgres/postgresql.conf", r"^max_connections = (\d+)$") > MEASURED_WITH_60["connections"]


@pytest.mark.parametrize("profile", sorted(SIZES))
def test_every_limit_leaves_headroom_above_what_was_measured(profile: str) -> None:
    memory = SIZES[profile].memory
    for service, mib in MEASURED_MIB.items():
        if service in memory:
            assert memory[service] >= HEADROOM * mib, service


def test_sixty_people_fit_a_t3_medium() -> None:
    """What was measured, and the whole limit of what was not, is within the memory; swap is for what comes on top."""
    settings = Settings(environment="dev")
    limits = limits_of(settings)
    assert limits.concurrency == 60
    assert limits.machine_mib(settings.vector_store) <= T3_MEDIUM_MIB
    running = limits.sizes.memory.keys() - {"weaviate", "qdrant"}
    assert sum(MEASURED_MIB.get(service, limits.sizes.memory[service]) for service in running) <= T3_MEDIUM_MIB


@pytest.mark.parametrize(
    ("env", "name", "least"),
    [
        ({"CELERY_WORKER_AMOUNT": "2"}, "CELERY_WORKER_AMOUNT", 64),
        ({"SERVER_WORKER_CONNECTIONS": "10"}, "SERVER_WORKER_CONNECTIONS", 400),
        ({"SERVER_WORKER_CONNECTIONS": "10", "SERVER_WORKER_AMOUNT": "4"}, "SERVER_WORKER_CONNECTIONS", 100),
        ({"SQLALCHEMY_POOL_SIZE": "10", "SQLALCHEMY_MAX_OVERFLOW": "10"}, "SQLALCHEMY_MAX_OVERFLOW", 54),
        ({"CELERY_AUTO_SCALE": "true", "CELERY_MAX_WORKERS": "8"}, "CELERY_MAX_WORKERS", 64),
    ],
)
def test_a_variable_too_small_for_the_setting_is_refused(env: Mapping[str, str], name: str, least: int) -> None:
    with pytest.raises(SettingsError, match=rf"{name}[\s\S]*at least {least}, for ") as caught:
        Settings(environment="dev", concurrency=60, env=env)
    assert len(caught.value.problems) == 1


def test_connections_too_few_for_the_setting_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"postgres_max_connections = 100: .*at least 247, for the pools"):
        Settings(environment="dev", concurrency=60, postgres_max_connections=100)


def test_without_the_setting_the_variables_of_a_person_count() -> None:
    """Who knows Dify's variables may say how many greenlets there are; the connections follow."""
    found = of(env={"CELERY_WORKER_AMOUNT": "4", "SERVER_WORKER_CONNECTIONS": "10"})
    assert (found.env("CELERY_WORKER_AMOUNT"), found.env("SERVER_WORKER_CONNECTIONS")) == (4, 10)


def test_processes_of_prefork_are_not_as_many_as_greenlets() -> None:
    """Each is a process with all of Dify in it; so they are as many as people only if the setting says so."""
    assert of(env={"CELERY_WORKER_CLASS": "prefork"}).env("CELERY_WORKER_AMOUNT") == 2
    found = of(env={"CELERY_WORKER_CLASS": "prefork"}, concurrency=20)
    assert found.env("CELERY_WORKER_AMOUNT") == 24
    assert found.memory("worker") >= 24 * 512


def test_celery_that_scales_by_itself_scales_to_the_people() -> None:
    """Dify's own default is the number of processors."""
    assert of(env={"CELERY_AUTO_SCALE": "true"}, concurrency=100).env("CELERY_MAX_WORKERS") == 104
    assert "CELERY_MAX_WORKERS" not in of().given["worker"]


@pytest.mark.parametrize("memory_mib", [3891, 7782, 15564])
def test_the_most_people_that_fit_are_the_most(memory_mib: int) -> None:
    """One more, and the machine is too small."""
    settings = Settings(environment="dev", concurrency=2000)
    people = most_people(settings, memory_mib)

    def needed(people: int) -> int:
        return limits_of(settings.replace(concurrency=people)).machine_mib("pgvector")

    assert people >= 60
    assert needed(people) <= memory_mib < needed(people + 1)


def test_a_machine_that_carries_nobody() -> None:
    assert most_people(Settings(environment="dev", concurrency=60), 2000) == 0
