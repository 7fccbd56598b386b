"""A Linux host over SSH, and steps that bring it to a desired state. Knows neither AWS nor Dify."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from dify_aws.host.converge import converge_host
from dify_aws.host.errors import HostError, InstallFailed
from dify_aws.host.host import Host, Result
from dify_aws.host.report import Outcome, Report
from dify_aws.host.ssh.host_key import FirstUse

if TYPE_CHECKING:
    from dify_aws.host.ssh.ssh_host import SshHost

__all__ = [
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
        return import_module("dify_aws.host.ssh.ssh_host").SshHost
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
