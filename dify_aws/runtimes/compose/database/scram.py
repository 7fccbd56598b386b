"""Scram: the verifier by which PostgreSQL knows a password, made here so that the password is in no statement."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import b64decode, b64encode
from typing import Final

from dify_aws.secrets import Secret

ITERATIONS: Final = 4096
VERIFIER: Final = re.compile(r"SCRAM-SHA-256\$(\d{4,7}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)")


def verifier(password: Secret, *, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """What PostgreSQL stores for a password, which ``ALTER ROLE … PASSWORD`` takes in its place.

    https://www.postgresql.org/docs/15/catalog-pg-authid.html and RFC 5803.

    Args:
        password: of ASCII, as ours are: others would have to be prepared first (RFC 4013).
        salt: 16 random bytes by default.
        iterations: of PBKDF2; PostgreSQL's own number by default.

    Raises:
        ValueError: the password is not of ASCII.
    """
    clear = password.reveal()
    if not clear.isascii():
        raise ValueError("a password for PostgreSQL has to be of ASCII")
    salt = secrets.token_bytes(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", clear.encode(), salt, iterations)
    client = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    coded = (b64encode(part).decode() for part in (salt, client, server))
    return "SCRAM-SHA-256${}:{}${}:{}".format(iterations, *coded)


def verifies(stored: str, password: Secret) -> bool:
    """Whether this verifier is that of this password; False for one of another kind, too."""
    found = VERIFIER.fullmatch(stored)
    if not found:
        return False
    try:
        salt = b64decode(found[2], validate=True)
    except ValueError:
        return False
    return hmac.compare_digest(stored, verifier(password, salt=salt, iterations=int(found[1])))
