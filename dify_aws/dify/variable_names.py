"""Variable names: what a variable is called in a release, as far as the records know of its renames."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from dify_aws.dify.records import KNOWN, known
from dify_aws.dify.release import Release

_REFERENCE: Final = re.compile(r"(?<!\$)\$\{(\w+)\}")


def name_in(release: Release, name: str) -> str | None:
    """The name that a variable has in a release.

    Args:
        release: the release.
        name: its name in that release or in another one, older or newer.

    Returns:
        The name in the release; None if it has no such variable.
    """
    if name in release.variables:
        return name
    renames = {**_renames(), **_renames_of(release)}
    newer = {before: after for after, before in renames.items()}
    for steps in (renames, newer):
        other, seen = steps.get(name), {name}
        while other and other not in seen:
            if other in release.variables:
                return other
            seen.add(other)
            other = steps.get(other)
    return None


def with_names_of(release: Release, text: str) -> str:
    """A text in which each ``${VARIABLE}`` has the name that it has in a release.

    Args:
        release: the release.
        text: of a file for Compose. A variable that the release does not have stays as it is.
    """
    return _REFERENCE.sub(lambda found: f"${{{name_in(release, found[1]) or found[1]}}}", text)


def _renames_of(release: Release) -> Mapping[str, str]:
    """The older name of each variable that a release has renamed."""
    return {each.name: each.renamed_from for each in release.variables.values() if each.renamed_from}


@cache
def _renames() -> Mapping[str, str]:
    """The older name of each variable that a known release has renamed."""
    return MappingProxyType({after: before for each in KNOWN for after, before in _renames_of(known(each)).items()})
