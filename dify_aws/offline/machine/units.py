"""Units: systemd on the model machine: its units, which are running, and since when."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from dify_aws.host.fact import Answer, Fact
from dify_aws.host.steps.service import Unit
from dify_aws.offline.machine.ended import Ended, NotModelled, failed
from dify_aws.offline.machine.files import Options

if TYPE_CHECKING:
    from dify_aws.offline.machine.machine import Machine

FOLDER: Final = "/etc/systemd/system"


@dataclass
class UnitRecord:
    """One unit. Moments are on the world's clock; ``loaded`` is when systemd read its definition."""

    active: str = "inactive"
    at_boot: str = "disabled"
    started: float = 0.0
    loaded: float = 0.0


@dataclass
class Units:
    """Those that packages brought. A unit whose file lies in /etc/systemd/system is there as well.

    ``failing`` has what a unit that cannot start writes into the journal, by its name.
    """

    records: dict[str, UnitRecord] = field(
        default_factory=lambda: {
            "systemd-journald.service": UnitRecord("active", "static"),
            "ssh.service": UnitRecord("active", "enabled"),
        }
    )
    failing: dict[str, str] = field(default_factory=dict)
    masked: set[str] = field(default_factory=set)

    def known(self, unit: str) -> bool:
        """Whether a package installed it, or it was used before."""
        return unit in self.records

    def runs(self, unit: str) -> bool:
        """Whether it is active."""
        return unit in self.records and self.records[unit].active == "active"


def begin(machine: Machine, unit: str) -> Ended:
    """Start or restart a unit."""
    record = _record(machine, unit)
    if record is None:
        return failed(f"Failed to start {unit}: Unit {unit} not found.", 5)
    text = _definition(machine, unit)
    wanted = re.findall(r"^RequiresMountsFor=(.*)", text, re.MULTILINE)
    if lacking := [path for path in wanted if path not in machine.disks.mounted]:
        machine.units.failing[unit] = f"Dependency failed for {unit}: {lacking[0]} is not mounted."
    if unit in machine.units.failing:
        record.active = "failed"
        return failed(f"Job for {unit} failed because the control process exited with error code.")
    over = "Type=oneshot" in text and "RemainAfterExit=yes" not in text
    record.active = "inactive" if over else "active"
    record.started = record.loaded = machine.clock.now()
    return Ended()


def _files(machine: Machine, unit: str) -> list[str]:
    """Its file and its drop-ins that exist."""
    paths = [f"{FOLDER}/{unit}", *machine.files.below(f"{FOLDER}/{unit}.d")]
    return [path for path in paths if (entry := machine.files.get(path)) and entry.kind == "file"]


def _definition(machine: Machine, unit: str) -> str:
    return "\n".join(machine.files.text(path) for path in _files(machine, unit))


def _record(machine: Machine, unit: str) -> UnitRecord | None:
    records = machine.units.records
    if unit not in records and machine.files.get(f"{FOLDER}/{unit}"):
        records[unit] = UnitRecord(at_boot="disabled" if "[Install]" in _definition(machine, unit) else "static")
    return records.get(unit)


def _unit(machine: Machine, fact: Unit) -> Answer:
    record, own = _record(machine, fact.unit), _files(machine, fact.unit)
    masked = fact.unit in machine.units.masked
    changed = {path: entry.changed for path in (*own, *fact.reads) if (entry := machine.files.get(path))}
    runs = record is not None and record.active == "active"
    stale = runs and record is not None and any(changed[path] > record.loaded for path in own)
    lines = {
        "LoadState": "masked" if masked else "loaded" if record else "not-found",
        "ActiveState": record.active if record else "inactive",
        "UnitFileState": "masked" if masked else record.at_boot if record else "",
        "NeedDaemonReload": "yes" if stale else "no",
        "ExecMainStartTimestamp": _moment(record.started) if record and fact.unit.endswith(".service") else "",
        "InactiveExitTimestamp": _moment(record.started) if record else "",
        "FragmentPath": next((path for path in own if not path.endswith(".conf")), ""),
        "DropInPaths": " ".join(path for path in own if path.endswith(".conf")),
    }
    output = [f"{key}={value}" for key, value in lines.items()]
    output += [f"file={moment:.6f} {path}" for path, moment in changed.items()]
    return Answer("\n".join(output).encode())


def _moment(seconds: float) -> str:
    # A millisecond after the order: the world's clock may stand still between a file and the process that reads it.
    return f"{datetime.fromtimestamp(seconds + 0.001, UTC):%a %Y-%m-%d %H:%M:%S.%f} UTC"


def _systemctl(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    options = Options("systemctl")
    options.add_argument("verb")
    options.add_argument("unit", nargs="?", default="")
    parsed = options.parse_args(argv[1:])
    if parsed.verb == "daemon-reload":
        for each in machine.units.records.values():
            each.loaded = machine.clock.now()
        return Ended()
    record = _record(machine, parsed.unit)
    if record is None:
        return failed(f"Unit {parsed.unit} could not be found.", 5)
    match parsed.verb:
        case "start" if record.active == "active":
            return Ended()
        case "start" | "restart":
            return begin(machine, parsed.unit)
        case "stop":
            record.active = "inactive"
        case "enable" | "disable" if record.at_boot != "static":
            record.at_boot = f"{parsed.verb}d"
        case "reset-failed":
            record.active = "inactive" if record.active == "failed" else record.active
        case "is-active":
            return Ended(0 if record.active == "active" else 3, f"{record.active}\n".encode())
        case _:
            raise NotModelled(" ".join(argv))
    return Ended()


def _journalctl(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    options = Options("journalctl")
    options.add_argument("--no-pager", action="store_true", required=True)
    options.add_argument("--output")
    options.add_argument("--lines")
    options.add_argument("--unit", required=True)
    return Ended(out=machine.units.failing.get(options.parse_args(argv[1:]).unit, "").encode())


ANSWERS: Final[Mapping[type[Fact[Any]], Callable[[Machine, Any], Answer]]] = {Unit: _unit}
COMMANDS: Final[Mapping[str, Callable[[Machine, Sequence[str], bytes], Ended]]] = {
    "journalctl": _journalctl,
    "systemctl": _systemctl,
}
