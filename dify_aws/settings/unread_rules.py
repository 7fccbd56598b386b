"""Rules for variables that have no effect: those that the record of the release refuses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from dify_aws.dify.known_variables import instead
from dify_aws.dify.records import KNOWN, known
from dify_aws.errors import Problem


def unread(values: Mapping[str, Any]) -> Iterator[Problem]:
    """The variables in ``env`` that nothing reads in this release.

    Args:
        values: the settings that are right each for itself, by name.

    Yields:
        A problem for each, with the reason in the record of the release.
    """
    version = values.get("dify_version")
    if version not in KNOWN:
        return
    for name in values.get("env", ()):
        if instead(name) is None and (reason := known(version).refusal(name)) is not None:
            yield Problem("env", name, "has no effect", f"Leave it out. {reason}")
