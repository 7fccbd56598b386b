"""Outputs: where everything is that a person, a script or the installer needs to find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from types import MappingProxyType
from typing import Any, Final

from dify_aws.presentation import JsonMixin, NotebookMixin
from dify_aws.printable import printable


@dataclass(frozen=True, kw_only=True)
class HostOutput:
    """One host that is installed over SSH.

    Attributes:
        name: of its resource.
        instance_id: AWS's id.
        public_ip: the address that it is reached by.
        private_ip: its address in the VPC.
        availability_zone: where it is.
        data_volume_id: the volume with the data.
        data_device: what the volume is attached as ("/dev/sdf"); "" if it is not.
    """

    name: str
    instance_id: str
    public_ip: str
    private_ip: str
    availability_zone: str
    data_volume_id: str
    data_device: str = ""


@dataclass(frozen=True)
class Endpoint:
    """Where a service that Dify needs is reached from its containers."""

    host: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Outputs(JsonMixin, NotebookMixin):
    """What a deployment has become. Nothing in it is secret: secrets are named, not shown.

    ``hosts`` are the instances, and ``endpoints`` where the containers reach "database" and "cache". ``public_ip``,
    ``instance_id`` and the like are those of the first host. ``ssh`` is what opens a connection to it: the schedule
    group and the role that close a leased port, or the endpoint of the tunnel.
    """

    deployment: str
    region: str
    url: str
    hosts: tuple[HostOutput, ...]
    endpoints: Mapping[str, Endpoint]
    vpc_id: str
    subnets: Mapping[str, str]
    security_groups: Mapping[str, str]
    bucket: str
    secrets: Mapping[str, str]
    log_groups: Mapping[str, str]
    alarm_topic: str
    ssh: Mapping[str, str] = field(default_factory=dict)
    alarms: tuple[str, ...] = ()
    nat_gateway_id: str | None = None
    nat_public_ip: str | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def host(self) -> HostOutput:
        """The first host, and the only one of a single host."""
        return self.hosts[0]

    @property
    def public_ip(self) -> str:
        """Public address of the first host."""
        return self.host.public_ip

    @property
    def private_ip(self) -> str:
        """Address of the first host in the VPC."""
        return self.host.private_ip

    @property
    def instance_id(self) -> str:
        """AWS's id of the first host."""
        return self.host.instance_id

    @property
    def availability_zone(self) -> str:
        """Where the first host is."""
        return self.host.availability_zone

    @property
    def data_volume_id(self) -> str:
        """The volume with the data of the first host."""
        return self.host.data_volume_id

    @property
    def data_device(self) -> str:
        """What that volume is attached as; "" if it is not."""
        return self.host.data_device

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values, the properties of the first host among them."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        hosts, endpoints = values.pop("hosts"), values.pop("endpoints")
        first = {name: value for name, value in asdict(self.host).items() if name != "name"}
        return {
            **{name: values.pop(name) for name in ("deployment", "region", "url")},
            **first,
            **{name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()},
            "hosts": [asdict(each) for each in hosts],
            "endpoints": {name: asdict(each) for name, each in endpoints.items()},
        }

    def __str__(self) -> str:
        rows = self._rows()
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {value}".rstrip() for name, value in rows)

    def __rich__(self) -> Any:
        from rich.style import Style
        from rich.table import Table
        from rich.text import Text

        table = Table.grid(padding=(0, 2))
        table.add_column(no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in self._rows():
            table.add_row(name, Text(value, Style(link=value) if name == "url" else ""))
        return table

    def _rows(self) -> list[tuple[str, str]]:
        """A name and a value a line; the lines of one name after the first have none."""
        rows: list[tuple[str, str]] = []
        for name, value in self.to_dict().items():
            if name in ("hosts", "endpoints"):  # for programs: the first host has rows of its own
                continue
            label = name.replace("_", " ")
            items = [f"{key}: {item}" for key, item in value.items()] if isinstance(value, Mapping) else value
            lines = list(items) if isinstance(items, list | tuple) else [str(value)]
            if value is not None:
                rows += [(label if place == 0 else "", printable(line)) for place, line in enumerate(lines)]
        return rows


class PartialOutputs(Outputs):
    """Outputs of a deployment of which a part exists: what its hosts need so far. Reading any other is an error.

    Args:
        known: the fields that are known.
    """

    def __init__(self, known: Mapping[str, Any]) -> None:
        for name, value in known.items():
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"the output {name} is not known here: what reads it does not say that it needs it")


PLACEHOLDER: Final = Outputs(
    deployment="dify/nowhere",
    region="ap-northeast-1",
    url="http://192.0.2.1",
    hosts=(
        HostOutput(
            name="host",
            public_ip="192.0.2.1",
            private_ip="10.0.0.1",
            instance_id="i-0123456789abcdef0",
            availability_zone="ap-northeast-1a",
            data_volume_id="vol-0123456789abcdef0",
        ),
    ),
    endpoints=MappingProxyType({"database": Endpoint("db_postgres", 5432), "cache": Endpoint("redis", 6379)}),
    vpc_id="vpc-0123456789abcdef0",
    subnets=MappingProxyType({}),
    security_groups=MappingProxyType({}),
    bucket="nowhere",
    secrets=MappingProxyType({}),
    log_groups=MappingProxyType(dict.fromkeys(("system", "docker", "dify", "nginx"), "nowhere")),
    alarm_topic="nowhere",
)
"""A deployment that is nowhere, to render what does not depend on one. Addresses as in RFC 5737."""
