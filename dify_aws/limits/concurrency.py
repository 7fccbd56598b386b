"""Concurrency: what so many people who run a workflow at once take of Celery, gunicorn, SQLAlchemy and PostgreSQL.

Every workflow and chat whose answer is streamed runs as a task of Celery in the worker, one greenlet each; the browser
waits on a connection of gunicorn in api; both take connections from SQLAlchemy's pool, and PostgreSQL has to have as
many. One of the four that stays behind is where people wait, or fail.
"""

from __future__ import annotations

from typing import Final

from dify_aws.limits.numbers import Numbers

PLUGIN_DAEMON_CONNECTIONS: Final = 30
"""To PostgreSQL, of the plugin daemon: DB_MAX_OPEN_CONNS in compose.yaml."""

VECTOR_CONNECTIONS: Final = 5
"""To PostgreSQL, of each process of Dify, for pgvector: PGVECTOR_MAX_CONNECTION in .env."""

SPARE_CONNECTIONS: Final = 10
"""For a person, a backup, a job, and the three that PostgreSQL reserves for its superuser."""

REQUESTS_PER_CONNECTION: Final = 8
"""A request holds a connection to PostgreSQL for a part of its time only; a task of Celery may hold one throughout.
Measured: 54 connections carry 400 of gunicorn's without a wait that anybody notices."""

SPARE_TASKS: Final = 4
"""Tasks of Celery besides those that people wait for: scheduled ones, indexing, mail."""

REQUESTS_PER_PERSON: Final = 5
SPARE_REQUESTS: Final = 100
"""Connections of gunicorn: the stream of an answer is one of each person, pages take some more; and what plugins,
webhooks and people who only look need. 60 people at once make 400, as measured."""

PREFORK_PROCESSES: Final = 2
"""Of Celery, if somebody chooses its pool prefork and says nothing else: each is a process with all of Dify loaded."""

PROCESS_MIB: Final = 512
"""What one more process of Dify takes: a Python with all of Dify loaded."""

TASK_MIB: Final = 8
"""What a task of Celery takes of the worker's memory, beyond those that its limit was made for. An estimate: workflows
that were measured took less than 1 MiB each, and one that carries documents takes more."""

REQUEST_MIB: Final = 1
"""What a connection of gunicorn takes of api's memory, beyond those that its limit was made for. An estimate, too."""

CONNECTION_MIB: Final = 3
"""What one connection takes of PostgreSQL's memory. Measured: 2.3."""


def tasks_for(people: int) -> int:
    """Tasks of Celery at the same time, for so many people who run a workflow at once."""
    return people + SPARE_TASKS


def requests_for(people: int) -> int:
    """Connections of gunicorn, of all its processes together, for so many people who run a workflow at once."""
    return SPARE_REQUESTS + REQUESTS_PER_PERSON * people


def celery_processes(numbers: Numbers) -> int:
    """Processes of the worker: one, unless its pool is prefork."""
    return max(1, celery_tasks(numbers)) if numbers["prefork"] else 1


def celery_tasks(numbers: Numbers) -> int:
    """Tasks of Celery at the same time, at the most: what scales by itself counts as large as it may get."""
    return max(numbers["CELERY_WORKER_AMOUNT"], numbers.get("CELERY_MAX_WORKERS", 0))


def at_a_time(numbers: Numbers) -> int:
    requests = -(-numbers["SERVER_WORKER_CONNECTIONS"] // REQUESTS_PER_CONNECTION)
    return max(1 if numbers["prefork"] else celery_tasks(numbers), requests)


def connections(numbers: Numbers) -> int:
    pool = numbers["SQLALCHEMY_POOL_SIZE"] + numbers["SQLALCHEMY_MAX_OVERFLOW"]
    # api, worker, beat, and with the profile full the one for websockets.
    processes = numbers["SERVER_WORKER_AMOUNT"] + celery_processes(numbers) + 1 + numbers["websocket"]
    return processes * (pool + VECTOR_CONNECTIONS) + PLUGIN_DAEMON_CONNECTIONS + SPARE_CONNECTIONS
