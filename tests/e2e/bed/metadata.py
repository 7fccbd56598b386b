"""Metadata: the instance metadata service, version 2 only, as cloud-init and an installer ask it."""

import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

from tests.e2e.bed.addresses import GUEST, HOSTNAME, MAC, REGION, SUBNET
from tests.e2e.bed.request import Answer, Request

TOKEN = "x-aws-ec2-metadata-token"
TTL = f"{TOKEN}-ttl-seconds"


@dataclass(frozen=True)
class Metadata:
    """https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html"""

    instance_id: str
    public_key: str
    user_data: str
    tokens: set[str] = field(default_factory=set)

    def answer(self, request: Request) -> Answer:
        """401 without a token: with ``HttpTokens=required`` version 1 is off."""
        if request.path == "/latest/api/token":
            if request.method != "PUT" or not request.headers.get(TTL, "").isdigit():
                return Answer(405 if request.method != "PUT" else 400)
            token = secrets.token_urlsafe(32)
            self.tokens.add(token)
            return Answer(200, token, headers={TTL: request.headers[TTL]})
        if request.headers.get(TOKEN) not in self.tokens:
            return Answer(401)
        version, _, path = request.path.strip("/").partition("/")
        if not version:
            return Answer(200, "2021-03-23\nlatest")
        if not re.fullmatch(r"latest|\d{4}-\d\d-\d\d", version):
            return Answer(404)
        result: Any = self._tree()
        for part in filter(None, path.split("/")):
            # A key pair is listed as "0=name" and asked for as "0".
            named = (
                {name.partition("=")[0]: value for name, value in result.items()} if isinstance(result, dict) else {}
            )
            if part not in named:
                return Answer(404)
            result = named[part]
        return Answer(200, _listed(result) if isinstance(result, dict) else result)

    def _tree(self) -> dict[str, Any]:
        identity = {
            "accountId": "123456789012",
            "architecture": "x86_64",
            "availabilityZone": f"{REGION}a",
            "imageId": "ami-0bed0000000000001",
            "instanceId": self.instance_id,
            "instanceType": "t3.large",
            "privateIp": GUEST,
            "region": REGION,
            "version": "2017-09-30",
        }
        interface = {
            "device-number": "0",
            "interface-id": "eni-0bed0000000000001",
            "local-ipv4s": GUEST,
            "mac": MAC,
            "subnet-ipv4-cidr-block": f"{SUBNET}.0/24",
            "vpc-ipv4-cidr-block": f"{SUBNET}.0/24",
        }
        data = {
            "ami-id": identity["imageId"],
            "block-device-mapping": {"ami": "/dev/sda1", "ebs1": "/dev/sdf", "root": "/dev/sda1"},
            "hostname": f"{HOSTNAME}.ec2.internal",
            "instance-id": self.instance_id,
            "instance-life-cycle": "on-demand",
            "instance-type": identity["instanceType"],
            "local-hostname": f"{HOSTNAME}.ec2.internal",
            "local-ipv4": GUEST,
            "mac": MAC,
            "network": {"interfaces": {"macs": {MAC: interface}}},
            "placement": {"availability-zone": f"{REGION}a", "region": REGION},
            "public-ipv4": "203.0.113.10",
            "public-keys": {"0=bed": {"openssh-key": self.public_key}},
            "reservation-id": "r-0bed0000000000001",
            "security-groups": "bed",
            "services": {"domain": "amazonaws.com", "partition": "aws"},
        }
        dynamic = {"instance-identity": {"document": json.dumps(identity)}}
        return {"dynamic": dynamic, "meta-data": data, "user-data": self.user_data}


def _listed(folder: dict[str, Any]) -> str:
    return "\n".join(
        f"{name}/" if isinstance(value, dict) and "=" not in name else name for name, value in folder.items()
    )
