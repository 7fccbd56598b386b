"""Variables: the names in Dify's .env that are ours to set, what to use instead, and which container reads the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Final

_MADE: Final = "It is made once and kept in AWS Secrets Manager"
_URL: Final = "The URLs follow from the setting domain"
_STORAGE: Final = "Use the setting storage"
_VECTORS: Final = "Use the setting vector_store"
_PROFILE: Final = "Use the setting profile"
_FIXED: Final = "The containers find each other by it"
_BUNDLES: Final = "Use PLUGIN_MAX_BUNDLE_SIZE, which the plugin daemon is given by this name"
_CONNECTIONS: Final = "The connections of PostgreSQL are shared out by the setting postgres_max_connections"
_LOGS: Final = "The logs are rotated on the machine, by logrotate"
_CODE: Final = "Use the setting sandbox_timeout_seconds"
_TELEMETRY: Final = "Use the setting telemetry"
_UNREAD: Final = "Dify's own Compose file reads it, Dify does not, and this bundle has a Compose file of its own"

TELEMETRY: Final = ("DISABLE_TELEMETRY", "DO_NOT_TRACK", "SCARF_NO_ANALYTICS", "NEXT_TELEMETRY_DISABLED")
"""Variables that turn reports to the makers of Dify and Next.js off. Not every release has each."""

OURS: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        (
            *(
                "SECRET_KEY",
                "INIT_PASSWORD",
                "DB_PASSWORD",
                "DB_PLUGIN_PASSWORD",
                "REDIS_PASSWORD",
                "CELERY_BROKER_URL",
            ),
            *("CODE_EXECUTION_API_KEY", "SANDBOX_API_KEY", "INNER_API_KEY_FOR_PLUGIN"),
            *("PLUGIN_DAEMON_KEY", "PLUGIN_DIFY_INNER_API_KEY", "AGENT_BACKEND_API_TOKEN"),
            *("DIFY_AGENT_API_TOKEN", "DIFY_AGENT_SERVER_SECRET_KEY", "DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN"),
            "DIFY_AGENT_SHELLCTL_AUTH_TOKEN",
        ),
        _MADE,
    ),
    **dict.fromkeys(
        (
            *("CONSOLE_API_URL", "CONSOLE_WEB_URL", "SERVICE_API_URL", "APP_API_URL", "APP_WEB_URL", "FILES_URL"),
            *("TRIGGER_URL", "ENDPOINT_URL_TEMPLATE", "NEXT_PUBLIC_SOCKET_URL"),
        ),
        _URL,
    ),
    **dict.fromkeys(("STORAGE_TYPE", "OPENDAL_*", "S3_*", "PLUGIN_STORAGE_*", "PLUGIN_S3_*", "PLUGIN_AWS_*"), _STORAGE),
    **dict.fromkeys(("VECTOR_STORE", "PGVECTOR_*", "WEAVIATE_*", "QDRANT_*"), _VECTORS),
    **dict.fromkeys(
        ("ENABLE_COLLABORATION_MODE", "NEXT_PUBLIC_ENABLE_AGENT_V2", "ENABLE_AGENT_V2", "AGENT_BACKEND_BASE_URL"),
        _PROFILE,
    ),
    **dict.fromkeys(
        (
            *(
                "DB_TYPE",
                "DB_HOST",
                "DB_PORT",
                "DB_USERNAME",
                "DB_DATABASE",
                "DB_PLUGIN_DATABASE",
                "DB_PLUGIN_USERNAME",
            ),
            *("DB_DEFAULT_DATABASE", "DB_SSL_MODE", "DB_EXTRAS"),
            *("REDIS_HOST", "REDIS_PORT", "REDIS_USERNAME", "REDIS_DB", "REDIS_USE_*", "DIFY_AGENT_REDIS_URL"),
            *("CODE_EXECUTION_ENDPOINT", "SSRF_PROXY_HTTP_URL", "SSRF_PROXY_HTTPS_URL"),
            *("PLUGIN_DAEMON_URL", "PLUGIN_DIFY_INNER_API_URL", "INTERNAL_FILES_URL", "SERVER_CONSOLE_API_URL"),
            *("DIFY_BIND_ADDRESS", "DIFY_PORT", "MODE", "MIGRATION_ENABLED", "LOG_FILE", "SERVER_PORT", "SERVER_KEY"),
            *("PLUGIN_REMOTE_INSTALLING_*", "PLUGIN_WORKING_PATH", "DIFY_INNER_API_*"),
            *("DIFY_AGENT_*_URL", "DIFY_AGENT_*_KEY", "DIFY_AGENT_LOCAL_SANDBOX_*"),
            *("DIFY_AGENT_RUNTIME_BACKEND", "SHELLCTL_AUTH_TOKEN", "DIFY_AGENT_SHELLCTL_ENTRYPOINT"),
            *("PLUGIN_DAEMON_PORT", "PLUGIN_DEBUGGING_*"),
        ),
        _FIXED,
    ),
    **dict.fromkeys(
        (
            *("COMPOSE_*", "EXPOSE_*", "NGINX_*", "CERTBOT_*", "POSTGRES_*", "PGDATA", "PGUSER", "SANDBOX_*"),
            *("SSRF_HTTP_PORT", "SSRF_COREDUMP_DIR", "SSRF_REVERSE_PROXY_PORT", "SSRF_SANDBOX_HOST"),
            *("SSRF_PROXY_ALLOW_*", "API_WEBSOCKET_*", "EDITION"),
        ),
        _UNREAD,
    ),
    **dict.fromkeys(("DISABLE_TELEMETRY", "DO_NOT_TRACK", "SCARF_NO_ANALYTICS", "NEXT_TELEMETRY_DISABLED"), _TELEMETRY),
    "MAX_BUNDLE_PACKAGE_SIZE": _BUNDLES,
    "DB_MAX_OPEN_CONNS": _CONNECTIONS,
    "WORKER_TIMEOUT": _CODE,
    **dict.fromkeys(("LOG_FILE_MAX_SIZE", "LOG_FILE_BACKUP_COUNT"), _LOGS),
}
"""What may not be given in ``Settings.env``, by name or by pattern, with what to use instead."""

READERS: Final[Mapping[str, tuple[str, ...]]] = {
    "web": (
        *("NEXT_PUBLIC_*", "NEXT_TELEMETRY_DISABLED", "MARKETPLACE_*", "AMPLITUDE_API_KEY", "TURNSTILE_SITE_KEY"),
        *("TEXT_GENERATION_TIMEOUT_MS", "CSP_WHITELIST", "ALLOW_EMBED", "ALLOW_UNSAFE_DATA_SCHEME"),
        *("TOP_K_MAX_VALUE", "INDEXING_MAX_SEGMENTATION_TOKENS_LENGTH", "LOOP_NODE_MAX_COUNT", "MAX_TOOLS_NUM"),
        *("MAX_PARALLEL_LIMIT", "MAX_ITERATIONS_NUM", "MAX_TREE_DEPTH", "ENABLE_WEBSITE_*", "EXPERIMENTAL_*"),
    ),
    "plugin_daemon": (
        *("PLUGIN_*", "FORCE_VERIFYING_SIGNATURE", "PIP_*", "UV_*", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    ),
    "agent_backend": ("DIFY_AGENT_*", "LOGFIRE_*"),
    "local_sandbox": ("SHELLCTL_*",),
}
"""Which variables each container reads besides the four of dify-api, which read all of .env.

A container that has no use for a secret does not get it: web answers the internet, and plugin_daemon runs foreign code.
"""


@lru_cache(maxsize=4096)
def instead(name: str) -> str | None:
    """What to use instead of this variable, if it is ours; None if it is free."""
    if name in OURS:
        return OURS[name]
    return next((use for pattern, use in OURS.items() if fnmatchcase(name, pattern)), None)


def read_by(container: str, names: Iterable[str]) -> list[str]:
    """Those of the names that this container reads, in alphabetical order."""
    return sorted(name for name in names if any(fnmatchcase(name, pattern) for pattern in READERS.get(container, ())))
