"""Sysctl: parameters of the kernel, now and after every boot."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.change import Change
from dify_aws.host.content import Content
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Host
from dify_aws.host.kernel import OwnKernel
from dify_aws.host.steps.path import AtPath, refused

PATH: Final = "/etc/sysctl.d/90-dify-aws.conf"
FIRST_LINE: Final = "# Written by dify_aws: what is changed here by hand is put back.\n"
PARAMETER: Final = re.compile(r"[a-z][\w-]*(\.[\w-]+)+")


@dataclass(frozen=True)
class Parameters(Fact[Mapping[str, str]]):
    """What are these parameters now? One that this kernel does not have is missing in the answer."""

    names: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"parameters {', '.join(self.names)}"

    @property
    def script(self) -> str:
        return f"sysctl --ignore {' '.join(self.names)}"

    def read(self, answer: Answer) -> Mapping[str, str]:
        pairs = (line.split(" = ", 1) for line in answer.text.splitlines())
        return {name: " ".join(value.split()) for name, value in pairs}


@dataclass(frozen=True, kw_only=True)
class Sysctl:
    """Parameters of the kernel. In a container only those of the network are its own; the others are only written down.

    Args:
        values: each parameter by its name, like ``{"vm.swappiness": "10"}``.
        needs: the steps before it; None is all that stand before it in the list.

    Raises:
        ValueError: that is no name of a parameter, or no value of one line.
    """

    values: Mapping[str, str]
    needs: Sequence[str] | None = None

    name = "sysctl"

    def __post_init__(self) -> None:
        for name, value in self.values.items():
            if not PARAMETER.fullmatch(name) or "\n" in value:
                raise ValueError(f"{name} = {value!r} is no parameter of the kernel")

    @property
    def _live(self) -> Parameters:
        return Parameters(tuple(self.values))

    def facts(self) -> Sequence[Fact[Any]]:
        return (AtPath(PATH), self._live, OwnKernel())

    def check(self, facts: Facts) -> Sequence[Change]:
        """What is written down, and what holds now."""
        written = facts[AtPath(PATH)]
        if written.kind not in ("file", "nothing"):
            raise refused(facts.where, PATH, "file", written)
        desired = FIRST_LINE + "".join(f"{name} = {value}\n" for name, value in self.values.items())
        changes = []
        if written.data != desired.encode():
            before = Content(PATH, written.data) if written.kind == "file" else None
            changes.append(Change(PATH, before, Content(PATH, desired.encode())))
        live, own = facts[self._live], facts[OwnKernel()]
        for name, value in self.values.items():
            if (own or name.startswith("net.")) and live.get(name) != value:
                changes.append(Change(name, live.get(name), value))
        return tuple(changes)

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Write them down, and set those that differ."""
        for change in changes:
            if isinstance(change.after, Content):
                host.write(PATH, change.after.data)
        live = [f"{change.attribute}={change.after}" for change in changes if not isinstance(change.after, Content)]
        if live:
            host.must("\n".join(f"sysctl --write '{pair}'" for pair in live), again=True)
