"""Routes: which path of the public address goes to which service."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Route:
    """One path and the service that answers it.

    Attributes:
        path: the path and everything below it, without a slash at its end; ``/`` is everything else.
        service: name of the service.
        port: TCP port of the service.
        without: service that answers if an optional one does not run; empty if the route is then left out.
    """

    path: str
    service: str
    port: int
    without: str = ""

    def matches(self, path: str) -> bool:
        """Whether a request for this path takes the route."""
        return self.path == "/" or path == self.path or path.startswith(f"{self.path}/")


def route_of(routes: Iterable[Route], path: str) -> Route | None:
    """The most specific route of a path.

    Args:
        routes: the routes of a release.
        path: path of a request, without its query.

    Returns:
        The matching route with the longest path, or None.
    """
    return max((route for route in routes if route.matches(path)), key=lambda route: len(route.path), default=None)
