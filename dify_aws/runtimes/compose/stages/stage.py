"""Stage: a part of the installation, such as Docker or the database, as steps; and what its steps depend on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from dify_aws.host.packages.publishers import Publishers
from dify_aws.host.step import Step
from dify_aws.outputs import Outputs
from dify_aws.runtimes.compose.bundle import Bundle
from dify_aws.runtimes.compose.dify_secrets import DifySecrets
from dify_aws.runtimes.compose.registry import RegistryLogin
from dify_aws.settings import Settings

PREFIX: Final = "dify/"
"""Before the names of the stages in plans, events and messages."""


@dataclass(frozen=True, kw_only=True)
class StageInputs:
    """All that the steps of a stage are made of.

    Attributes:
        settings: what is desired.
        outputs: what there is in AWS of that which the stage needs; to read anything else is an error.
        secrets: of Dify; empty as long as they are not known.
        publishers: whose packages are trusted.
        login: to the registry that the images come from.
        digests: of images, by their reference, as far as they are known.
        https: whether there is a certificate.
    """

    settings: Settings
    outputs: Outputs
    secrets: DifySecrets
    publishers: Publishers
    login: RegistryLogin | None = None
    digests: Mapping[str, str] = field(default_factory=dict)
    https: bool = False

    @cached_property
    def bundle(self) -> Bundle:
        """The files of Dify. Reads nearly all outputs, and the secrets."""
        return Bundle.render(self.settings, self.outputs, self.secrets, https=self.https, digests=self.digests)


@dataclass(frozen=True, eq=False)
class Stage:
    """A part of the installation.

    Attributes:
        name: as it is told: "docker".
        steps: makes the steps, in an order in which they can be done.
        needs: the stages that must be done before it.
    """

    name: str
    steps: Callable[[StageInputs], Iterable[Step]] = field(repr=False)
    needs: tuple[Stage, ...] = field(default=(), repr=False)

    @property
    def address(self) -> str:
        """How it is named in plans, events and messages: "dify/docker"."""
        return f"{PREFIX}{self.name}"
