"""Locations of nginx: the routes of any release, whatever services it has."""

from __future__ import annotations

from dataclasses import replace

from dify_aws.dify.records import known
from dify_aws.dify.routes import Route
from dify_aws.runtimes.compose.locations import Location, locations

RELEASE = known("1.17.1")
COMPACT = tuple(name for name in RELEASE.services if name != "api_websocket")


def test_the_paths_of_one_service_are_one_location() -> None:
    assert locations(RELEASE, COMPACT)[0] == Location(
        "~ ^/(console/api|api|v1|openapi|files|mcp|triggers)(/|$)", "api", "api:5001"
    )


def test_an_optional_service_is_stood_in_for() -> None:
    """By the service that the record names; a route that names none is left out with its service."""
    assert Location("/socket.io/", "socket", "api:5001") in locations(RELEASE, COMPACT)
    assert Location("/socket.io/", "socket", "api_websocket:5001") in locations(RELEASE, tuple(RELEASE.services))
    hooks = replace(RELEASE, routes=(Route(path="/hooks", service="agent_backend", port=5050), *RELEASE.routes))
    assert "/hooks/" not in [each.matcher for each in locations(hooks, COMPACT[:3])]
    assert locations(hooks, COMPACT)[0] == Location("/hooks/", "agent_backend", "agent_backend:5050")


def test_a_path_below_another_one_comes_first() -> None:
    """nginx asks an expression before a plain prefix, but for one with ^~."""
    nested = replace(RELEASE, routes=(*RELEASE.routes, Route(path="/v1/live", service="api_websocket", port=5001)))
    made = {each.matcher: each.upstream for each in locations(nested, tuple(RELEASE.services))}
    assert made["^~ /v1/live/"] == made["/socket.io/"] == "api_websocket:5001"
