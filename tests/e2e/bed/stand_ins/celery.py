"""Stands for Celery: a worker whose heart beats in Redis, and the command that asks who is alive."""

import argparse
import socket
import sys
import time

from tests.e2e.bed.stand_ins.broker import BrokerFailed, broker
from tests.e2e.bed.stand_ins.container import refuse, say

BEAT_SECONDS, ALIVE_SECONDS = 2, 6


def live(mode: str) -> None:
    """Beat until the end, or until Redis is gone."""
    say(f"celery {mode} is ready")
    while True:
        try:
            broker("SET", f"{mode}@{socket.gethostname()}", "alive", "EX", str(ALIVE_SECONDS))
        except BrokerFailed as error:
            refuse(str(error))
        time.sleep(BEAT_SECONDS)


def main() -> None:
    """``celery -A <module> inspect ping``, and nothing else."""
    parser = argparse.ArgumentParser("celery")
    parser.add_argument("-A", required=True)
    parser.add_argument("command", choices=["inspect"])
    parser.add_argument("question", choices=["ping"])
    parser.add_argument("--timeout", type=float)
    parser.parse_args()
    try:
        workers = [name.partition("@")[2] for name in broker("--scan", "--pattern", "worker@*")]
    except BrokerFailed as error:
        sys.exit(f"Error: {error}")
    if not workers:
        sys.exit("Error: No nodes replied within time constraint")
    for worker in workers:
        sys.stdout.write(f"->  celery@{worker}: OK\n        pong\n")
    sys.stdout.write(f"\n{len(workers)} node{'s' if len(workers) > 1 else ''} online.\n")


if __name__ == "__main__":
    main()
