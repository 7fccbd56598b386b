"""Registry: the login to a registry of one's own, in the one file in which Docker reads it on the machine."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dify_aws.host.step import Step
from dify_aws.host.steps.directory import Directory
from dify_aws.host.steps.file import File
from dify_aws.secrets import Secret

FOLDER: Final = "/opt/dify/registry"
"""Given to Docker as its folder of configuration. Root's own logins, in its home, are left alone."""


@dataclass(frozen=True, kw_only=True)
class RegistryLogin:
    """A user of a registry.

    Args:
        registry: its host, with a port if it has one.
        username: of the user.
        password: or a token.
    """

    registry: str
    username: str
    password: Secret

    @property
    def values(self) -> tuple[Secret, ...]:
        """All that must never be shown: the password, also in the form in which Docker keeps it."""
        return self.password, Secret(self._encoded)

    @property
    def _encoded(self) -> str:
        return b64encode(f"{self.username}:{self.password.reveal()}".encode()).decode()

    def steps(self, *needs: str) -> Iterator[Step]:
        """Docker's configuration with this login in it, readable by root alone. No command is given the password."""
        yield Directory(path=FOLDER, mode=0o700, needs=needs)
        text = json.dumps({"auths": {self.registry: {"auth": self._encoded}}}, indent=2) + "\n"
        yield File(path=f"{FOLDER}/config.json", data=text, mode=0o600, secret=True, needs=(f"directory {FOLDER}",))
