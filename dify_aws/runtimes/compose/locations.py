"""Locations: the routes of a release as the locations of nginx."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dify_aws.dify.release import Release
from dify_aws.dify.routes import Route

VARIABLES: Final = {"api_websocket": "socket", "plugin_daemon": "plugins"}
"""What nginx calls the address of a service, where it is not the service's name."""


@dataclass(frozen=True)
class Location:
    """A location of nginx.

    Attributes:
        matcher: what stands behind ``location``.
        variable: name of the variable that has the address.
        upstream: name and port of the service that answers.
    """

    matcher: str
    variable: str
    upstream: str


def locations(release: Release, running: tuple[str, ...]) -> tuple[Location, ...]:
    """The locations that send each public path of a release to its service.

    Args:
        release: the release.
        running: names of the services that run.

    Returns:
        The locations, in the order of the routes. The paths of one service are one of them; a path below another
        one's has its own.
    """
    groups: dict[tuple[str, int], list[Route]] = {}
    for route in release.routes:
        if route.service in running or route.without:
            groups.setdefault((route.service, route.port), []).append(route)
    return tuple(
        Location(matcher, VARIABLES.get(routes[0].service, routes[0].service), _upstream(routes[0], running))
        for routes in groups.values()
        for matcher in _matchers(routes, release)
    )


def _upstream(route: Route, running: tuple[str, ...]) -> str:
    return f"{route.service if route.service in running else route.without}:{route.port}"


def _matchers(routes: list[Route], release: Release) -> Iterator[str]:
    """A path ends at a slash or at its end: /apiary is no part of /api."""
    inner = [route for route in routes if _below_another(route, release)]
    outer = [route.path.strip("/") for route in routes if route not in inner]
    # Without ^~, nginx prefers the expression of the wider path.
    yield from (f"^~ {route.path}/" for route in inner)
    if len(outer) > 1:
        yield f"~ ^/({'|'.join(outer)})(/|$)"
    elif outer:
        yield f"/{outer[0]}/" if outer[0] else "/"


def _below_another(route: Route, release: Release) -> bool:
    return any(route.path.startswith(f"{each.path}/") for each in release.routes if each.path != "/")
