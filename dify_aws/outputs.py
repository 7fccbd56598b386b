"""Outputs: where everything is that a person, a script or the installer needs to find."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What a deployment has become. Nothing in it is secret: secrets are named, not shown."""

    deployment: str
    region: str
    url: str
    public_ip: str
    private_ip: str
    instance_id: str
    availability_zone: str
    vpc_id: str
    subnets: Mapping[str, str]
    security_groups: Mapping[str, str]
    data_volume_id: str
    bucket: str
    secrets: Mapping[str, str]
    log_groups: Mapping[str, str]
    alarm_topic: str
    alarms: tuple[str, ...] = ()
    nat_gateway_id: str | None = None
    nat_public_ip: str | None = None
    notes: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)

    def to_json(self, *, indent: int | None = 2) -> str:
        """The same as JSON."""
        return json.dumps(self.to_dict(), indent=indent, ensure_ascii=False)

    def __str__(self) -> str:
        width = max(len(name) for name in self.to_dict())
        lines = [f"{name:<{width}}  {_line(value)}" for name, value in self.to_dict().items() if name != "notes"]
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        left = "text-align:left"
        rows = "".join(
            f'<tr><td style="{left}"><b>{escape(name)}</b></td><td style="{left}">{escape(_line(value))}</td></tr>'
            for name, value in self.to_dict().items()
        )
        return f"<table>{rows}</table>"


def _line(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {item}" for name, item in value.items())
    if isinstance(value, tuple | list):
        return ", ".join(str(item) for item in value)
    return "none" if value is None else str(value)
