"""Rules: which limit has to be how large at least, because of which others, as data in the order of computation.

Names in capitals are Dify's variables, in the unit that Dify reads them in. The others are of our own files: nginx,
Squid, the sandbox, PostgreSQL and the memory limits of the containers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from dify_aws.limits.concurrency import (
    CONNECTION_MIB,
    REQUESTS_PER_CONNECTION,
    at_a_time,
    connections,
    requests_for,
    tasks_for,
)
from dify_aws.limits.numbers import Numbers

MIB: Final = 1 << 20

MULTIPART_MIB: Final = 8
"""What a form adds to the file that it carries."""

DEFAULTS: Final[Mapping[str, int]] = {
    # Uploads, in MiB. Limits of a batch are not among them: Dify takes one file a request, however many there are.
    "UPLOAD_FILE_SIZE_LIMIT": 15,
    "UPLOAD_IMAGE_FILE_SIZE_LIMIT": 10,
    "UPLOAD_AUDIO_FILE_SIZE_LIMIT": 50,
    "UPLOAD_VIDEO_FILE_SIZE_LIMIT": 100,
    "ATTACHMENT_IMAGE_FILE_SIZE_LIMIT": 2,
    # Plugins, in bytes.
    "PLUGIN_MAX_PACKAGE_SIZE": 50 * MIB,
    "PLUGIN_MAX_FILE_SIZE": 50 * MIB,
    "PLUGIN_MAX_BUNDLE_SIZE": 180 * MIB,
    # Processes of gunicorn. What each does at the same time follows from the setting concurrency.
    "SERVER_WORKER_AMOUNT": 1,
    # Seconds, but for the two that say otherwise.
    "CODE_EXECUTION_CONNECT_TIMEOUT": 10,
    "CODE_EXECUTION_READ_TIMEOUT": 60,
    "CODE_EXECUTION_WRITE_TIMEOUT": 10,
    "HTTP_REQUEST_MAX_CONNECT_TIMEOUT": 10,
    "HTTP_REQUEST_MAX_READ_TIMEOUT": 600,
    "HTTP_REQUEST_MAX_WRITE_TIMEOUT": 600,
    "PLUGIN_MAX_EXECUTION_TIMEOUT": 600,
    "PLUGIN_DAEMON_TIMEOUT": 600,
    # 120 seconds and 15 minutes in Dify: too short for a plugin's packages on two processors.
    "PLUGIN_PYTHON_ENV_INIT_TIMEOUT": 600,
    "PLUGIN_INSTALL_TIMEOUT": 30,  # minutes
    "WORKFLOW_MAX_EXECUTION_TIME": 1200,
    "APP_MAX_EXECUTION_TIME": 1200,
    "GUNICORN_TIMEOUT": 360,
    "TEXT_GENERATION_TIMEOUT_MS": 60_000,
    "DIFY_AGENT_RUN_TIMEOUT_SECONDS": 3600,
    # Ours.
    "sandbox_timeout_seconds": 15,
    "request_mib": 100,
    "request_seconds": 3600,
    "proxy_connect_seconds": 30,
    "proxy_read_seconds": 600,
    "proxy_write_seconds": 600,
}
"""How large each is if nothing is wished for and nothing else needs more."""


VARIABLES: Final = (
    *(name for name in DEFAULTS if name.isupper()),
    *("CELERY_WORKER_AMOUNT", "CELERY_MAX_WORKERS", "CELERY_AUTO_SCALE", "CELERY_WORKER_CLASS"),
    *("SERVER_WORKER_CONNECTIONS", "SQLALCHEMY_POOL_SIZE", "SQLALCHEMY_MAX_OVERFLOW"),
)
"""Variables of Dify that a limit is, or depends on, each by one of the names that it has had; see ``by_limit``."""


@dataclass(frozen=True)
class Rule:
    """``limit`` is at least ``least``, computed from those above it in the list.

    Args:
        limit: its name.
        least: the smallest value that works.
        why: what it has to be enough for, to end the sentence "has to be at least …".
    """

    limit: str
    least: Callable[[Numbers], int]
    why: str


def _request_mib(numbers: Numbers) -> int:
    bundles = ("PLUGIN_MAX_PACKAGE_SIZE", "PLUGIN_MAX_FILE_SIZE", "PLUGIN_MAX_BUNDLE_SIZE")
    largest = max(
        # Those too that only a later Dify has.
        *(value for name, value in numbers.items() if name.endswith("_FILE_SIZE_LIMIT")),
        *(-(-numbers[name] // MIB) for name in bundles),
    )
    return largest + MULTIPART_MIB


def _request_seconds(numbers: Numbers) -> int:
    milliseconds = (value for name, value in numbers.items() if name.endswith("_TIMEOUT_MS"))
    return 60 + max(
        numbers["APP_MAX_EXECUTION_TIME"],
        numbers["GUNICORN_TIMEOUT"],
        numbers["DIFY_AGENT_RUN_TIMEOUT_SECONDS"],
        *(-(-value // 1000) for value in milliseconds),
    )


_PEOPLE: Final = "the people who run a workflow at once (the setting concurrency)"

RULES: Final = (
    Rule("SERVER_WORKER_AMOUNT", lambda _: 1, "any answer at all"),
    # People who run a workflow at once, if the setting says how many.
    *(
        Rule(name, lambda numbers: tasks_for(numbers["people"]) if numbers["people"] else 0, _PEOPLE)
        for name in ("CELERY_WORKER_AMOUNT", "CELERY_MAX_WORKERS")
    ),
    Rule(
        "SERVER_WORKER_CONNECTIONS",
        lambda numbers: (
            -(-requests_for(numbers["people"]) // numbers["SERVER_WORKER_AMOUNT"]) if numbers["people"] else 1
        ),
        _PEOPLE,
    ),
    Rule("SQLALCHEMY_POOL_SIZE", lambda _: 1, "a pool that has an end: 0 is one without"),
    # Code of workflows: the sandbox ends it, so api waits a little longer, and the workflow longer than that.
    Rule(
        "CODE_EXECUTION_READ_TIMEOUT",
        lambda numbers: numbers["sandbox_timeout_seconds"] + 15,
        "what sandbox_timeout_seconds lets code take, and a moment to answer",
    ),
    Rule(
        "PLUGIN_DAEMON_TIMEOUT",
        lambda numbers: numbers["PLUGIN_MAX_EXECUTION_TIMEOUT"] + 30,
        "PLUGIN_MAX_EXECUTION_TIMEOUT, and a moment to answer",
    ),
    Rule(
        "PLUGIN_INSTALL_TIMEOUT",
        lambda numbers: -(-numbers["PLUGIN_PYTHON_ENV_INIT_TIMEOUT"] // 60),
        "PLUGIN_PYTHON_ENV_INIT_TIMEOUT, which is a part of it (this one is in minutes)",
    ),
    Rule(
        "WORKFLOW_MAX_EXECUTION_TIME",
        lambda numbers: (
            60
            + max(
                numbers["CODE_EXECUTION_READ_TIMEOUT"],
                numbers["PLUGIN_DAEMON_TIMEOUT"],
                numbers["HTTP_REQUEST_MAX_READ_TIMEOUT"],
            )
        ),
        "one step of a workflow: CODE_EXECUTION_READ_TIMEOUT, PLUGIN_DAEMON_TIMEOUT, HTTP_REQUEST_MAX_READ_TIMEOUT",
    ),
    Rule(
        "APP_MAX_EXECUTION_TIME",
        lambda numbers: numbers["WORKFLOW_MAX_EXECUTION_TIME"],
        "WORKFLOW_MAX_EXECUTION_TIME",
    ),
    Rule(
        "GUNICORN_TIMEOUT",
        lambda numbers: 30 + max(numbers["CODE_EXECUTION_READ_TIMEOUT"], numbers["PLUGIN_DAEMON_TIMEOUT"]),
        "what one request waits for: CODE_EXECUTION_READ_TIMEOUT, PLUGIN_DAEMON_TIMEOUT",
    ),
    Rule("request_seconds", _request_seconds, "the longest run of an app"),
    Rule(
        "proxy_connect_seconds",
        lambda numbers: numbers["HTTP_REQUEST_MAX_CONNECT_TIMEOUT"] + 5,
        "HTTP_REQUEST_MAX_CONNECT_TIMEOUT",
    ),
    Rule(
        "proxy_read_seconds",
        lambda numbers: 30 + max(numbers["HTTP_REQUEST_MAX_READ_TIMEOUT"], numbers["sandbox_timeout_seconds"]),
        "HTTP_REQUEST_MAX_READ_TIMEOUT",
    ),
    Rule(
        "proxy_write_seconds",
        lambda numbers: 30 + max(numbers["HTTP_REQUEST_MAX_WRITE_TIMEOUT"], numbers["sandbox_timeout_seconds"]),
        "HTTP_REQUEST_MAX_WRITE_TIMEOUT",
    ),
    # Uploads: a bundle is made of packages, and nginx lets the largest request through.
    Rule("PLUGIN_MAX_BUNDLE_SIZE", lambda numbers: numbers["PLUGIN_MAX_PACKAGE_SIZE"], "PLUGIN_MAX_PACKAGE_SIZE"),
    Rule("request_mib", _request_mib, "the largest upload"),
    # Connections: each process has a pool, large enough for what it does at a time, and PostgreSQL has room for all.
    Rule(
        "SQLALCHEMY_MAX_OVERFLOW",
        lambda numbers: max(0, at_a_time(numbers) - numbers["SQLALCHEMY_POOL_SIZE"]),
        f"CELERY_WORKER_AMOUNT and 1/{REQUESTS_PER_CONNECTION} of SERVER_WORKER_CONNECTIONS, less SQLALCHEMY_POOL_SIZE",
    ),
    Rule(
        "postgres_max_connections",
        connections,
        "the pools (SQLALCHEMY_POOL_SIZE + SQLALCHEMY_MAX_OVERFLOW) of all processes (SERVER_WORKER_AMOUNT, Celery), "
        "vectors, plugins and some to spare",
    ),
    Rule(
        "postgres_memory_mib",
        lambda numbers: max(
            numbers["postgres_shared_buffers_mib"] * 2,
            numbers["postgres_shared_buffers_mib"] + numbers["postgres_max_connections"] * CONNECTION_MIB,
        ),
        f"postgres_shared_buffers_mib, and as much again or {CONNECTION_MIB} MiB for each of postgres_max_connections",
    ),
)
"""A limit that nobody has given grows to what its rule says; one that was given and is too small is refused."""
