"""Limits: computed in one place from what is wished for, so that a limit raised in one place is raised in the others.

A person who lets uploads be 500 MB means that nginx lets them through as well; who starts ten workers means that the
database has connections for them. Where a limit was given that is too small for another, that is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil
from types import MappingProxyType
from typing import Any, Final, Self

from dify_aws.limits.rules import DEFAULTS, PROCESS_MIB, RULES
from dify_aws.limits.sizes import SIZES, Sizes

OURS: Final = frozenset(
    {"sandbox_timeout_seconds", "postgres_max_connections", "postgres_shared_buffers_mib", "postgres_memory_mib"}
)
"""Limits that are settings of their own. The rest of those in small letters follow from the others."""

UNLIMITED: Final = frozenset({("GUNICORN_TIMEOUT", 0)})
"""What says "no limit" to the program that reads it."""

GREENLETS: Final = frozenset({"", "gevent", "eventlet", "threads", "solo"})
"""Pools of Celery that do everything in one process. The other, prefork, has one for each task at a time."""

DEFAULT_REQUEST_MIB: Final = 188
"""The largest request, if no limit of uploads was raised. The memory of api is made for it."""

SWAP_MIB: Final = 4096
LARGE_MIB: Final = 8192
SHOWN: Final = 0.9
"""Linux shows a little less memory than the machine has: it keeps a part for itself."""

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
        sandbox_seconds: how long code in a workflow may run.
        request_mib: the largest request that nginx lets through.
        request_seconds: how long nginx waits between two words of an answer.
        proxy_connect_seconds: how long Squid waits for a connection.
        proxy_read_seconds: how long Squid waits for the next word of an answer.
        proxy_write_seconds: how long Squid waits until it can send the next word.
        shortfalls: what was given too small.
    """

    variables: Mapping[str, str]
    sizes: Sizes
    sandbox_seconds: int
    request_mib: int
    request_seconds: int
    proxy_connect_seconds: int
    proxy_read_seconds: int
    proxy_write_seconds: int
    shortfalls: tuple[Shortfall, ...] = ()

    @classmethod
    def of(cls, profile: str, env: Mapping[str, str], **wished: int | None) -> Self:
        """The limits of a profile.

        Args:
            profile: "compact" or "full".
            env: variables of Dify that somebody has given. What is no number is not counted as a limit.
            wished: the settings of :data:`OURS`, in seconds and MiB; None: as large as need be.
        """
        base = SIZES[profile]
        given = {name: value for name, text in env.items() if (value := number(text)) is not None}
        given |= {name: value for name, value in wished.items() if value is not None}
        usual = {
            **DEFAULTS,
            "SQLALCHEMY_POOL_SIZE": base.pool_size,
            "SQLALCHEMY_MAX_OVERFLOW": base.max_overflow,
            "postgres_max_connections": base.max_connections,
            "postgres_shared_buffers_mib": base.shared_buffers,
            "postgres_memory_mib": base.memory["db_postgres"],
        }
        numbers = {**usual, **given}
        workers, numbers["concurrency"] = _celery(numbers, env)
        # api, worker, beat, and with full the one for websockets.
        numbers["processes"] = numbers["SERVER_WORKER_AMOUNT"] + workers + (2 if profile == "full" else 1)
        shortfalls = []
        for rule in RULES:
            least = rule.least(numbers)
            if numbers[rule.limit] >= least or (rule.limit, numbers[rule.limit]) in UNLIMITED:
                continue
            if rule.limit in given:
                shortfalls.append(Shortfall(rule.limit, given[rule.limit], least, rule.why))
            numbers[rule.limit] = least
        return cls(
            variables=MappingProxyType({name: env.get(name, str(numbers[name])) for name in usual if name.isupper()}),
            sizes=_sizes(base, numbers, workers),
            sandbox_seconds=numbers["sandbox_timeout_seconds"],
            request_mib=numbers["request_mib"],
            request_seconds=numbers["request_seconds"],
            proxy_connect_seconds=numbers["proxy_connect_seconds"],
            proxy_read_seconds=numbers["proxy_read_seconds"],
            proxy_write_seconds=numbers["proxy_write_seconds"],
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
        return max(self.sizes.machine_mib, int(least * SHOWN))


def limits_of(settings: Any) -> Limits:
    """The limits of settings: of a ``Settings``, or of anything that has the same attributes."""
    env = {name: getattr(value, "reveal", lambda value=value: value)() for name, value in settings.env.items()}
    return Limits.of(settings.profile, env, **{name: getattr(settings, name) for name in sorted(OURS)})


def number(text: str) -> int | None:
    """The number that a variable holds, rounded up; None if it holds none. Some of Dify's times are fractions."""
    try:
        return ceil(float(text))
    except (ValueError, OverflowError):
        return None


def _celery(numbers: Mapping[str, int], env: Mapping[str, str]) -> tuple[int, int]:
    """How many processes the worker has, and how many tasks each of them does at a time."""
    amount = numbers["CELERY_WORKER_AMOUNT"]
    if env.get("CELERY_AUTO_SCALE", "").lower() == "true":
        amount = max(amount, number(env.get("CELERY_MAX_WORKERS", "")) or amount)
    return (1, amount) if env.get("CELERY_WORKER_CLASS", "") in GREENLETS else (max(1, amount), 1)


def _sizes(base: Sizes, numbers: Mapping[str, int], workers: int) -> Sizes:
    memory = dict(base.memory)
    memory["db_postgres"] = numbers["postgres_memory_mib"]
    memory["worker"] += PROCESS_MIB * (workers - 1)
    # api holds an upload in memory, once as it came and once as it goes on.
    large = max(0, numbers["request_mib"] - DEFAULT_REQUEST_MIB)
    memory["api"] += PROCESS_MIB * max(0, numbers["SERVER_WORKER_AMOUNT"] - 1) + 2 * large
    return replace(
        base,
        memory=MappingProxyType(memory),
        max_connections=numbers["postgres_max_connections"],
        pool_size=numbers["SQLALCHEMY_POOL_SIZE"],
        max_overflow=numbers["SQLALCHEMY_MAX_OVERFLOW"],
        shared_buffers=numbers["postgres_shared_buffers_mib"],
        # What PostgreSQL and Linux cache of it beyond the default is what it was given more.
        effective_cache_size=base.effective_cache_size
        + max(0, numbers["postgres_memory_mib"] - base.memory["db_postgres"]),
    )
