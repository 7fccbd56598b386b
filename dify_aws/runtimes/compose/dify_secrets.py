"""DifySecrets: every secret of one Dify, each once. Where Dify wants a value in two places, both get this one."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from hashlib import sha256
from types import MappingProxyType
from typing import Final, Self

from dify_aws.secrets import Secret

NONE: Final = Secret("")
"""Stands where a secret is still to be made."""


def _token() -> str:
    """43 letters, digits, - and _: safe in URLs, YAML and shells, and base64url of just 32 bytes."""
    return secrets.token_urlsafe(32)


def _short() -> str:
    """24 characters: Dify takes an initial password of at most 30."""
    return secrets.token_urlsafe(18)


def _password() -> str:
    """What Dify takes for a password: at least 8 characters, with a letter and a digit among them."""
    return f"{secrets.token_urlsafe(18)}-a1"


def new_password() -> Secret:
    """A new password for an account of Dify."""
    return Secret(_password())


OPTIONAL: Final = frozenset({"pending_admin_email", "pending_admin_password", "password_pepper"})
"""Those that need not be there, and are never made."""

MAKERS: Final[Mapping[str, Callable[[], str]]] = {"init_password": _short, "admin_password": _password}
"""How those are made that are no plain token."""


@dataclass(frozen=True, kw_only=True)
class DifySecrets:
    """The secrets of one Dify, as they are kept in one JSON document in AWS Secrets Manager.

    They are made once and read ever after: PostgreSQL knows ``db_password`` from its first start, and what Dify has
    encrypted with ``secret_key`` nobody reads without it. An empty secret is one that is still to be made.

    Args:
        secret_key: signs sessions and file links, and encrypts what OAuth gave.
        db_password: PostgreSQL's, for Dify; also that which PostgreSQL's superuser was made with.
        plugin_db_password: PostgreSQL's, for the plugin daemon.
        redis_password: Redis's, also inside the URLs of Celery's broker and of the agents' queue.
        sandbox_api_key: for running code, between Dify and the sandbox.
        plugin_daemon_key: what Dify shows to the plugin daemon.
        plugin_inner_api_key: what the plugin daemon shows to Dify.
        weaviate_api_key: between Dify and Weaviate.
        qdrant_api_key: between Dify and Qdrant.
        agent_api_token: between Dify and the agents' backend.
        agent_server_secret_key: the backend's own; base64url of 32 bytes, or it refuses to start.
        agent_sandbox_token: between the agents' backend and their sandbox.
        init_password: opens /install, as long as nobody is admin; at most 30 characters.
        admin_password: of the first admin, if it is made by us.
        password_pepper: what Dify mixes into every password before it hashes it, if it was ever given. Dify 1.18 and
            later know it. One that is there never changes; none is made, since the passwords of a Dify that has none
            were hashed without.
        pending_admin_email: whose password is being set anew.
        pending_admin_password: the new password, until Dify has it.
    """

    secret_key: Secret = NONE
    db_password: Secret = NONE
    plugin_db_password: Secret = NONE
    redis_password: Secret = NONE
    sandbox_api_key: Secret = NONE
    plugin_daemon_key: Secret = NONE
    plugin_inner_api_key: Secret = NONE
    weaviate_api_key: Secret = NONE
    qdrant_api_key: Secret = NONE
    agent_api_token: Secret = NONE
    agent_server_secret_key: Secret = NONE
    agent_sandbox_token: Secret = NONE
    init_password: Secret = NONE
    admin_password: Secret = NONE
    password_pepper: Secret = NONE
    pending_admin_email: Secret = NONE
    pending_admin_password: Secret = NONE
    others: Mapping[str, Secret] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    """What a newer dify_aws has made, and this one does not know: kept, or going back would lose it for ever."""

    @classmethod
    def generate(cls) -> Self:
        """New secrets. For a Dify that has none: over existing data they would lock Dify out of it."""
        return cls().completed()

    @classmethod
    def placeholders(cls) -> Self:
        """The name of each in its place: for renderings that are compared and never installed."""
        return cls.from_json(json.dumps({name: name for name in cls().missing}))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The secrets that ``to_json`` wrote; what it did not have yet is empty.

        Raises:
            ValueError: if this is no such document; it says where it is none, and never quotes the document.
        """
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise ValueError(f"it is not JSON ({error.msg}: {where})") from None
        except (ValueError, RecursionError):
            raise ValueError("it is not JSON") from None
        if not isinstance(found, dict):
            raise ValueError(f"it is JSON, but no object: {type(found).__name__}")
        if others := [name for name, value in found.items() if not isinstance(value, str)]:
            # A name that is not ours may be a secret that somebody has put in the wrong place.
            ours = sorted(set(others) & set(cls._names()))
            raise ValueError(f"{', '.join(ours) or 'an entry that dify_aws does not know'}: not a text")
        kept = {name: Secret(value) for name, value in found.items()}
        known = {name: kept.pop(name) for name in cls._names() if name in kept}
        return cls(**known, others=MappingProxyType(kept))

    def to_json(self) -> str:
        """All secrets in the clear, as one JSON document: for Secrets Manager and nothing else."""
        every = {**self.others, **self._known()}
        every = {name: value for name, value in every.items() if name not in OPTIONAL or value != NONE}
        return json.dumps({name: value.reveal() for name, value in every.items()}, indent=2)

    def completed(self) -> Self:
        """The same secrets, and new ones where there is none yet. What is there never changes."""
        made = {name: Secret(MAKERS.get(name, _token)()) for name in self.missing}
        return type(self)(**{**self._known(), **made}, others=self.others)

    def with_pepper(self, pepper: Secret) -> Self:
        """The same secrets with the pepper that somebody has given.

        Raises:
            ValueError: another one is kept. With the new one, nobody could log in any more.
        """
        if self.password_pepper not in (NONE, pepper):
            raise ValueError("the passwords of this Dify were hashed with another PASSWORD_PEPPER")
        return type(self)(**{**self._known(), "password_pepper": pepper}, others=self.others)

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of those that are still to be made."""
        return tuple(name for name, value in self._known().items() if value == NONE and name not in OPTIONAL)

    @property
    def values(self) -> tuple[Secret, ...]:
        """All that must never be shown, for who masks logs and messages."""
        return tuple(value for value in {**self.others, **self._known()}.values() if value != NONE)

    @property
    def mark(self) -> str:
        """A word by which data is known that was made with these secrets; it does not lead back to them.

        Of the two that are built into the data. Each is 256 bits of chance: nobody finds them from their digest.
        """
        return sha256(f"dify_aws {self.db_password.reveal()} {self.secret_key.reveal()}".encode()).hexdigest()

    @classmethod
    def _names(cls) -> tuple[str, ...]:
        return tuple(one.name for one in fields(cls) if one.name != "others")

    def _known(self) -> dict[str, Secret]:
        return {name: getattr(self, name) for name in self._names()}
