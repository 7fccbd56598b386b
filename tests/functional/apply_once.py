"""A process of its own that applies or destroys, and kills itself at a call: argv is verb, moment, service, operation.

It is the process itself that sends the signal, because who watches it from outside is always too early or too late.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

import boto3

from dify_aws import Deployment, Settings


def kill_process() -> None:
    """At once, in all threads, without a last word."""
    os.kill(os.getpid(), signal.SIGKILL)


def kill_before(**_: object) -> None:
    """The request is signed, and AWS never hears of it."""
    kill_process()


def kill_after(response_dict: Mapping[str, Any] | None, **_: object) -> None:
    """AWS has done what was asked for, and nobody in this process has read so."""
    if response_dict and response_dict["status_code"] < 300:
        kill_process()


def main(verb: str, moment: str, service: str, operation: str) -> None:
    settings = Settings(environment="dev", alarm_email="a@your-company.com")
    session = boto3.Session(region_name=settings.region)
    if moment == "before":
        session.events.register_first(f"before-send.{service}.{operation}", kill_before)
    else:
        session.events.register_first(f"response-received.{service}.{operation}", kill_after)
    deployment = Deployment(settings, session=session)
    if verb == "apply":
        deployment.apply()
    else:
        deployment.destroy(delete_data=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
