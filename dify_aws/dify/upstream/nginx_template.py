"""nginx template: the public paths of Dify, and the service that answers each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from dify_aws.dify.upstream.checkout import Checkout
from dify_aws.dify.upstream.expressions import references
from dify_aws.dify.upstream.facts import UpstreamRoute, UpstreamVariable

FOLDER: Final = "docker/nginx/conf.d"

_LOCATION: Final = re.compile(r"^\s*location\s+([^{]*?)\s*\{(.*?)^\s*\}", re.MULTILINE | re.DOTALL)
_TARGET: Final = re.compile(r"(?:set\s+\$\w+\s+|proxy_pass\s+)(?:https?://)?([\w.-]+):(\d+)")
_PATH: Final = re.compile(r"/[\w./-]*")


def read_routes(
    checkout: Checkout, variables: Mapping[str, UpstreamVariable]
) -> tuple[tuple[UpstreamRoute, ...], tuple[str, ...]]:
    """The routes of a release.

    Args:
        checkout: where the template is; what is wrong with it is added to its problems.
        variables: the variables, of which the template names some.

    Returns:
        The routes in the order of the template, and the locations that could not be understood.
    """
    routes: list[UpstreamRoute] = []
    unread: list[str] = []
    paths = [*checkout.names(FOLDER, "*.template")]
    if not paths:
        checkout.problem(FOLDER, None, "has no template", "default.conf.template")
    for path in paths:
        text = checkout.text(path)
        for found in _LOCATION.finditer(text):
            place = f"{path}:{text.count(chr(10), 0, found.start(1)) + 1}"
            target = _TARGET.search(_filled(found[2], variables))
            if target is None or not _PATH.fullmatch(found[1]):
                unread.append(f"{place}: location {found[1]}")
                continue
            public = found[1].rstrip("/") or "/"
            routes.append(UpstreamRoute(path=public, service=target[1], port=int(target[2]), place=place))
    if paths and not routes and not unread:
        checkout.problem(paths[0], None, "has no location", "the locations of Dify's nginx")
    return tuple(routes), tuple(unread)


def _filled(text: str, variables: Mapping[str, UpstreamVariable]) -> str:
    """The text with the defaults of the variables that stand in it as ``${NAME}``."""
    for reference in [*references(text)]:
        if reference.name in variables:
            text = text.replace(f"${{{reference.name}}}", variables[reference.name].default)
    return text
