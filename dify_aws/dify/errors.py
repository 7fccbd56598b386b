"""Errors of releases: a record or a checkout of Dify that cannot be read, with every problem of it."""

from __future__ import annotations

from collections.abc import Iterable

from dify_aws.errors import DifyAwsError, Problem, SettingsError


class ReleaseError(SettingsError):
    """A record of a release, or a checkout of Dify, cannot be used. ``problems`` has every one of them."""

    def __init__(self, where: str, problems: Iterable[Problem]) -> None:
        self.where = where
        self.problems = tuple(problems)
        count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        DifyAwsError.__init__(self, f"{count} in {where}:\n{lines}")
