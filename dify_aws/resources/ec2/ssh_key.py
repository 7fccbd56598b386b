"""The SSH key that opens the machine: made here, in memory, and never on a disk."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dify_aws.secrets import Secret


def new_ssh_key() -> tuple[Secret, str]:
    """A new ed25519 key: the private half in OpenSSH's form, and the public half as "ssh-ed25519 AAAA…"."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return Secret(private.decode()), public.decode()
