"""Rules for the release of Dify: its record, and the variables that have no effect in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dify_aws.dify.errors import ReleaseError
from dify_aws.dify.gaps import gaps_of
from dify_aws.dify.known_releases import INSTALLABLE, release_of
from dify_aws.dify.known_variables import instead
from dify_aws.dify.release import Release
from dify_aws.dify.variable_names import name_in
from dify_aws.errors import Problem
from dify_aws.secrets import MASK
from dify_aws.settings.rules import Broken, text


def release(value: object) -> str:
    """The path of a record."""
    if not (written := text(value)).strip():
        raise Broken(("is empty", "Write the path of a record, like 1.18.0.toml, or leave it out"))
    return written


def installable(values: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the release that the settings name.

    Args:
        values: the settings that are right each for itself, by name.

    Yields:
        A problem for a release that is not known, for everything that is wrong with the record in a file, for what this
        version lacks to install it, and for each variable in ``env`` that nothing in the release reads, or that has a
        value of another type.
    """
    version, file = values.get("dify_version"), values.get("release")
    if version is None or "release" not in values:
        return
    try:
        found = release_of(version, file)
    except KeyError:
        yield Problem(
            "dify_version", version, "is a release of Dify that this version of dify_aws does not know", _known()
        )
        return
    except ReleaseError as error:
        for problem in error.problems:
            yield Problem("release", file, f"{problem.field} {problem.wrong}", problem.right)
        return
    if found.version != version:
        yield Problem("dify_version", version, f"is not the release in {file}", f'Write "{found.version}"')
    gaps = gaps_of(found)
    if gaps and file is None:
        yield Problem("dify_version", version, "has a record, and cannot be installed by this version", _known())
    elif gaps:
        for gap in gaps:
            yield Problem(
                "release", file, f"cannot be installed: {gap}", "Use a newer dify_aws, or see docs/releases.md"
            )
    least = found.requirements.disk_gib
    if (disk := values.get("data_volume_gib")) is not None and disk < least:
        wrong = f"is less than Dify {version} needs for its images and data"
        yield Problem("data_volume_gib", disk, wrong, f"Write {least} or more")
    yield from _variables(values, found)


def _variables(values: Mapping[str, Any], found: Release) -> Iterator[Problem]:
    for name, value in values.get("env", {}).items():
        if instead(name) is not None:
            continue
        if (reason := found.refusal(name)) is not None:
            yield Problem("env", name, "has no effect", f"Leave it out. {reason}")
        elif (other := name_in(found, name)) not in (None, name):
            yield Problem("env", name, f"has another name in Dify {found.version}", f"Write {other}")
        elif (expected := found.types.get(name)) is not None and not expected.accepts(value.reveal()):
            right = f"Write {expected}: the value alone, with neither comment nor spaces"
            wrong = f"has a value for {name} that Dify {found.version} does not start with"
            yield Problem("env", {name: MASK}, wrong, right)


def _known() -> str:
    return f"Known: {', '.join(INSTALLABLE)}, and later patches of it; or give its record with the setting release"
