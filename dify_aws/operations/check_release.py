"""Check of a release: whether its record is whole, fits a checkout of Dify, and can be installed by this version."""

from __future__ import annotations

import json
import shutil
import subprocess  # nosec B404
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from dify_aws.dify.compose_document import compose_document
from dify_aws.dify.errors import ReleaseError
from dify_aws.dify.gaps import gaps_of
from dify_aws.dify.record import read_release
from dify_aws.dify.release import Release
from dify_aws.dify.upstream.facts import Upstream
from dify_aws.dify.upstream.reading import read_checkout
from dify_aws.dify.versions import numbers
from dify_aws.errors import Problem
from dify_aws.operations.rendered_release import RenderedRelease, differences, rendered_releases
from dify_aws.presentation import JsonMixin

SECONDS: Final = 60
"""How long ``docker compose config`` may take."""


@dataclass(frozen=True, kw_only=True)
class ReleaseCheck(JsonMixin):
    """What came of the check of a record.

    Attributes:
        file: the record.
        version: the release; empty if the record cannot be read.
        problems: what is wrong with the record.
        gaps: what this version of dify_aws lacks to install the release.
        compose: whether ``docker compose config`` accepts its services; None if there is no Docker Compose here.
    """

    file: str
    version: str
    problems: tuple[Problem, ...]
    gaps: tuple[str, ...] = ()
    compose: bool | None = None

    def __bool__(self) -> bool:
        """Whether nothing is wrong with the record."""
        return not self.problems

    def to_dict(self) -> dict[str, Any]:
        """The check as values of JSON."""
        return {
            "file": self.file,
            "version": self.version,
            "problems": [{"field": each.field, "wrong": each.wrong, "right": each.right} for each in self.problems],
            "gaps": list(self.gaps),
            "compose": self.compose,
        }

    def __str__(self) -> str:
        count = f"{len(self.problems)} problem{'s' if len(self.problems) > 1 else ''}" if self.problems else "whole"
        lines = [f"{self.file}: {f'Dify {self.version}, ' if self.version else ''}{count}"]
        lines += [f"  {problem}" for problem in self.problems]
        if self.gaps:
            lines += ["this version of dify_aws cannot install it:", *(f"  {gap}" for gap in self.gaps)]
        if not self.problems:
            seen = {True: "accepted", None: "not run: there is no Docker Compose here"}.get(self.compose, "")
            lines.append(f"docker compose config: {seen}")
        return "\n".join(lines)


def check_release(file: str | Path, *, checkout: str | Path | None = None) -> ReleaseCheck:
    """Prove the record of a release.

    Args:
        file: the record, a TOML file.
        checkout: a checkout of the release. With it, every variable and every service of its files must have a place
            in the record, with upstream's default.

    Returns:
        Everything that is wrong with the record, and what this version lacks to install the release.

    Raises:
        ReleaseError: the file cannot be read at all, or everything in the checkout that cannot be read.
    """
    where = str(file)
    try:
        text = Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is no UTF-8 text"
        raise ReleaseError(where, [Problem("file", where, f"cannot be read: {reason}", "a TOML file")]) from None
    upstream = read_checkout(checkout) if checkout is not None else None
    try:
        release = read_release(text, Path(file).name)
    except ReleaseError as error:
        return ReleaseCheck(file=where, version="", problems=error.problems)
    problems = [*(_against(release, upstream) if upstream else ())]
    gaps = gaps_of(release)
    rendered = () if gaps else rendered_releases(release.version, where)
    problems += differences(release, rendered)
    accepted: bool | None = None
    if docker := shutil.which("docker"):
        accepted, refused = _compose(docker, release, rendered)
        problems += refused
    return ReleaseCheck(file=where, version=release.version, problems=tuple(problems), gaps=gaps, compose=accepted)


def _against(release: Release, upstream: Upstream) -> Iterator[Problem]:
    """What of a checkout has no place in the record, or another default, type or requirement there."""
    if release.version != upstream.version:
        yield Problem("version", release.version, "is not that of the checkout", upstream.version)
    for name, service in upstream.services.items():
        if name not in release.services and name not in release.omitted:
            yield Problem(
                f"services.{name}", None, f"has no place ({service.place})", "an entry, or a reason in omitted"
            )
    for name in sorted(release.services.keys() - upstream.services.keys()):
        yield Problem(f"services.{name}", None, "is no service of the checkout", "a service of its Compose file")
    for name, variable in upstream.variables.items():
        entry = release.variables.get(name)
        place = f"({variable.place})"
        if entry is None and release.refusal(name) is None:
            yield Problem(f"variables.{name}", None, f"has no place {place}", "an entry, or a reason in refused")
        if entry is not None and not entry.secret and entry.default != variable.default:
            yield Problem(f"variables.{name}", entry.default, f"has another default {place}", repr(variable.default))
    for name, expected in upstream.types.items():
        found = release.types.get(name)
        if found != expected and release.refusal(name) is None:
            yield Problem(
                f"types.{name}", None, f"is {found or 'free text'}, and in the checkout another", str(expected)
            )
    if numbers(upstream.compose) > numbers(release.requirements.compose):
        stated = f"is lower than the README of the checkout asks for ({upstream.compose})"
        yield Problem("requirements.compose", release.requirements.compose, stated, upstream.compose)


def _compose(docker: str, release: Release, rendered: tuple[RenderedRelease, ...]) -> tuple[bool | None, list[Problem]]:
    """Whether Compose accepts what would be installed; of what cannot be, the services as the record has them."""
    try:
        if _ran([docker, "compose", "version"]).returncode:
            return None, []
        with TemporaryDirectory(prefix="dify-aws-") as folder:
            file, dotenv = Path(folder, "compose.yaml"), Path(folder, ".env")
            texts = [(each.compose, each.dotenv) for each in rendered]
            for compose, variables in texts or [(json.dumps(compose_document(release)), "")]:
                file.write_text(compose, encoding="utf-8")
                dotenv.write_text(variables, encoding="utf-8")
                command = [docker, "compose", "--project-directory", folder, "--file", str(file)]
                found = _ran([*command, "--env-file", str(dotenv), "config", "--quiet"])
                if found.returncode:
                    reason = " ".join(found.stderr.split()) or f"status {found.returncode}"
                    wrong = f"are refused by docker compose config: {reason}"
                    return False, [Problem("services", None, wrong, "what Compose accepts")]
    except (OSError, subprocess.TimeoutExpired):
        return None, []
    return True, []


def _ran(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)  # nosec B603
