#!/usr/bin/python3
"""Stands for the CloudWatch agent: reads its configuration, hears StatsD, and tells nobody but who reads its files.

In ``var/heard`` there is a line for each metric that came, in ``var/configuration`` what it runs with, and in its log
whether it does.
"""

import json
import os
import pwd
import socket
import sys
from pathlib import Path
from typing import Any

HOME = Path("/opt/aws/amazon-cloudwatch-agent")
CONFIGURATION = HOME / "etc/amazon-cloudwatch-agent.json"
FETCHED = HOME / "etc/amazon-cloudwatch-agent.d"
USER, STATSD = "cwagent", "127.0.0.1:8125"


def main() -> None:
    """Listen until the end; without a configuration there is nothing to do."""
    log = (HOME / "logs/amazon-cloudwatch-agent.log").open("a", buffering=1)
    found = [path for path in (CONFIGURATION, *sorted(FETCHED.glob("*"))) if path.is_file()]
    if not found:
        log.write("E! no configuration\n")
        sys.exit(1)
    result: dict[str, Any] = {}
    try:
        for path in found:
            result |= json.loads(path.read_text())
    except ValueError as error:
        log.write(f"E! {error}\n")
        sys.exit(1)
    (HOME / "var/configuration").write_text(json.dumps(result, indent=1))
    received = (HOME / "var/heard").open("a", buffering=1)
    user = pwd.getpwnam(result.get("agent", {}).get("run_as_user", USER))
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)
    collected = result.get("metrics", {}).get("metrics_collected", {})
    host, _, port = collected.get("statsd", {}).get("service_address", STATSD).rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind((host, int(port)))
        log.write("I! everything is ready\n")
        while True:
            received.write(listening.recv(65536).decode().strip() + "\n")


if __name__ == "__main__":
    main()
