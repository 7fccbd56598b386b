"""Compose document: the services of a release as Docker Compose reads them, with nothing that belongs to a machine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, Final

from dify_aws.dify.release import Release
from dify_aws.dify.service import Condition

CONDITIONS: Final[Mapping[Condition, str]] = {
    "started": "service_started",
    "healthy": "service_healthy",
    "completed": "service_completed_successfully",
}


def compose_document(release: Release) -> dict[str, Any]:
    """The services of a release, with the image, the variables, the ports and the dependencies of each.

    Args:
        release: the release.

    Returns:
        A document that ``docker compose config`` can look at.
    """
    environment: dict[str, dict[str, str]] = defaultdict(dict)
    for name, variable in release.variables.items():
        for reader in variable.readers:
            # A brace would end the expression before its end.
            default = "" if "}" in variable.default else variable.default.replace("$", "$$")
            environment[reader.service][reader.name or name] = f"${{{name}:-{default}}}"
    return {
        "name": "dify",
        "services": {
            name: {
                "image": release.images[service.image],
                "environment": {**environment[name], **({"MODE": service.mode} if service.mode else {})},
                "expose": [str(port) for port in service.ports],
                "depends_on": {need.service: {"condition": CONDITIONS[need.condition]} for need in service.needs},
            }
            for name, service in release.services.items()
        },
    }
