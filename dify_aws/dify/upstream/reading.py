"""Reading: a whole checkout of Dify, into the facts of its release."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from dify_aws.dify.errors import ReleaseError
from dify_aws.dify.upstream.api_source import heads, read_migrations, read_modes, read_settings
from dify_aws.dify.upstream.checkout import Checkout
from dify_aws.dify.upstream.compose_file import read_services
from dify_aws.dify.upstream.env_files import read_variables
from dify_aws.dify.upstream.facts import Upstream
from dify_aws.dify.upstream.nginx_template import read_routes
from dify_aws.errors import Problem

API: Final = "langgenius/dify-api"
"""The image whose tag is the version of the release."""

_COMPOSE: Final = re.compile(r"Docker Compose\D{0,20}?v?(\d+\.\d+(?:\.\d+)?)")
_VERSION: Final = re.compile(r"\d+\.\d+\.\d+[\w.-]*")


def read_checkout(path: str | Path) -> Upstream:
    """What the files of a checkout of Dify say about its release.

    Args:
        path: the folder of the checkout, which has ``docker`` and ``api`` in it.

    Returns:
        The facts.

    Raises:
        ReleaseError: everything that is wrong with the files, each with file and line or key.
    """
    checkout = Checkout(Path(path))
    if not checkout.root.is_dir():
        raise ReleaseError(str(path), [Problem("path", str(path), "is no folder", "a checkout of langgenius/dify")])
    services = read_services(checkout)
    variables = read_variables(checkout, services)
    routes, unread = read_routes(checkout, variables)
    migrations = read_migrations(checkout)
    newest = heads(migrations)
    if len(newest) > 1:
        unread = (*unread, f"api/migrations/versions: {len(newest)} revisions are the newest: {', '.join(newest)}")
    settings, types = read_settings(checkout)
    stated = _COMPOSE.search(checkout.text("docker/README.md", required=False))
    facts = Upstream(
        version=_version(checkout, {service.image: service.place for service in services.values()}),
        commit=checkout.commit(),
        compose=stated[1] if stated else "",
        services=services,
        variables=variables,
        settings=settings,
        types=types,
        routes=routes,
        modes=read_modes(checkout),
        migrations=migrations,
        unread=unread,
    )
    if checkout.problems:
        raise ReleaseError(str(path), checkout.problems)
    return facts


def _version(checkout: Checkout, images: dict[str, str]) -> str:
    """The tag of the dify-api image, which has to be one."""
    found = {image.rpartition(":")[2]: place for image, place in images.items() if image.startswith(f"{API}:")}
    if images and len(found) != 1:
        checkout.problem("docker/docker-compose.yaml", sorted(found), "is not one version", f"one tag of {API}")
    for tag, place in found.items():
        if not _VERSION.fullmatch(tag):
            checkout.problem(place, tag, f"is no version of {API}", "a tag such as 1.17.1")
    return next(iter(found), "")
