"""Checkouts of Dify for tests: the files that the importer reads, written from the facts of a known release."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from dify_aws.dify.records import known
from dify_aws.dify.release import Release
from dify_aws.dify.variable_types import ValueType

FACTS: Final = Path(__file__).parents[1] / "dify" / "upstream"
ENTRYPOINT: Final = 'if [[ "${MODE}" == "%s" ]]; then\n  exit 0\nfi\n'
MIGRATION: Final = """
from alembic import op

revision = {revision!r}
down_revision = {parent!r}


def upgrade():
    {body}


def downgrade():
    op.drop_table("everything")
"""


@dataclass
class DifyCheckout:
    """What is in the files of a checkout, which a test changes before they are written.

    Attributes:
        version: tag of Dify's own images.
        env: ``.env.example``, by variable.
        files: other env files: variables by path below ``docker/envs``.
        services: the services of the Compose file.
        routes: target by location of nginx.
        settings: names of the settings of dify-api.
        types: the annotation of each of them that is no free text.
        modes: modes of its entrypoint.
        migrations: body of ``upgrade`` by revision, oldest first.
    """

    version: str
    env: dict[str, str]
    services: dict[str, dict[str, Any]]
    routes: dict[str, str]
    settings: set[str]
    types: dict[str, str] = field(default_factory=dict)
    files: dict[str, dict[str, str]] = field(default_factory=dict)
    modes: list[str] = field(default_factory=lambda: ["worker", "beat", "migration", "job"])
    migrations: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Write the files.

        Args:
            folder: where to.

        Returns:
            The folder of the checkout.
        """
        locations = "".join(map(_location, self.routes.items()))
        texts = {
            "docker/docker-compose.yaml": yaml.safe_dump({"services": self.services}, sort_keys=False),
            "docker/.env.example": _env(self.env),
            **{f"docker/envs/{path}": _env(values) for path, values in self.files.items()},
            "docker/nginx/conf.d/default.conf.template": f"server {{\n{locations}}}\n",
            "docker/README.md": "Install Docker Compose v2.24.0 or later.\n",
            "api/docker/entrypoint.sh": "".join(ENTRYPOINT % mode for mode in self.modes),
            "api/configs/app.py": "class Settings:\n"
            + "".join(f"    {name}: {self.types.get(name, 'str')}\n" for name in sorted(self.settings)),
        }
        parent = None
        for revision, body in self.migrations.items():
            path = f"api/migrations/versions/{revision}_.py"
            texts[path] = MIGRATION.format(revision=revision, parent=parent, body=body)
            parent = revision
        for path, text in texts.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return folder


def checkout_of(version: str) -> DifyCheckout:
    """A checkout that says what is known of a release.

    Args:
        version: a release that has a record.
    """
    facts: dict[str, Any] = json.loads(FACTS.joinpath(f"{version}.json").read_text(encoding="utf-8"))
    release = known(version)
    return DifyCheckout(
        version=version,
        env=dict(facts["variables"]),
        services=dict(_services(release, facts["services"])),
        routes={route.path: f"{route.service}:{route.port}" for route in release.routes},
        settings={name for name in release.variables if "api" in release.readers(name)}
        | (release.types.keys() - release.variables.keys()),
        types={name: annotation(each) for name, each in release.types.items()},
        migrations={release.migration_head: "pass"},
    )


def annotation(each: ValueType) -> str:
    """A type as dify-api writes it in its settings classes."""
    if each.type == "choice":
        return f"Literal[{', '.join(map(repr, each.choices))}]"
    name = {"int": "int", "size": "int", "number": "float", "bool": "bool"}[each.type]
    words = {"MB": "megabytes", "bytes": "bytes"}.get(each.unit, "")
    text = f", description='In {words}'" if words else ""
    least = f", ge={each.least}" if each.least is not None else ""
    return f"{name} = Field(default=1{least}{text})" if text or least else name


def _services(release: Release, names: Iterable[str]) -> Iterable[tuple[str, dict[str, Any]]]:
    for name in names:
        if name not in release.services:
            yield name, {"image": f"example/{name}:1.0.0"}
            continue
        service = release.services[name]
        environment = {"MODE": service.mode} if service.mode else {}
        for variable in release.variables.values():
            for reader in variable.readers if not variable.undocumented else ():
                if reader.service == name and (reader.name or not service.mode):
                    environment[reader.name or variable.name] = f"${{{variable.name}:-}}"
        yield name, {"image": release.images[service.image], "env_file": ["./.env"], "environment": environment}


def _env(values: dict[str, str]) -> str:
    return "# Written by a test.\n" + "".join(f"{name}={value}\n" for name, value in values.items())


def _location(route: tuple[str, str]) -> str:
    path, target = route
    return f"    location {path} {{\n      set $upstream {target};\n      proxy_pass http://$upstream;\n    }}\n"
