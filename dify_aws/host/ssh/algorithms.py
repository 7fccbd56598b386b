"""Algorithms: the ones of SSH that we accept, best first. Servers of today have them all, or all but the newest."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

CIPHERS: Final = ("aes256-gcm@openssh.com", "aes128-gcm@openssh.com", "aes256-ctr", "aes192-ctr", "aes128-ctr")

DIGESTS: Final = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
)

KEX: Final = (
    "mlkem768x25519-sha256",
    "curve25519-sha256@libssh.org",
    "ecdh-sha2-nistp256",
    "ecdh-sha2-nistp384",
    "ecdh-sha2-nistp521",
    "diffie-hellman-group16-sha512",
)

SIGNATURES: Final = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)

SHA1: Final = {"keys": ["ssh-rsa", "ssh-dss"], "pubkeys": ["ssh-rsa", "ssh-dss"]}
"""Broken, and still among what older versions of paramiko would use."""


def accepted(ours: Iterable[str], offered: Iterable[str]) -> tuple[str, ...]:
    """Ours, in our order, as far as this version of paramiko has them."""
    there = set(offered)
    return tuple(name for name in ours if name in there)


def signatures(kinds: Iterable[str]) -> tuple[str, ...]:
    """How a host may prove who it is: first with the kinds of key that are pinned, since it has one of each."""
    pinned = [name for kind in kinds for name in (SIGNATURES[-2:] if kind == "ssh-rsa" else (kind,))]
    return (*pinned, *(name for name in SIGNATURES if name not in pinned))
