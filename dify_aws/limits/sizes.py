"""Sizes: how much memory and how many connections each service of a profile may take, as data.

``compact`` is for 4 GiB, ``full`` for 8 GiB, each with 4 GiB of swap: a limit is what a service may grow to, not what
it takes, and not all grow at once. A service that reaches its limit is restarted; without one the machine would stand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The sizes of one profile.

    :param memory: MiB that each service may take at most, by the name of the service.
    :param max_connections: of PostgreSQL.
    :param pool_size: connections to PostgreSQL that each process of Dify keeps.
    :param max_overflow: and those that it may open besides.
    :param shared_buffers: MiB of PostgreSQL's own cache.
    :param effective_cache_size: MiB that PostgreSQL may expect to be cached, by itself or by Linux.
    :param machine_mib: MiB that Linux has to show of the machine's memory. It keeps a part for itself, so that is a
        little less than 4 or 8 GiB.
    """

    memory: Mapping[str, int]
    max_connections: int
    pool_size: int
    max_overflow: int
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
                    "worker_beat": 400,
                    "web": 400,
                    "plugin_daemon": 1024,
                    "db_postgres": 512,
                    "redis": 192,
                    "weaviate": 768,
                    "qdrant": 512,
                    "sandbox": 256,
                    "ssrf_proxy": 160,
                    "nginx": 96,
                }
            ),
            max_connections=120,
            pool_size=10,
            max_overflow=10,
            shared_buffers=128,
            effective_cache_size=1024,
            machine_mib=3584,
        ),
        "full": Sizes(
            memory=MappingProxyType(
                {
                    "api": 1536,
                    "api_websocket": 640,
                    "worker": 1792,
                    "worker_beat": 448,
                    "web": 448,
                    "plugin_daemon": 1536,
                    "agent_backend": 640,
                    "local_sandbox": 1024,
                    "db_postgres": 1024,
                    "redis": 256,
                    "weaviate": 1024,
                    "qdrant": 768,
                    "sandbox": 384,
                    "ssrf_proxy": 160,
                    "agent_ssrf_proxy": 160,
                    "nginx": 128,
                }
            ),
            max_connections=200,
            pool_size=15,
            max_overflow=15,
            shared_buffers=256,
            effective_cache_size=2560,
            machine_mib=7372,
        ),
    }
)
"""The sizes of each profile."""
