"""Outputs: where everything is that a person, a script or the installer needs to find."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from html import escape
from typing import Any

from dify_aws.printable import printable


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What a deployment has become. Nothing in it is secret: secrets are named, not shown.

    ``data_device`` is what the data volume is attached as ("/dev/sdf"); "" if it is not. ``ssh`` is what opens a way to
    the machine: the schedule group and the role that close a leased port, or the endpoint of the tunnel.
    """

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
    data_device: str = ""
    ssh: Mapping[str, str] = field(default_factory=dict)
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
        rows = self._rows()
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {value}".rstrip() for name, value in rows)

    def __rich__(self) -> Any:
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        for name, value in self._rows():
            table.add_row(name, Text(value))
        return table

    def _rows(self) -> list[tuple[str, str]]:
        """A name and a value a line; the lines of one name after the first have none."""
        rows: list[tuple[str, str]] = []
        for name, value in self.to_dict().items():
            label = name.replace("_", " ")
            items = [f"{key}: {item}" for key, item in value.items()] if isinstance(value, Mapping) else value
            lines = list(items) if isinstance(items, list | tuple) else [str(value)]
            if value is not None:
                rows += [(label if place == 0 else "", printable(line)) for place, line in enumerate(lines)]
        return rows

    def _repr_html_(self) -> str:
        left = "text-align:left"
        rows = "".join(
            f'<tr><td style="{left}"><b>{escape(name)}</b></td><td style="{left}">{escape(value)}</td></tr>'
            for name, value in self._rows()
        )
        return f"<table>{rows}</table>"
