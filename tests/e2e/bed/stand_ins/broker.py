"""Broker: Redis, as Celery reaches it."""

import os
import subprocess
from urllib.parse import urlsplit


class BrokerFailed(Exception):
    """What redis-cli said."""


def broker(*words: str) -> list[str]:
    """What the Redis of $CELERY_BROKER_URL answers, a line each. The password is in no argument.

    Raises:
        BrokerFailed: not reached, not let in, or not understood.
    """
    url = urlsplit(os.environ["CELERY_BROKER_URL"])
    where = ["-h", str(url.hostname), "-p", str(url.port), "-n", url.path.strip("/")]
    environment = {**os.environ, "REDISCLI_AUTH": url.password or ""}
    done = subprocess.run(
        ["redis-cli", "-e", *where, *words], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode or "AUTH failed" in done.stderr:
        raise BrokerFailed((done.stderr or done.stdout).strip())
    return done.stdout.splitlines()
