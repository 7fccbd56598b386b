"""The installer: from a fresh machine to a Dify that answers. It never sees boto3: the cloud hands it ``Outputs``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dify_aws.install.bundle import Bundle
from dify_aws.install.bundle_file import BundleFile, DataDirectory
from dify_aws.install.converge import converge_host
from dify_aws.install.dify_secrets import DifySecrets
from dify_aws.install.errors import HostError, InstallFailed
from dify_aws.install.host import Host, Result
from dify_aws.install.hostkey import FirstUse
from dify_aws.install.report import Outcome, Report

if TYPE_CHECKING:
    from dify_aws.install.ssh import SshHost

__all__ = [
    "Bundle",
    "BundleFile",
    "DataDirectory",
    "DifySecrets",
    "FirstUse",
    "Host",
    "HostError",
    "InstallFailed",
    "Outcome",
    "Report",
    "Result",
    "SshHost",
    "converge_host",
]


def __getattr__(name: str) -> Any:
    # paramiko takes a third of a second to load, and most who import this speak to no host.
    if name == "SshHost":
        return import_module("dify_aws.install.ssh").SshHost
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
