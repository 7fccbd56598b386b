"""Image: a container image is on the machine, so that to start a container of it takes no network."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.change import Change
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Host
from dify_aws.host.retrying import retry_on_host
from dify_aws.runtimes.compose.docker_error import docker_failed, trouble

PULL_SECONDS: Final = 1800
TRIES: Final = 4
PAUSE_SECONDS: Final = 15
"""Between two tries. The engine itself tries again what is lost in the middle, but not the first question."""


@dataclass(frozen=True)
class Images(Fact[frozenset[str]]):
    """Which images are there, as name:tag and as name@digest? 30 ms; nothing is said where there is no engine yet."""

    @property
    def name(self) -> str:
        return "images"

    @property
    def script(self) -> str:
        return (
            "docker image ls --digests --format '{{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}' 2>/dev/null\n"
            "exit 0"
        )

    def read(self, answer: Answer) -> frozenset[str]:
        return frozenset(answer.text.split())


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image. It is only pulled, and nothing that runs is touched; one that is there is not looked for again.

    Args:
        reference: name:tag or name@digest, with the registry if that is not Docker Hub.
        configuration: the folder where Docker finds the login to the registry; None: root's own.
        needs: the steps before it; None is all that stand before it in the list.
    """

    reference: str
    configuration: str | None = None
    needs: Sequence[str] | None = None

    @property
    def name(self) -> str:
        return f"image {tagged(self.reference)}"

    def facts(self) -> Sequence[Fact[Any]]:
        return (Images(),)

    def check(self, facts: Facts) -> Sequence[Change]:
        """That it is there."""
        return () if listed(self.reference) in facts[Images()] else (Change("image", None, self.reference),)

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Pull it, with patience for a registry that does not answer for a moment."""
        login = f"--config {shlex.quote(self.configuration)} " if self.configuration else ""
        pull = f"docker {login}pull --quiet {shlex.quote(self.reference)}"
        result = retry_on_host(
            host,
            lambda: host.run(pull, timeout=PULL_SECONDS, again=True),
            is_temporary=lambda result: not result.ok and trouble(result).passes,
            tries=TRIES,
            pause_seconds=PAUSE_SECONDS,
        )
        if not result.ok:
            raise docker_failed(host.where, result, what=self.reference)


def tagged(reference: str) -> str:
    """A reference without its digest, if it has a tag besides."""
    name = reference.partition("@")[0]
    return name if ":" in name.rpartition("/")[2] else reference


def listed(reference: str) -> str:
    """A reference as the engine lists it: Docker Hub goes without its name, and a digest without a tag."""
    for prefix in ("docker.io/", "index.docker.io/", "library/"):
        reference = reference.removeprefix(prefix)
    name, at, digest = reference.partition("@")
    if not at:
        return name
    before, colon, tag = name.rpartition(":")
    return f"{before if colon and '/' not in tag else name}@{digest}"
