"""Container: what every stand-in does as the first process of one."""

import os
import signal
import sys
from datetime import UTC, datetime
from types import FrameType

# What everybody can read in Dify's own files. A real Dify would start with it; this one tells who is to blame.
PUBLISHED = frozenset(
    {
        "difyai123456",
        "dify-sandbox",
        "lYkiYYT6owG+71oLerGzA7GXCgOT++6ovaezWAjpCjf+Sjc3ZtU+qUEi",
        "QaHbTe77CtuXmsfyhR7+vRjI/+XbV1AaFy691iy+kGDv2Jvy0/eAh8Y1",
        "WVF5YThaHlkYwhGUSmCRgsX3tD5ngdN8pkih",
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY",
        "dify-agent-run-token-for-dev-only",
        "sk-9f73s3ljTXVcMT3Blb3ljTqtsKiGHXVcMT3BlbkFJLK7U",
    }
)


def begin(*needed: str) -> None:
    """Take SIGTERM for what it means, which the kernel keeps from a first process, and look at the environment.

    Args:
        needed: the variables that must have a value.

    Raises:
        SystemExit: a value is missing, or is one that is published. The container then starts again and again.
    """
    signal.signal(signal.SIGTERM, _end)
    for name in needed:
        if not os.environ.get(name):
            refuse(f"{name} is not set")
    for name, value in os.environ.items():
        if value in PUBLISHED:
            refuse(f"{name} has its published default")


def say(text: str) -> None:
    """A line for who reads the log of the container, and for the file in $LOG_FILE where there is one."""
    line = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}\n"
    sys.stdout.write(line)
    sys.stdout.flush()
    if path := os.environ.get("LOG_FILE"):
        with open(path, "a") as file:
            file.write(line)


def refuse(why: str) -> None:
    """End, with the reason in the log."""
    raise SystemExit(f"{os.environ['IMAGE']}: {why}")


def _end(_: int, __: FrameType | None) -> None:
    raise SystemExit(0)
