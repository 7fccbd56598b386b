"""Paths: where the files of Dify are on its host."""

from __future__ import annotations

from typing import Final

HOME: Final = "/opt/dify"
"""Where the bundle lives; its paths are below it unless they are absolute."""

DATA: Final = "/data/dify"
"""Where the containers keep what they write, on the data volume."""

AGENT: Final = "/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json"
DAEMON: Final = "/etc/docker/daemon.json"
UNITS: Final = "/etc/systemd/system"
