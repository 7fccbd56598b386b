"""Env files: the variables of Dify's example env files and of its Compose file, with the default of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from dify_aws.dify.upstream.checkout import Checkout
from dify_aws.dify.upstream.expressions import references
from dify_aws.dify.upstream.facts import UpstreamService, UpstreamVariable

FIRST: Final = "docker/.env.example"
FOLDER: Final = "docker/envs"
SUFFIX: Final = ".example"

NOT_DIFY: Final = frozenset({"docker/envs/middleware.env.example"})
"""For those who develop Dify and run only the databases in containers."""

_LINE: Final = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=(.*)")


def read_variables(checkout: Checkout, services: Mapping[str, UpstreamService]) -> Mapping[str, UpstreamVariable]:
    """The variables of a release.

    Args:
        checkout: where the files are; what is wrong with them is added to its problems.
        services: the services of the Compose file, which refer to variables.

    Returns:
        The variables by name. The default is that of ``.env.example``, else of the other env files, else of Compose.
    """
    found: dict[str, UpstreamVariable] = {}
    others = sorted(set(checkout.names(FOLDER, f"**/*.env{SUFFIX}")) - NOT_DIFY, key=_rank)
    for path in (FIRST, *others):
        file = path.removeprefix("docker/").removesuffix(SUFFIX)
        for name, (value, line) in _read(checkout, path).items():
            first = found.get(name)
            found[name] = UpstreamVariable(
                name=name,
                default=first.default if first else value,
                place=first.place if first else f"{path}:{line}",
                files=(*(first.files if first else ()), file),
            )
    for service in services.values():
        for expression in (*service.environment.values(), *sorted(f"${{{name}}}" for name in service.references)):
            for reference in references(expression):
                first = found.get(reference.name)
                found[reference.name] = UpstreamVariable(
                    name=reference.name,
                    default=first.default if first else _plain(reference.default),
                    place=first.place if first else service.place,
                    files=first.files if first else (),
                    fallback=(first.fallback if first else "") or reference.fallback,
                )
    return {name: found[name] for name in sorted(found)}


def _rank(path: str) -> tuple[bool, str]:
    """What every container of Dify reads counts before what one of them reads."""
    return not path.endswith(f"/shared.env{SUFFIX}"), path


def _plain(default: str) -> str:
    return "" if default.startswith("$") else default


def _read(checkout: Checkout, path: str) -> dict[str, tuple[str, int]]:
    """The value and the line of each variable; in a file that has one twice, the last one counts."""
    found = {}
    for number, line in enumerate(checkout.text(path).splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if match := _LINE.fullmatch(line):
            found[match[1]] = (_value(match[1], match[2].strip()), number)
        else:
            checkout.problem(f"{path}:{number}", None, "is no variable", "NAME=VALUE, or a comment that begins with #")
    return found


def _value(name: str, written: str) -> str:
    if len(written) > 1 and written[0] == written[-1] and written[0] in "'\"":
        written = written[1:-1]
    else:
        written = re.split(r"\s#", written, maxsplit=1)[0].rstrip()
    # NAME=${NAME:-x} is x for who does not set it.
    itself = next(iter(references(written)), None)
    return itself.default if itself and itself.name == name and written.startswith("${") else written
