"""Environment: the variables of Dify's .env, each said once, grouped as a person would read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dify_aws.dify.known_releases import release_of
from dify_aws.dify.release import Release
from dify_aws.dify.variable_names import name_in
from dify_aws.limits import limits_of
from dify_aws.limits.concurrency import VECTOR_CONNECTIONS
from dify_aws.outputs import Endpoint, Outputs
from dify_aws.runtimes.compose.dify_secrets import NONE, DifySecrets
from dify_aws.secrets import Secret
from dify_aws.settings import Settings

UPLOADS: Final = "uploads/"
"""The part of the bucket that the role of the host may read and write."""

DATABASE: Final = "dify"
PLUGIN_DATABASE: Final = "dify_plugin"
DATABASE_ROLE: Final = "dify"
"""As which Dify logs in to PostgreSQL: the owner of its database, and no superuser."""

PLUGIN_DATABASE_ROLE: Final = "dify_plugin"
"""As which the plugin daemon does."""

PEPPER: Final = "PASSWORD_PEPPER"
"""Dify 1.18 and later have it."""

AS_UPSTREAM: Final[Mapping[str, str]] = {
    "ANNOTATION_IMPORT_MAX_CONCURRENT": "5",
    "ENABLE_OAUTH_BEARER": "false",
    "LOG_DATEFORMAT": "%Y-%m-%d %H:%M:%S",
    "NOTION_INTEGRATION_TYPE": "public",
    "REDIS_KEEPALIVE": "true",
    "SMTP_USE_TLS": "true",
    "SWAGGER_UI_ENABLED": "false",
}
"""Variables that Dify's example of .env sets to something else than its program assumes when they are missing."""

NOT_FOR_DIFY: Final = frozenset({"DB_PLUGIN_USERNAME", "DB_PLUGIN_PASSWORD"})
"""Variables that other containers read, and Dify's own have no use for."""

OF_EVERY_RELEASE: Final = frozenset({*NOT_FOR_DIFY, PEPPER})
"""Variables that are there whatever the record of the release says: those of this bundle, and a pepper that is kept."""

FREE: Final = "What settings.env may say otherwise"
"""The title of what a person may set."""


def environment(
    settings: Settings, outputs: Outputs, secrets: DifySecrets, *, https: bool
) -> Mapping[str, Mapping[str, str]]:
    """Titles, and under each its variables. The containers of dify-api read them all; the others are given theirs.

    Each has the name that it has in the release; one that the release does not have is left out.
    """
    release = release_of(settings.dify_version, settings.release)
    base = base_url(settings, outputs, https=https)
    groups = {
        "Where Dify is found": _urls(base),
        "Secrets of Dify itself": {
            "SECRET_KEY": secrets.secret_key.reveal(),
            "INIT_PASSWORD": secrets.init_password.reveal(),
            **_pepper(settings, secrets),
        },
        "PostgreSQL": _postgresql(outputs.endpoints["database"], secrets),
        "Redis: 0 is Dify's, 1 Celery's, 2 the agents'": _redis(outputs.endpoints["cache"], secrets),
        "Files": _storage(settings, outputs),
        "Vectors": _vectors(settings, outputs.endpoints["database"], secrets),
        "Code, through a sandbox that reaches nothing but the proxy": {
            "CODE_EXECUTION_ENDPOINT": "http://sandbox:8194",
            "CODE_EXECUTION_API_KEY": secrets.sandbox_api_key.reveal(),
            "SSRF_PROXY_HTTP_URL": "http://ssrf_proxy:3128",
            "SSRF_PROXY_HTTPS_URL": "http://ssrf_proxy:3128",
        },
        "Plugins": {
            "PLUGIN_DAEMON_URL": "http://plugin_daemon:5002",
            "PLUGIN_DAEMON_KEY": secrets.plugin_daemon_key.reveal(),
            "PLUGIN_DIFY_INNER_API_URL": "http://api:5001",
            "PLUGIN_DIFY_INNER_API_KEY": secrets.plugin_inner_api_key.reveal(),
            "INNER_API_KEY_FOR_PLUGIN": secrets.plugin_inner_api_key.reveal(),
        },
        "The new agents, and working together": _agents(release.running(settings), secrets),
        "Reports to the makers of Dify and Next.js: the setting telemetry": _telemetry(settings),
        FREE: {
            # Dify's default is everybody's page.
            **dict.fromkeys(("CONSOLE_CORS_ALLOW_ORIGINS", "WEB_API_CORS_ALLOW_ORIGINS"), base),
            **_usual(settings, release),
        },
    }
    named = {title: _with_names_of(release, variables) for title, variables in groups.items()}
    return {**named, FREE: {**named[FREE], **_extra(settings)}}


def base_url(settings: Settings, outputs: Outputs, *, https: bool) -> str:
    """The address that browsers use, with no slash at its end."""
    return f"{'https' if https else 'http'}://{settings.domain or outputs.public_ip}"


def _urls(base: str) -> Mapping[str, str]:
    names = ("CONSOLE_API_URL", "CONSOLE_WEB_URL", "SERVICE_API_URL", "APP_API_URL", "APP_WEB_URL", "FILES_URL")
    return {
        **dict.fromkeys((*names, "TRIGGER_URL"), base),
        "ENDPOINT_URL_TEMPLATE": f"{base}/e/{{hook_id}}",
        "NEXT_PUBLIC_SOCKET_URL": base.replace("http", "ws", 1),
        # Without these two, web and the plugins would go out to the public address and come in again.
        "SERVER_CONSOLE_API_URL": "http://api:5001",
        "INTERNAL_FILES_URL": "http://api:5001",
    }


def _postgresql(database: Endpoint, secrets: DifySecrets) -> Mapping[str, str]:
    return {
        "DB_TYPE": "postgresql",
        "DB_HOST": database.host,
        "DB_PORT": str(database.port),
        "DB_USERNAME": DATABASE_ROLE,
        "DB_PASSWORD": secrets.db_password.reveal(),
        "DB_DATABASE": DATABASE,
        "DB_PLUGIN_USERNAME": PLUGIN_DATABASE_ROLE,
        "DB_PLUGIN_PASSWORD": secrets.plugin_db_password.reveal(),
        "DB_PLUGIN_DATABASE": PLUGIN_DATABASE,
    }


def _redis(cache: Endpoint, secrets: DifySecrets) -> Mapping[str, str]:
    password = secrets.redis_password.reveal()
    return {
        "REDIS_HOST": cache.host,
        "REDIS_PORT": str(cache.port),
        "REDIS_PASSWORD": password,
        "REDIS_DB": "0",
        "CELERY_BROKER_URL": f"redis://:{password}@{cache.host}:{cache.port}/1",
    }


def _storage(settings: Settings, outputs: Outputs) -> Mapping[str, str]:
    if settings.storage == "local":
        return {"STORAGE_TYPE": "opendal", "OPENDAL_SCHEME": "fs", "OPENDAL_FS_ROOT": "storage"}
    # Not STORAGE_TYPE=s3: that has no prefix, and the host may write under uploads/ only. No key either: OpenDAL asks
    # the instance metadata for the role of the host. See docs/decisions/uploads-prefix.md.
    suffix = "amazonaws.com.cn" if outputs.region.startswith("cn-") else "amazonaws.com"
    return {
        "STORAGE_TYPE": "opendal",
        "OPENDAL_SCHEME": "s3",
        "OPENDAL_S3_BUCKET": outputs.bucket,
        "OPENDAL_S3_ROOT": f"/{UPLOADS}",
        "OPENDAL_S3_REGION": outputs.region,
        "OPENDAL_S3_ENDPOINT": f"https://s3.{outputs.region}.{suffix}",
        "OPENDAL_S3_ENABLE_VIRTUAL_HOST_STYLE": "true",
    }


def _vectors(settings: Settings, database: Endpoint, secrets: DifySecrets) -> Mapping[str, str]:
    stores = {
        "pgvector": {
            "PGVECTOR_HOST": database.host,
            "PGVECTOR_PORT": str(database.port),
            "PGVECTOR_USER": DATABASE_ROLE,
            "PGVECTOR_PASSWORD": secrets.db_password.reveal(),
            "PGVECTOR_DATABASE": DATABASE,
            "PGVECTOR_MIN_CONNECTION": "1",
            "PGVECTOR_MAX_CONNECTION": str(VECTOR_CONNECTIONS),
            "PGVECTOR_PG_BIGM": "false",
        },
        "weaviate": {
            "WEAVIATE_ENDPOINT": "http://weaviate:8080",
            "WEAVIATE_GRPC_ENDPOINT": "grpc://weaviate:50051",
            "WEAVIATE_API_KEY": secrets.weaviate_api_key.reveal(),
            "WEAVIATE_TOKENIZATION": "word",
        },
        "qdrant": {
            "QDRANT_URL": "http://qdrant:6333",
            "QDRANT_API_KEY": secrets.qdrant_api_key.reveal(),
            "QDRANT_CLIENT_TIMEOUT": "20",
            "QDRANT_GRPC_ENABLED": "false",
            "QDRANT_GRPC_PORT": "6334",
        },
    }
    return {"VECTOR_STORE": settings.vector_store, **stores[settings.vector_store]}


def _with_names_of(release: Release, variables: Mapping[str, str]) -> Mapping[str, str]:
    names = {name: name if name in OF_EVERY_RELEASE else name_in(release, name) for name in variables}
    return {name: variables[ours] for ours, name in names.items() if name is not None}


def _agents(running: tuple[str, ...], secrets: DifySecrets) -> Mapping[str, str]:
    switches = {
        "NEXT_PUBLIC_ENABLE_AGENT_V2": str("agent_backend" in running).lower(),
        "ENABLE_COLLABORATION_MODE": str("api_websocket" in running).lower(),
    }
    if "agent_backend" not in running:
        return switches
    token = secrets.agent_api_token.reveal()
    return {
        **switches,
        "AGENT_BACKEND_BASE_URL": "http://agent_backend:5050",
        "AGENT_BACKEND_API_TOKEN": token,
        "DIFY_AGENT_API_TOKEN": token,
        "DIFY_AGENT_SERVER_SECRET_KEY": secrets.agent_server_secret_key.reveal(),
        "DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN": secrets.agent_sandbox_token.reveal(),
    }


def _pepper(settings: Settings, secrets: DifySecrets) -> Mapping[str, str]:
    """What Dify mixes into passwords before it hashes them, if it has ever been given: without it nobody logs in."""
    if PEPPER in settings.env or secrets.password_pepper == NONE:
        return {}
    return {PEPPER: secrets.password_pepper.reveal()}


def _usual(settings: Settings, release: Release) -> Mapping[str, str]:
    """Where we differ from Dify's defaults, or do not want them to change under us."""
    edition = name_in(release, "DEPLOYMENT_EDITION")
    return {
        # Its value has another name in older releases, too.
        "DEPLOYMENT_EDITION": release.variables[edition].default if edition else "",
        "DEPLOY_ENV": "PRODUCTION",
        "CHECK_UPDATE_URL": "",  # releases are chosen by the setting dify_version, not in the browser
        "LOG_LEVEL": "INFO",
        "LOG_TZ": "UTC",
        "MAX_TASKS_PER_CHILD": "50",
        "FORCE_VERIFYING_SIGNATURE": "true",
        **AS_UPSTREAM,
        **limits_of(settings).variables,
    }


def _telemetry(settings: Settings) -> Mapping[str, str]:
    """What Dify and what it is made of report about this installation to their makers."""
    off = not settings.telemetry
    return {
        "DISABLE_TELEMETRY": str(off).lower(),
        "DO_NOT_TRACK": str(off).lower(),
        "SCARF_NO_ANALYTICS": str(off).lower(),
        "NEXT_TELEMETRY_DISABLED": str(int(off)),
    }


def _extra(settings: Settings) -> Mapping[str, str]:
    return {
        name: value.reveal() if isinstance(value, Secret) else value for name, value in sorted(settings.env.items())
    }
