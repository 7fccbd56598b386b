"""Trusted roots: who vouches for a server that is spoken to over TLS without boto3.

Behind a proxy that opens encrypted traffic, that is the company's own certificate authority. boto3 is told of it by
AWS_CA_BUNDLE (or ``ca_bundle`` in a profile), and all other connections follow it.
https://docs.aws.amazon.com/sdkref/latest/guide/feature-gen-config.html
"""

from __future__ import annotations

import os
import ssl
from typing import Final

from dify_aws.errors import Problem, SettingsError

ADVICE: Final = (
    "If a proxy of your company opens encrypted traffic, put its certificate authority into a file, name the file in "
    "AWS_CA_BUNDLE, and run again."
)
"""What to do when a certificate could not be verified."""


def tls_context(ca_bundle: str | None) -> ssl.SSLContext:
    """A context that verifies servers.

    Args:
        ca_bundle: a file or folder with certificates in PEM that count instead of the system's; None for the system's.

    Raises:
        SettingsError: it cannot be read, or holds no certificate.
    """
    if not ca_bundle:
        return ssl.create_default_context()
    try:
        if os.path.isdir(ca_bundle):
            return ssl.create_default_context(capath=ca_bundle)
        return ssl.create_default_context(cafile=ca_bundle)
    except OSError as error:
        reason = error.strerror or str(error)
        wrong = f"is no file with certificates: {reason}"
        raise SettingsError([Problem("AWS_CA_BUNDLE", ca_bundle, wrong, "Name a file in PEM, or unset it")]) from error
