"""HostKey: how a host proves that it is itself, and what to do when it has never been met."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

ACCEPTED: Final = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",  # the name of the key; it signs with rsa-sha2-512 or -256, never with SHA-1
)


@dataclass(frozen=True)
class HostKey:
    """A public key of a host."""

    kind: str
    blob: bytes

    @property
    def line(self) -> str:
        """As in known_hosts, without the name: "ssh-ed25519 AAAA…"."""
        return f"{self.kind} {base64.b64encode(self.blob).decode()}"

    @property
    def fingerprint(self) -> str:
        """As ``ssh-keygen -l`` and the EC2 console log show it: "ssh-ed25519 SHA256:…"."""
        digest = base64.b64encode(hashlib.sha256(self.blob).digest()).decode().rstrip("=")
        return f"{self.kind} SHA256:{digest}"


@dataclass(frozen=True)
class FirstUse:
    """The host has never been met: take the key that it shows, once, and keep it.

    Args:
        remember: is given the line to pin, before anything is sent to the host. If it raises, nothing ever is. It may
            return another line: what was pinned by somebody else in the meantime, which then counts.
    """

    remember: Callable[[str], str | None]


def host_keys(text: str) -> tuple[HostKey, ...]:
    """The keys in a text of lines such as "ssh-ed25519 AAAA… comment", as pinned, or as the console log has them.

    Keys of a kind that is not accepted are left out: older images make, and tell, a DSA key as well.

    Raises:
        ValueError: a line is no key, or there is none that is accepted.
    """
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    keys = tuple(key for key in map(_host_key, lines) if key.kind in ACCEPTED)
    if not keys:
        raise ValueError(f"no host key given: it is a line such as 'ssh-ed25519 AAAA…', of {', '.join(ACCEPTED)}")
    return keys


def _host_key(fields: list[str]) -> HostKey:
    try:
        kind, encoded = fields[:2]
        blob = base64.b64decode(encoded, validate=True)
    except (ValueError, binascii.Error):
        kind, blob = "", b""
    # The blob begins with its own kind, so a line that was cut or mixed up is told from a real one.
    if not kind or not blob.startswith(len(kind).to_bytes(4) + kind.encode()):
        raise ValueError(f"{' '.join(fields)[:60]!r} is no host key; one looks like 'ssh-ed25519 AAAA…'")
    return HostKey(kind, blob)
