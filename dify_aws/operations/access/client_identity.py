"""Owner: who runs this, for others who look at what it holds."""

from __future__ import annotations

import getpass
import os
import socket


def this_run() -> str:
    """User, machine and process, as in ``alice@laptop (process 4711)``."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError):  # a container may run as a user that has no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()} (process {os.getpid()})"
