"""Deployed: what was found of a deployment, told as its outputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from dify_aws.engine.resource import Actual
from dify_aws.outputs import Endpoint, HostOutput, Outputs
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


def build_outputs(settings: Settings, found: Mapping[str, Actual]) -> Outputs:
    """The outputs of a deployment, made of what it consists of, by address."""
    host, address, topic = (found[each] for each in (ADDRESSES.host, ADDRESSES.public_address, ADDRESSES.alarm_topic))
    data = found["volume/data"]
    nat = found.get("nat-gateway/main")
    secrets = _ids(found, "secret")
    return Outputs(
        deployment=settings.deployment,
        region=settings.region,
        url=f"https://{settings.domain}" if settings.domain else f"http://{address['public_ip']}",
        hosts=(
            HostOutput(
                name="host",
                instance_id=host.id,
                public_ip=address["public_ip"],
                private_ip=host["private_ip"],
                availability_zone=host["availability_zone"],
                data_volume_id=data.id,
                data_device=_device(host, data.id),
            ),
        ),
        endpoints=CONTAINERS,
        vpc_id=found["vpc/main"].id,
        subnets=_ids(found, "subnet"),
        security_groups=_ids(found, "security-group"),
        bucket=found["bucket/storage"].id,
        secrets=secrets,
        log_groups=_ids(found, "log-group"),
        alarm_topic=topic.id,
        ssh=_ssh(found),
        alarms=tuple(_ids(found, "alarm").values()),
        nat_gateway_id=nat.id if nat else None,
        nat_public_ip=found["elastic-ip/nat"]["public_ip"] if nat else None,
        notes=tuple(_notes(settings, secrets["application"], topic["pending"])),
    )


def _device(host: Actual, volume_id: str) -> str:
    """What the volume is attached as to the host; "" if it is not."""
    return next((device for device, volume in host["volumes"].items() if volume == volume_id), "")


def _ssh(found: Mapping[str, Actual]) -> dict[str, str]:
    if endpoint := found.get("instance-connect-endpoint/main"):
        return {"endpoint": endpoint.id, **{name: endpoint[name] for name in ("dns_name", "fips_dns_name")}}
    return {"schedule_group": found["schedule-group/leases"].id, "role": found["role/leases"].id}


def _notes(settings: Settings, secret: str, pending: Iterable[str]) -> Iterator[str]:
    """What a person should know who reads the outputs."""
    for mail in pending:
        yield f"{mail} hears of no alarm until the link in AWS's mail to it has been followed."
    if settings.domain is None:
        yield "Traffic to Dify is not encrypted: for HTTPS, set domain and email."
    if settings.admin_email:
        yield f"The password of {settings.admin_email} is admin_password in the secret {secret}."
    else:
        yield f"The first to open /install becomes the admin; it asks for init_password, in the secret {secret}."


def _ids(found: Mapping[str, Actual], kind: str) -> dict[str, str]:
    """The ids of all of one kind, by name."""
    return {
        address.partition("/")[2]: actual.id for address, actual in found.items() if address.partition("/")[0] == kind
    }
