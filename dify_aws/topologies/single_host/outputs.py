"""Outputs of a single host: what was found of a deployment, as its outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from dify_aws.engine.resource import Actual
from dify_aws.outputs import Endpoint, HostOutput, Outputs, PartialOutputs
from dify_aws.settings import Settings
from dify_aws.topologies.topology import ResourceAddresses

ADDRESSES: Final = ResourceAddresses(
    hosts=("instance/host",),
    public_address="elastic-ip/host",
    key_pair="key-pair/host",
    private_key="secret/ssh-private-key",
    alarm_topic="topic/alarms",
)
CONTAINERS: Final[Mapping[str, Endpoint]] = MappingProxyType(
    {"database": Endpoint("db_postgres", 5432), "cache": Endpoint("redis", 6379)}
)
"""The databases run on the host itself, where containers find each other by the names of their services."""


Found = Mapping[str, Actual]


def build_outputs(settings: Settings, found: Found) -> Outputs:
    """The outputs of a deployment, made of what it consists of, by address.

    Args:
        settings: what is desired.
        found: all its resources.

    Raises:
        KeyError: one of them is missing.
    """
    return Outputs(**{name: value(settings, found) for name, value in FIELDS.items()})


def partial_outputs(settings: Settings, found: Found) -> Outputs:
    """The outputs that follow from what is there so far, or is known to a stage; reading others is an error.

    Args:
        settings: what is desired.
        found: some of its resources.
    """
    known: dict[str, Any] = {}
    for name, value in FIELDS.items():
        try:
            known[name] = value(settings, found)
        except KeyError:
            continue
    return PartialOutputs(known)


def _url(settings: Settings, found: Found) -> str:
    return f"https://{settings.domain}" if settings.domain else f"http://{found[ADDRESSES.public_address]['public_ip']}"


def _hosts(settings: Settings, found: Found) -> tuple[HostOutput, ...]:
    host, data = found[ADDRESSES.host], found["volume/data"]
    return (
        HostOutput(
            name="host",
            instance_id=host.id,
            public_ip=found[ADDRESSES.public_address]["public_ip"],
            private_ip=host["private_ip"],
            availability_zone=host["availability_zone"],
            data_volume_id=data.id,
            data_device=_device(host, data.id),
        ),
    )


def _device(host: Actual, volume_id: str) -> str:
    """What the volume is attached as to the host; "" if it is not."""
    return next((device for device, volume in host["volumes"].items() if volume == volume_id), "")


def _ssh(settings: Settings, found: Found) -> dict[str, str]:
    if endpoint := found.get("instance-connect-endpoint/main"):
        return {"endpoint": endpoint.id, **{name: endpoint[name] for name in ("dns_name", "fips_dns_name")}}
    return {"schedule_group": found["schedule-group/leases"].id, "role": found["role/leases"].id}


def _notes(settings: Settings, found: Found) -> Iterator[str]:
    """What a person should know who reads the outputs."""
    secret = found["secret/application"].id
    for mail in found[ADDRESSES.alarm_topic]["pending"]:
        yield f"{mail} hears of no alarm until the link in AWS's mail to it has been followed."
    if settings.domain is None:
        yield "Traffic to Dify is not encrypted: for HTTPS, set domain and email."
    if settings.admin_email:
        yield f"The password of {settings.admin_email} is admin_password in the secret {secret}."
    else:
        yield f"The first to open /install becomes the admin; it asks for init_password, in the secret {secret}."


def _ids(found: Found, kind: str) -> dict[str, str]:
    """The ids of all of one kind, by name."""
    return {
        address.partition("/")[2]: actual.id for address, actual in found.items() if address.partition("/")[0] == kind
    }


FIELDS: Final[Mapping[str, Callable[[Settings, Found], Any]]] = MappingProxyType(
    {
        "deployment": lambda settings, found: settings.deployment,
        "region": lambda settings, found: settings.region,
        "url": _url,
        "hosts": _hosts,
        "endpoints": lambda settings, found: CONTAINERS,
        "vpc_id": lambda settings, found: found["vpc/main"].id,
        "subnets": lambda settings, found: _ids(found, "subnet"),
        "security_groups": lambda settings, found: _ids(found, "security-group"),
        "bucket": lambda settings, found: found["bucket/storage"].id,
        "secrets": lambda settings, found: _ids(found, "secret"),
        "log_groups": lambda settings, found: _ids(found, "log-group"),
        "alarm_topic": lambda settings, found: found[ADDRESSES.alarm_topic].id,
        "ssh": _ssh,
        "alarms": lambda settings, found: tuple(_ids(found, "alarm").values()),
        "nat_gateway_id": lambda settings, found: nat.id if (nat := found.get("nat-gateway/main")) else None,
        "nat_public_ip": lambda settings, found: nat["public_ip"] if (nat := found.get("elastic-ip/nat")) else None,
        "notes": lambda settings, found: tuple(_notes(settings, found)),
    }
)
"""How each output follows from the resources."""
