"""DockerError: what Docker and Compose say when they cannot, told so that a person knows what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from dify_aws.host.errors import CommandFailed
from dify_aws.host.host import Result


@dataclass(frozen=True)
class Trouble:
    """One kind of trouble: how it is known, what is wrong, what to do, and whether it may pass by itself."""

    pattern: str
    wrong: str
    advice: str
    passes: bool = False


DISK_FULL: Final = Trouble(
    r"no space left on device|disk quota exceeded",
    "the disk is full",
    "Free some space below /data (`docker system df` shows what images take, `docker image prune` removes those that "
    "nobody uses), or set data_volume_gib higher; then run again.",
)

TROUBLES: Final = (
    DISK_FULL,
    Trouble(
        r"Cannot connect to the Docker daemon|Is the docker daemon running",
        "the Docker engine does not answer",
        "See `systemctl status docker` and `journalctl -u docker` on the host.",
    ),
    Trouble(
        r"start_interval",
        "the Docker engine is older than 25",
        'Upgrade its packages (docker-ce, or docker.io with docker_source="distribution") on the host; then run again.',
    ),
    Trouble(
        r"no matching manifest for",
        "the image is not there for the processor of this machine",
        "Choose an instance_type of the other architecture, x86-64 or arm64, or another image (the setting images).",
    ),
    Trouble(
        r"toomanyrequests|pull rate limit|429 Too Many Requests",
        "the registry has had enough requests from this address for now",
        "Docker Hub counts anonymous pulls by the hour. Run again later, or take the images from a mirror of your own "
        "(the setting images).",
    ),
    Trouble(
        r"pull access denied|repository does not exist|authentication required|unauthorized|denied: "
        r"|no basic auth credentials",
        "there is no such image, or it is a private one",
        "Look for a typing mistake in the settings images and image_registry. For a private registry, put a login into "
        "AWS Secrets Manager and name it in registry_secret; if there is one, look whether it still counts.",
    ),
    Trouble(
        r"manifest unknown|manifest for .{0,500} not found|: not found",
        "there is no such image",
        "Look for a typing mistake in the version: in the setting images, or in dify_version.",
    ),
    Trouble(
        r"No such image",
        "the image is not on the machine",
        "Somebody has removed it since it was pulled. Run again.",
    ),
    Trouble(
        r"port is already allocated|address already in use",
        "somebody else listens on a port that nginx needs",
        "Stop that program, and keep it from starting again; then run again.",
    ),
    Trouble(
        r"dependency failed to start",
        "a container that others depend on does not stay up",
        "Run again: that one then comes first, and its log is told.",
    ),
    Trouble(
        r"non-overlapping IPv4 address pool|Pool overlaps with other one",
        "there is no address left for the networks of the containers",
        "Remove the networks that nobody uses: `docker network prune` on the host.",
    ),
    Trouble(
        r"is already in use by container|removal of container .{0,200} is already in progress",
        "another run is at work on the same containers",
        "Wait until it is done, and run again.",
        passes=True,
    ),
    Trouble(
        r"dial tcp|i/o timeout|timeout exceeded|TLS handshake|connection re(set|fused)|unexpected EOF|no such host"
        r"|received unexpected HTTP status: 5\d\d|50[0234] |Service Unavailable|Bad Gateway|server misbehaving",
        "the registry does not answer",
        "Run again in a while. If it stays so, look whether the machine reaches the internet (route table, NAT "
        "gateway, security group) and whether the registry has an outage.",
        passes=True,
    ),
)
"""What is known, the more special before the more general."""

UNKNOWN: Final = Trouble("", "", "Run again; what it says above may tell what to mend before.")


def trouble(result: Result) -> Trouble:
    """What is behind the end of a command of Docker."""
    output = f"{result.stdout}\n{result.stderr}"
    return next((known for known in TROUBLES if re.search(known.pattern, output, re.IGNORECASE)), UNKNOWN)


def docker_failed(where: str, result: Result, *, what: str = "", more: str = "") -> CommandFailed:
    """The error for a command of Docker that ended badly.

    Args:
        what: about what, to begin the message with.
        more: what else is known, to go before the advice.
    """
    known = trouble(result)
    wrong = f"{what}: {known.wrong or result.ending}" if what else known.wrong
    return CommandFailed(where, result, wrong=wrong, advice="\n".join(filter(None, (more, known.advice))))
