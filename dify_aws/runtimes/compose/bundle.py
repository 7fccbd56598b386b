"""Bundle: all files of one Dify on its host, made of settings, outputs and secrets, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import IPv4Network
from types import MappingProxyType
from typing import Any, Final, Self

from dify_aws.dify.compose_document import CONDITIONS
from dify_aws.dify.known_releases import images, pinned, release_of
from dify_aws.limits import limits_of
from dify_aws.limits.concurrency import PLUGIN_DAEMON_CONNECTIONS
from dify_aws.outputs import Outputs
from dify_aws.runtimes.compose.bundle_file import BundleFile
from dify_aws.runtimes.compose.container_variables import container_variables, read_by_pattern, variables_by_record
from dify_aws.runtimes.compose.data_directories import DataDirectory, directories, logs
from dify_aws.runtimes.compose.dify_secrets import DifySecrets
from dify_aws.runtimes.compose.environment import (
    DATABASE,
    DATABASE_ROLE,
    NOT_FOR_DIFY,
    PLUGIN_DATABASE,
    PLUGIN_DATABASE_ROLE,
    base_url,
    environment,
)
from dify_aws.runtimes.compose.locations import locations
from dify_aws.runtimes.compose.paths import AGENT, DAEMON, DATA, HOME, UNITS
from dify_aws.runtimes.compose.render import render
from dify_aws.runtimes.compose.system_files import LOG_OPTIONS, agent_file, daemon_file, pool_of
from dify_aws.settings import Settings
from dify_aws.settings.internal_host_rules import METADATA, parsed
from dify_aws.settings.networks import is_private

MOUNTED: Final[Mapping[str, tuple[str, str]]] = {
    "nginx": ("nginx/nginx.conf", "nginx.conf.j2"),
    "ssrf_proxy": ("squid/squid.conf", "squid.conf.j2"),
    "sandbox": ("sandbox/config.yaml", "sandbox.yaml.j2"),
    "db_postgres": ("postgres/postgresql.conf", "postgresql.conf.j2"),
    "redis": ("redis/redis.conf", "redis.conf.j2"),
    "agent_ssrf_proxy": ("squid-agent/squid.conf", "squid-agent.conf.j2"),
}
"""What each service has mounted and reads when it starts: the file, and its template."""


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What the files of a Dify shall be. A value: it knows no host, no clock and no chance.

    Args:
        url: where Dify is found when these files are in place.
        files: each file by its path, below ``/opt/dify`` or absolute.
        directories: each directory that the containers write to, by its absolute path.
        logs: the owner of each log that a container appends to, by its absolute path. Each is mounted by itself: in a
            folder, the container could put a link in its place, which the agent would follow as root.
        images: every image that is needed, in full; the first thing to pull, before anything is stopped.
    """

    url: str
    files: Mapping[str, BundleFile] = field(repr=False)
    directories: Mapping[str, DataDirectory] = field(repr=False)
    logs: Mapping[str, str] = field(repr=False)
    images: tuple[str, ...] = field(repr=False)

    @classmethod
    def render(
        cls,
        settings: Settings,
        outputs: Outputs,
        secrets: DifySecrets,
        *,
        https: bool = False,
        digests: Mapping[str, str] | None = None,
    ) -> Self:
        """The bundle of this Dify; the same arguments make the same bytes.

        Args:
            https: whether the certificate is there. False makes the files that can fetch it: nginx with a certificate's
                path in it does not start until the file exists.
            digests: of images, by their reference. One that is here is named with its digest, so that neither a restart
                nor a pull takes another image that has its tag by then.

        Raises:
            ValueError: if secrets are still to be made (``secrets.completed()``), or ``https`` has no domain.
        """
        if secrets.missing:
            raise ValueError(f"these secrets are still to be made: {', '.join(secrets.missing)}")
        if https and not settings.domain:
            raise ValueError("https needs settings with a domain")
        values = _values(settings, outputs, secrets, https=https, digests=digests or {})
        return cls(
            url=base_url(settings, outputs, https=https),
            files=MappingProxyType(dict(_files(settings, values))),
            directories=MappingProxyType(dict(directories(settings))),
            logs=MappingProxyType(dict(logs(settings))),
            images=pinned_images(settings, digests or {}),
        )


def references(settings: Settings) -> tuple[str, ...]:
    """Every image that is needed, as the release or the setting ``images`` names it."""
    of = images(settings.dify_version, settings.images, settings.image_registry, settings.release)
    return tuple(sorted({of[image] for image in _images(settings)}))


def pinned_images(settings: Settings, digests: Mapping[str, str]) -> tuple[str, ...]:
    """The same, each with its digest if that is known: what is pulled.

    Args:
        settings: what is desired.
        digests: of images, by their reference.
    """
    return tuple(sorted(pinned(reference, digests) for reference in references(settings)))


def _values(
    settings: Settings, outputs: Outputs, secrets: DifySecrets, *, https: bool, digests: Mapping[str, str]
) -> Mapping[str, Any]:
    """All that the templates may speak of."""
    variables = environment(settings, outputs, secrets, https=https)
    names = {name for group in variables.values() for name in group}
    limits = limits_of(settings)
    release = release_of(settings.dify_version, settings.release)
    running = release.running(settings)
    named = images(settings.dify_version, settings.images, settings.image_registry, settings.release)
    return {
        "settings": settings,
        "outputs": outputs,
        "https": https,
        "host": settings.domain or outputs.public_ip,
        "url": base_url(settings, outputs, https=https),
        "release": release,
        "running": running,
        "locations": locations(release, running),
        "home": HOME,
        "data": DATA,
        "images": {name: pinned(reference, digests) for name, reference in named.items()},
        "limits": limits,
        "sizes": limits.sizes,
        "plugin_daemon_connections": PLUGIN_DAEMON_CONNECTIONS,
        "variables": variables,
        "given": {service: container_variables(release, service, settings.env) for service in release.services},
        "reads": read_by_pattern(names),
        "reads_by_record": {service: variables_by_record(release, service, names) for service in running},
        "conditions": CONDITIONS,
        "database": DATABASE,
        "plugin_database": PLUGIN_DATABASE,
        "pool": pool_of(settings),
        "public_vpc": None if is_private(IPv4Network(settings.vpc_cidr)) else settings.vpc_cidr,
        "internal_hosts": [parsed(written) for written in settings.internal_hosts],
        "metadata": METADATA,
        "roles": {DATABASE: DATABASE_ROLE, PLUGIN_DATABASE: PLUGIN_DATABASE_ROLE},
        "not_for_dify": NOT_FOR_DIFY,
        "log_options": dict(LOG_OPTIONS),
    }


def _files(settings: Settings, values: Mapping[str, Any]) -> Iterator[tuple[str, BundleFile]]:
    def file(template: str, **attributes: Any) -> BundleFile:
        return BundleFile(text=render(template, **values), **attributes)

    def script(template: str) -> BundleFile:
        return file(template, mode=0o755)

    mounted = {
        service: (path, file(template)) for service, (path, template) in MOUNTED.items() if service in values["running"]
    }
    access = file("pg_hba.conf.j2")
    # Compose cannot see what is in a file that a container has mounted, so that is in a label.
    digests = {service: _digest(found.text) for service, (_, found) in mounted.items()}
    digests["db_postgres"] = _digest(mounted["db_postgres"][1].text + access.text)
    yield "compose.yaml", BundleFile(text=render("compose.yaml.j2", **values, digests=digests))
    yield ".env", file("env.j2", mode=0o600, secret=True)
    yield from mounted.values()
    yield "postgres/pg_hba.conf", access
    yield "postgres/init/10-dify.sql", file("postgres-init.sql.j2")  # read once, when the data directory is empty

    yield DAEMON, daemon_file(settings)
    yield "/etc/logrotate.d/dify", file("logrotate.j2")
    yield AGENT, agent_file(settings, values["outputs"])
    yield "bin/metrics", script("metrics.sh.j2")
    yield f"{UNITS}/dify-metrics.service", file("dify-metrics.service.j2")
    yield f"{UNITS}/dify-metrics.timer", file("dify-metrics.timer.j2")
    if settings.domain:
        yield "bin/certificate", script("certificate.sh.j2")
        yield f"{UNITS}/dify-certificate.service", file("dify-certificate.service.j2")
        yield f"{UNITS}/dify-certificate.timer", file("dify-certificate.timer.j2")


def _digest(text: str) -> str:
    """Sixteen hexadecimal digits. No file that is mounted holds a secret, so neither does this."""
    return sha256(text.encode()).hexdigest()[:16]


def _images(settings: Settings) -> Iterator[str]:
    release = release_of(settings.dify_version, settings.release)
    yield from (release.services[service].image for service in release.running(settings))
    if settings.domain:
        yield "certbot"
