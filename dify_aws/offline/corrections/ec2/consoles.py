"""Consoles: the console output of an instance during boot, with its SSH host keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from moto.core.responses import ActionResult

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import corrects

LOG: Final = """\
[    9.413877] cloud-init[1032]: Cloud-init finished its first stage.
-----BEGIN SSH HOST KEY KEYS-----
{key} root@ip-10-0-1-10
-----END SSH HOST KEY KEYS-----
ip-10-0-1-10 login:
"""


def host_key(cloud: Cloud, instance_id: str) -> str:
    """The public host key of an instance, generated at the first request."""
    with cloud.lock:
        keys = cloud.remember("host keys")
        if instance_id not in keys:
            public = Ed25519PrivateKey.generate().public_key()
            keys[instance_id] = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
        key: str = keys[instance_id]
        return key


@corrects(
    "moto.ec2.responses:EC2Response",
    "get_console_output",
    says="The console output contains the host keys that cloud-init generated; before the boot, it is empty.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html",
)
def console_has_the_host_keys(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    answer = original()
    instance = response.ec2_backend.get_instance(response._get_param("InstanceId"))
    log = "" if instance.state == "pending" else LOG.format(key=host_key(cloud, instance.id))
    text = cloud.remember("consoles").get(instance.id, log)
    output = type(answer.result["Output"]).from_raw_string(text)
    return ActionResult({**answer.result, "Output": output})


CORRECTIONS: Final = (console_has_the_host_keys,)
