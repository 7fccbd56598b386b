"""Limits: computed in one place from what is wished for, so that a limit raised in one place is raised in the others.

A person who lets uploads be 500 MB means that nginx lets them through as well; who starts ten workers means that the
database has connections for them. Where a limit was given that is too small for another, that is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from types import MappingProxyType
from typing import Final, Self

from dify_aws.limits.concurrency import (
    PREFORK_PROCESSES,
    PROCESS_MIB,
    REQUEST_MIB,
    TASK_MIB,
    celery_processes,
    celery_tasks,
    requests_for,
    tasks_for,
)
from dify_aws.limits.rules import DEFAULTS, RULES
from dify_aws.limits.sizes import SIZES, Sizes

OURS: Final = frozenset(
    {
        "concurrency",
        "sandbox_timeout_seconds",
        "postgres_max_connections",
        "postgres_shared_buffers_mib",
        "postgres_memory_mib",
    }
)
"""Limits that are settings of their own. The rest of those in small letters follow from the others."""

UNLIMITED: Final = frozenset({("GUNICORN_TIMEOUT", 0)})
"""What says "no limit" to the program that reads it."""

GREENLETS: Final = frozenset({"", "gevent", "eventlet", "threads", "solo"})
"""Pools of Celery that do everything in one process. The other, prefork, has one for each task at a time."""

DEFAULT_REQUEST_MIB: Final = 188
"""The largest request, if no limit of uploads was raised. The memory of api is made for it."""

LEAST_POOL: Final = 10
"""Connections to PostgreSQL that each process of Dify keeps, however few people there are."""

SWAP_MIB: Final = 4096
LARGE_MIB: Final = 8192
SHOWN: Final = 0.9
"""Linux shows a little less memory than the machine has: it keeps a part for itself."""

RELEASE_SHOWN: Final = 7 / 8
"""Of the memory that a release asks for: a machine of just that size shows so much on every type of instance."""

SYSTEM_MIB: Final = 1024
"""Linux, Docker, the agent of CloudWatch, SSH."""


@dataclass(frozen=True)
class Shortfall:
    """A limit that somebody has given, and that is too small for what else is wished for.

    Args:
        limit: a variable of Dify, or the name of a setting.
        value: as it was given.
        least: the smallest value that works.
        why: what it has to be enough for.
    """

    limit: str
    value: int
    least: int
    why: str


@dataclass(frozen=True, kw_only=True)
class Limits:
    """All limits of one Dify, which fit each other unless ``shortfalls`` says otherwise.

    Args:
        variables: those of Dify's variables that are limits, for .env; what was given is as it was given.
        sizes: memory of the containers, and PostgreSQL's own.
        concurrency: people who run a workflow at the same time.
        max_connections: connections that PostgreSQL accepts.
        sandbox_seconds: how long code in a workflow may run.
        request_mib: the largest request that nginx lets through.
        request_seconds: how long nginx waits between two words of an answer.
        proxy_connect_seconds: how long Squid waits for a connection.
        proxy_read_seconds: how long Squid waits for the next word of an answer.
        proxy_write_seconds: how long Squid waits until it can send the next word.
        release_mib: MiB of memory that Linux has to show for the release, whatever the limits are.
        shortfalls: what was given too small.
    """

    variables: Mapping[str, str]
    sizes: Sizes
    concurrency: int
    max_connections: int
    sandbox_seconds: int
    request_mib: int
    request_seconds: int
    proxy_connect_seconds: int
    proxy_read_seconds: int
    proxy_write_seconds: int
    release_mib: int = 0
    shortfalls: tuple[Shortfall, ...] = ()

    @classmethod
    def of(
        cls,
        profile: str,
        env: Mapping[str, str],
        *,
        memory_mib: int = 0,
        services: Mapping[str, int] = MappingProxyType({}),
        **settings: int | None,
    ) -> Self:
        """The limits of a profile.

        Args:
            profile: "compact" or "full".
            env: variables of Dify that somebody has given, as ``by_limit`` names them. What is no number is not
                counted as a limit.
            memory_mib: what the release asks of a machine, in MiB.
            services: MiB that each service may take whose limit the record of the release has.
            settings: those of :data:`OURS`, in seconds, MiB and people; None: as large as need be.

        Returns:
            The limits, each at least as large as the others need it.
        """
        base = SIZES[profile]
        given = {name: value for name, text in env.items() if (value := number(text)) is not None}
        given |= {name: value for name, value in settings.items() if value is not None}
        people = given.get("concurrency", base.concurrency)
        usual = {
            **DEFAULTS,
            **_celery(given, env, people),
            "SERVER_WORKER_CONNECTIONS": requests_for(people),
            # What these have to be more follows from the rules.
            "SQLALCHEMY_POOL_SIZE": max(LEAST_POOL, people // 2),
            "SQLALCHEMY_MAX_OVERFLOW": 0,
            "postgres_max_connections": 0,
            "postgres_shared_buffers_mib": base.shared_buffers,
            "postgres_memory_mib": base.memory["db_postgres"],
        }
        numbers = {
            **usual,
            **given,
            "people": given.get("concurrency", 0),
            "prefork": int(env.get("CELERY_WORKER_CLASS", "") not in GREENLETS),
            "websocket": int(profile == "full"),
        }
        if "CELERY_MAX_WORKERS" not in usual:
            numbers.pop("CELERY_MAX_WORKERS", None)
        shortfalls = []
        for rule in RULES:
            if rule.limit not in numbers:
                continue
            least = rule.least(numbers)
            if numbers[rule.limit] >= least or (rule.limit, numbers[rule.limit]) in UNLIMITED:
                continue
            if rule.limit in given:
                shortfalls.append(Shortfall(rule.limit, given[rule.limit], least, rule.why))
            numbers[rule.limit] = least
        return cls(
            variables=MappingProxyType({name: env.get(name, str(numbers[name])) for name in usual if name.isupper()}),
            sizes=_sizes(base, numbers, services),
            concurrency=people,
            max_connections=numbers["postgres_max_connections"],
            sandbox_seconds=numbers["sandbox_timeout_seconds"],
            request_mib=numbers["request_mib"],
            request_seconds=numbers["request_seconds"],
            proxy_connect_seconds=numbers["proxy_connect_seconds"],
            proxy_read_seconds=numbers["proxy_read_seconds"],
            proxy_write_seconds=numbers["proxy_write_seconds"],
            release_mib=int(memory_mib * RELEASE_SHOWN),
            shortfalls=tuple(shortfalls),
        )

    def machine_mib(self, vector_store: str) -> int:
        """MiB of memory that Linux has to show: what the profile needs, and more where limits were raised.

        A limit is what a container may grow to. All of them together fit into memory and swap, and none of them takes
        more than half of the memory.
        """
        unused = {"weaviate", "qdrant"} - {vector_store}
        memory = [mib for name, mib in self.sizes.memory.items() if name not in unused]
        together, least = sum(memory) + SYSTEM_MIB, 2 * max(memory)
        least = max(least, together - SWAP_MIB)
        if least > LARGE_MIB:  # a larger machine gets less swap
            least = max(least, together - SWAP_MIB // 2)
        return max(self.sizes.machine_mib, self.release_mib, int(least * SHOWN))


def number(text: str) -> int | None:
    """The number that a variable holds, rounded up; None if it holds none. Some of Dify's times are fractions."""
    try:
        return ceil(float(text))
    except (ValueError, OverflowError):
        return None


def _celery(given: Mapping[str, int], env: Mapping[str, str], people: int) -> Mapping[str, int]:
    """How many tasks Celery does at the same time if nobody has given it: each is a process if its pool is prefork."""
    greenlets = env.get("CELERY_WORKER_CLASS", "") in GREENLETS
    tasks = tasks_for(people) if greenlets or "concurrency" in given else PREFORK_PROCESSES
    scales = env.get("CELERY_AUTO_SCALE", "").lower() == "true"
    return dict.fromkeys(("CELERY_WORKER_AMOUNT", *(["CELERY_MAX_WORKERS"] if scales else [])), tasks)


def _sizes(base: Sizes, numbers: Mapping[str, int], services: Mapping[str, int]) -> Sizes:
    memory = {**base.memory, **services}
    memory["db_postgres"] = numbers["postgres_memory_mib"]
    memory["worker"] += PROCESS_MIB * (celery_processes(numbers) - 1)
    if not numbers["prefork"]:
        memory["worker"] += TASK_MIB * max(0, celery_tasks(numbers) - tasks_for(base.concurrency))
    memory["api"] += REQUEST_MIB * max(0, numbers["SERVER_WORKER_CONNECTIONS"] - requests_for(base.concurrency))
    # api holds an upload in memory, once as it came and once as it goes on.
    large = max(0, numbers["request_mib"] - DEFAULT_REQUEST_MIB)
    memory["api"] += PROCESS_MIB * max(0, numbers["SERVER_WORKER_AMOUNT"] - 1) + 2 * large
    return replace(
        base,
        memory=MappingProxyType(memory),
        shared_buffers=numbers["postgres_shared_buffers_mib"],
        # What PostgreSQL and Linux cache of it beyond the default is what it was given more.
        effective_cache_size=base.effective_cache_size
        + max(0, numbers["postgres_memory_mib"] - base.memory["db_postgres"]),
    )
