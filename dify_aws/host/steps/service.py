"""Service: a unit of systemd runs (or does not), now and at boot, with the configuration that lies on the disk."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from dify_aws.change import Change
from dify_aws.host.errors import CommandFailed, StepRefused
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Host
from dify_aws.host.script import script

UNIT: Final = re.compile(r"[\w@.:\\-]+\.(service|timer|socket|path|mount|target)")
LAST_LINES: Final = 20

PROPERTIES: Final = (
    "LoadState",
    "ActiveState",
    "UnitFileState",
    "NeedDaemonReload",
    "ExecMainStartTimestamp",
    "InactiveExitTimestamp",
    "FragmentPath",
    "DropInPaths",
)

# 15 ms. The unit file and its drop-ins are read by whoever runs it, too: without them, a definition that somebody
# reloaded but did not restart would look as if it held.
READ_SCRIPT: Final = f"""\
told=$(systemctl show --timestamp=us+utc --property={",".join(PROPERTIES)} -- "$1")
printf '%s\\n' "$told"
shift
own=$(printf '%s\\n' "$told" | sed -n 's/^FragmentPath=//p;s/^DropInPaths=//p')
stat --format 'file=%.9Y %n' -- $own "$@" 2>/dev/null
true
"""

SETTLED: Final = frozenset({"enabled", "enabled-runtime", "static", "indirect", "generated", "alias", "transient"})
"""States of a unit file in which there is nothing (more) to enable: systemctl(1), is-enabled."""


@dataclass(frozen=True)
class UnitState:
    """A unit. ``started``: seconds since 1970, None if it does not run. ``newest``: the file that it reads, and when
    that was changed."""

    load: str
    active: str
    at_boot: str
    stale: bool
    started: float | None
    newest: tuple[float, str] | None


@dataclass(frozen=True)
class Unit(Fact[UnitState]):
    """How is this unit, and are these files older than it?"""

    unit: str
    reads: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"unit {self.unit}"

    @property
    def script(self) -> str:
        return script(READ_SCRIPT, self.unit, *self.reads)

    def read(self, answer: Answer) -> UnitState:
        lines = [line.split("=", 1) for line in answer.text.splitlines()]
        fields = {key: value for key, value in lines if key != "file"}
        files = [value.split(" ", 1) for key, value in lines if key == "file"]
        # A unit that has no process, like a timer, has only left its inactive state.
        started = fields.get("ExecMainStartTimestamp") or fields["InactiveExitTimestamp"]
        return UnitState(
            load=fields["LoadState"],
            active=fields["ActiveState"],
            at_boot=fields["UnitFileState"],
            stale=fields["NeedDaemonReload"] == "yes",
            started=_seconds(started) if started and fields["ActiveState"] == "active" else None,
            newest=max(((float(moment), path) for moment, path in files), default=None),
        )


def _seconds(moment: str) -> float:
    """Of a moment as systemd tells it: Tue 2026-11-24 00:12:59.143260 UTC."""
    _, day, time, _ = moment.split()
    return datetime.fromisoformat(f"{day} {time}").replace(tzinfo=UTC).timestamp()


@dataclass(frozen=True, kw_only=True)
class Service:
    """A unit of systemd.

    A unit that runs is restarted if a file that it reads, or its own definition, is newer than it. So whoever wrote the
    file need not tell, and a run that was cut between the two is finished by the next.

    Args:
        unit: with its suffix: ``docker.service``.
        enabled: whether it starts at boot; None is not our business.
        active: whether it runs.
        reads: the files that it reads when it starts.
        needs: the steps before it; None is all that stand before it in the list.

    Raises:
        ValueError: that is no name of a unit.
    """

    unit: str
    enabled: bool | None = True
    active: bool = True
    reads: Sequence[str] = ()
    needs: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if not UNIT.fullmatch(self.unit):
            raise ValueError(f"{self.unit!r} is no unit of systemd with its suffix; docker.service is one")

    @property
    def name(self) -> str:
        return f"service {self.unit}"

    @property
    def _fact(self) -> Unit:
        return Unit(self.unit, tuple(self.reads))

    def facts(self) -> Sequence[Fact[Any]]:
        return (self._fact,)

    def check(self, facts: Facts) -> Sequence[Change]:
        """Whether it starts at boot, whether it runs, and whether it has read what it should.

        Raises:
            StepRefused: somebody has masked it.
        """
        found = facts[self._fact]
        if found.load == "masked" or found.at_boot.startswith("masked"):
            raise StepRefused(
                facts.where,
                f"{self.unit} is masked, so that nobody can start it. If that was not on purpose: "
                f"sudo systemctl unmask {self.unit}, and run again.",
            )
        changes = []
        if found.stale:
            changes.append(Change("definition", "as it was read", "as it is on the disk"))
        if self.enabled and found.at_boot not in SETTLED:
            changes.append(Change("at boot", found.at_boot or None, "enabled"))
        if self.enabled is False and found.at_boot in ("enabled", "enabled-runtime"):
            changes.append(Change("at boot", found.at_boot, "disabled"))
        if self.active and found.active != "active":
            before = found.active if found.load == "loaded" else found.load
            changes.append(Change("state", before, "active"))
        elif not self.active and found.active not in ("inactive", "failed"):
            changes.append(Change("state", found.active, "inactive"))
        elif self.active and found.newest and found.started is not None and found.newest[0] > found.started:
            changes.append(Change("process", f"older than {found.newest[1]}", "restarted"))
        return tuple(changes)

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Enable it, and start, restart or stop it.

        Raises:
            CommandFailed: it does not start; with the last that it wrote into the journal.
        """
        unit = shlex.quote(self.unit)
        by_attribute = {change.attribute: change for change in changes}
        lines = []
        if "definition" in by_attribute:
            lines.append("systemctl daemon-reload")
        if "at boot" in by_attribute:
            lines.append(f"systemctl {'enable' if self.enabled else 'disable'} {unit}")
        if "state" in by_attribute and by_attribute["state"].before == "failed":
            # One that failed too often in a row is not started before somebody says so.
            lines.append(f"systemctl reset-failed {unit}")
        if "state" in by_attribute or "process" in by_attribute:
            lines += [f"systemctl restart {unit}", f"systemctl is-active {unit}"] if self.active else []
            lines += [] if self.active else [f"systemctl stop {unit}"]
        result = host.run("\n".join(lines), again=True)
        if result.ok:
            return
        journal = host.run(f"journalctl --no-pager --output=cat --lines={LAST_LINES} --unit={unit}", again=True)
        raise CommandFailed(
            host.where, result, advice=f"the last of what {self.unit} wrote into the journal:\n{journal.stdout.strip()}"
        )
