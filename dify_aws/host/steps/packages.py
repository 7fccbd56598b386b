"""Packages: these are installed, from whatever repositories the machine has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.change import Change
from dify_aws.host.errors import StepRefused
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Host
from dify_aws.host.packages.apt import apt_get, run_unlocked

REQUIREMENT: Final = re.compile(r"([a-z0-9][a-z0-9+.-]+)(?:>=(\d+(?:\.\d+)*))?")

VERSION: Final = re.compile(r"[\w.+~:-]{0,200}", re.ASCII)
"""A version of dpkg. A host that reports a longer one has no answer that could be compared."""

INSTALLED: Final = "ii"
"""How dpkg abbreviates "wished for and there"; anything else is half done, or not even begun."""


@dataclass(frozen=True)
class Installed(Fact[Mapping[str, tuple[str, str]]]):
    """State and version of these packages; one that dpkg has never heard of is missing."""

    names: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"packages {' '.join(self.names)}"

    @property
    def script(self) -> str:
        # 20 ms; it complains about those that it does not know.
        form = "${Package}|${db:Status-Abbrev}|${Version}\\n"
        return f"dpkg-query --show --showformat '{form}' {' '.join(self.names)}"

    def read(self, answer: Answer) -> Mapping[str, tuple[str, str]]:
        found = {}
        for line in answer.text.splitlines():
            name, state, version = line.split("|")
            if not VERSION.fullmatch(version):
                raise ValueError(f"{version[:20]!r} is not a version")
            found[name] = (state.strip(), version)
        return found


@dataclass(frozen=True)
class Unfinished(Fact[bool]):
    """Was dpkg interrupted in the middle of something?"""

    name = "dpkg audit"
    script = "dpkg --audit"

    def read(self, answer: Answer) -> bool:
        return answer.text != ""


@dataclass(frozen=True, kw_only=True)
class Packages:
    """Packages of the distribution and of the repositories that were added.

    Nothing that is installed is ever removed for them, and none is upgraded that is new enough.

    Args:
        wishes: names, each with the least version where it matters: ``docker-compose-plugin>=2.24``.
        needs: the steps before it; None is all that stand before it in the list.

    Raises:
        ValueError: that is no name of a package.
    """

    requirements: Sequence[str]
    needs: Sequence[str] | None = None

    def __post_init__(self) -> None:
        for requirement in self.requirements:
            if not REQUIREMENT.fullmatch(requirement):
                raise ValueError(f"{requirement!r} is no package; curl is one, and docker-ce>=26 with a least version")

    @property
    def name(self) -> str:
        return f"packages {' '.join(name for name, _ in self._minimums)}"

    @property
    def _minimums(self) -> tuple[tuple[str, str], ...]:
        found = (REQUIREMENT.fullmatch(requirement) for requirement in self.requirements)
        return tuple((each[1], each[2] or "") for each in found if each)

    @property
    def _fact(self) -> Installed:
        return Installed(tuple(name for name, _ in self._minimums))

    def facts(self) -> Sequence[Fact[Any]]:
        return (self._fact,)

    def check(self, facts: Facts) -> Sequence[Change]:
        """Which are not there, or too old."""
        found = facts[self._fact]
        changes = []
        for name, minimum in self._minimums:
            state, version = found.get(name, ("", ""))
            if state != INSTALLED:
                changes.append(
                    Change(name, f"half done ({state})" if state[1:] not in ("", "n") else None, "installed")
                )
            elif minimum and _parts(version) < _parts(minimum):
                changes.append(Change(name, version, f"{minimum} or later"))
        return tuple(changes)

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Finish what was interrupted, read the indexes, and install them all at once.

        Raises:
            CommandFailed: apt could not; with what it said and what to do.
            StepRefused: what the repositories have is too old.
        """
        if host.ask((Unfinished(),))[Unfinished()]:
            run_unlocked(
                host, "env DEBIAN_FRONTEND=noninteractive dpkg --force-confdef --force-confold --configure --pending"
            )
        apt_get(host, "update")
        names = [change.attribute for change in changes]
        apt_get(host, "--no-remove", "--no-install-recommends", "install", *names)
        left = self.check(host.ask(self.facts()))
        if too_old := [change for change in left if change.attribute in names and change.before]:
            raise StepRefused(
                host.where,
                "the repositories of this machine have only\n"
                + "\n".join(f"  {change.attribute} {change.before}; it has to be {change.after}" for change in too_old)
                + '\nWith docker_source = "docker", they come from Docker\'s own repository.',
            )


def _parts(version: str) -> tuple[int, ...]:
    """The numbers of a version: without epoch, and without what the distribution added."""
    upstream = re.split(r"[-+~]", version.rpartition(":")[2])[0]
    return tuple(int(part) for part in re.findall(r"\d+", upstream))
