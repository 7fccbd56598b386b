"""Images of the model machine: which exist, their tags, and pulling."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from dify_aws.host.fact import Answer, Fact
from dify_aws.offline.machine.ended import Ended, failed
from dify_aws.offline.machine.engine import first_digest, runs
from dify_aws.offline.machine.files import Options
from dify_aws.runtimes.compose.steps.image import Images, listed
from dify_aws.runtimes.compose.steps.image_digests import LocalDigests

if TYPE_CHECKING:
    from dify_aws.offline.machine.machine import Machine


def _images(machine: Machine, fact: Images) -> Answer:
    if not runs(machine):
        return Answer()
    lines = [
        f"{name.partition('@')[0]}:<none> {name}" if "@" in name else f"{name} {_by_digest(name, machine)}"
        for name in sorted(machine.engine.images)
    ]
    return Answer("\n".join(lines).encode())


def _by_digest(tag: str, machine: Machine) -> str:
    """How the engine lists what a tag means: one that was loaded from a file has no digest."""
    return f"{tag.rpartition(':')[0]}@{machine.engine.digests.get(tag, '<none>')}"


def _local_digests(machine: Machine, fact: LocalDigests) -> Answer:
    if not runs(machine):
        return Answer()
    tags = sorted(name for name in machine.engine.images if "@" not in name)
    return Answer("\n".join(f"{tag} {machine.engine.digests.get(tag, '<none>')}" for tag in tags).encode())


def pull(machine: Machine, arguments: Sequence[str], folder: str) -> Ended:
    """docker pull: by a tag, or by a digest that the registry has. ``folder`` has Docker's configuration."""
    options = Options("docker pull")
    options.add_argument("--quiet", action="store_true", required=True)
    options.add_argument("image")
    image, engine = options.parse_args(arguments).image, machine.engine
    if engine.refusals:
        engine.refusals -= 1
        message = 'Get "https://registry-1.docker.io/v2/": dial tcp 192.0.2.9:443: connect: connection refused'
        return failed(f"Error response from daemon: {message}")
    registry = image.partition("/")[0]
    if registry in engine.logins and _login(machine, folder, registry) != engine.logins[registry]:
        return failed(f"Error response from daemon: Head {registry}/v2/: no basic auth credentials")
    if image in engine.absent:
        return failed(f"Error response from daemon: manifest for {image} not found: manifest unknown: manifest unknown")
    if engine.full:
        return failed("failed to register layer: write /usr/lib/libc.so: no space left on device")
    tag, _, digest = image.partition("@")
    meant = engine.published.get(listed(tag), first_digest(listed(tag)))
    if digest and digest not in (meant, first_digest(listed(tag))):
        return failed(f"Error response from daemon: manifest for {image} not found: manifest unknown: manifest unknown")
    if not digest:
        engine.images.add(listed(tag))
        engine.digests[listed(tag)] = meant
    engine.images.add(listed(f"{tag}@{digest or meant}"))
    return Ended(out=f"docker.io/{image}\n".encode())


def _login(machine: Machine, folder: str, registry: str) -> str:
    """What the configuration in a folder has for a registry, as "user:password"."""
    known = json.loads(machine.files.text(f"{folder}/config.json") or "{}").get("auths", {})
    return b64decode(known.get(registry, {}).get("auth", "")).decode()


ANSWERS: Final[Mapping[type[Fact[Any]], Callable[[Machine, Any], Answer]]] = {
    Images: _images,
    LocalDigests: _local_digests,
}
