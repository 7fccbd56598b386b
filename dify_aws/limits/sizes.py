"""Sizes: how much memory each service of a profile may take, and how many people it is made for, as data.

``compact`` is for 4 GiB, ``full`` for 8 GiB, each with 4 GiB of swap: a limit is what a service may grow to, not what
it takes, and not all grow at once. A service that reaches its limit is restarted; without one the machine would stand.

Measured with Dify 1.17.1, in MiB of anonymous memory: api 580, worker 562, worker_beat 360, api_websocket 376, web 139,
agent_backend 145, PostgreSQL 64 to 82, Redis 3 when idle; with 60 workflows at once on two processors api 591,
worker 558, PostgreSQL 214 with 57 connections.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The sizes of one profile.

    Attributes:
        memory: MiB that each service may take at most, by the name of the service.
        concurrency: people who run a workflow at the same time.
        shared_buffers: MiB of PostgreSQL's own cache.
        effective_cache_size: MiB that PostgreSQL may expect to be cached, by itself or by Linux.
        machine_mib: MiB of the machine's memory that Linux has to show. It keeps a part for itself, so that is a
            little less than 4 or 8 GiB.
    """

    memory: Mapping[str, int]
    concurrency: int
    shared_buffers: int
    effective_cache_size: int
    machine_mib: int


SIZES: Final[Mapping[str, Sizes]] = MappingProxyType(
    {
        "compact": Sizes(
            memory=MappingProxyType(
                {
                    "api": 1024,
                    "worker": 1280,
                    "worker_beat": 512,
                    "web": 400,
                    "plugin_daemon": 1024,
                    "db_postgres": 896,
                    "redis": 192,
                    "weaviate": 768,
                    "qdrant": 512,
                    "sandbox": 256,
                    "ssrf_proxy": 160,
                    "nginx": 96,
                }
            ),
            concurrency=60,
            shared_buffers=128,
            effective_cache_size=1024,
            machine_mib=3584,
        ),
        "full": Sizes(
            memory=MappingProxyType(
                {
                    "api": 1280,
                    "api_websocket": 640,
                    "worker": 1536,
                    "worker_beat": 512,
                    "web": 448,
                    "plugin_daemon": 1536,
                    "agent_backend": 640,
                    "local_sandbox": 1024,
                    "db_postgres": 1472,
                    "redis": 256,
                    "weaviate": 1024,
                    "qdrant": 768,
                    "sandbox": 384,
                    "ssrf_proxy": 160,
                    "agent_ssrf_proxy": 160,
                    "nginx": 128,
                }
            ),
            concurrency=80,
            shared_buffers=256,
            effective_cache_size=2560,
            machine_mib=7372,
        ),
    }
)
"""The sizes of each profile."""
