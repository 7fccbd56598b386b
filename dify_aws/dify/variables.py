"""Variables of Dify: the names in its .env, their defaults, and the services that read each."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, kw_only=True)
class Reader:
    """A service that reads a variable.

    Attributes:
        service: name of the service.
        name: name of the variable inside the container; empty if it is the same.
    """

    service: str
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One variable of a release.

    Attributes:
        name: its name in Dify's .env.
        default: what Dify uses if it is not set; always empty for a secret, because the published one is no secret.
        readers: the services that read it.
        secret: whether its value must not be shown.
        required: whether it must not be empty.
        same_as: another variable that must have the same value; empty if there is none.
        renamed_from: its name in the release before; empty if it had the same one.
        undocumented: whether Dify reads it though none of its example files names it.
    """

    name: str
    default: str = ""
    readers: tuple[Reader, ...] = ()
    secret: bool = False
    required: bool = False
    same_as: str = ""
    renamed_from: str = ""
    undocumented: bool = False


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Variables of Dify's own Compose file that have no effect here.

    Attributes:
        names: names or patterns (``NGINX_*``).
        reason: why they are refused.
    """

    names: tuple[str, ...]
    reason: str

    def covers(self, name: str) -> bool:
        """Whether a variable of this name is refused."""
        return any(fnmatchcase(name, pattern) for pattern in self.names)
