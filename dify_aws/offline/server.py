"""Server: the offline world as a process of its own: `python -m dify_aws.offline.server`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Served:
    """A running server: give `url` to boto3 as endpoint_url, or as AWS_ENDPOINT_URL to another process."""

    url: str
    pid: int


@contextmanager
def serve(*, latency_ms: float = 0.0, speed: float = float("inf")) -> Iterator[Served]:
    """Start a server process, and end it when the block ends.

    `latency_ms` is added to each answer. Its clock runs `speed` times faster than real time; by default everything that
    takes time on AWS is over at once. Raises RuntimeError when it does not come up; why is on the standard error.
    """
    command = [sys.executable, "-m", "dify_aws.offline.server", "--latency-ms", str(latency_ms), "--speed", str(speed)]
    # The child finds what this process finds, also when it runs from a source tree.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError(f"The offline server ended with {process.wait()} before it listened.")
            yield Served(url, process.pid)
        finally:
            process.terminate()


def main(arguments: Sequence[str] | None = None) -> None:
    """Listen until the process is ended; the address is the only line on the standard output."""
    parser = argparse.ArgumentParser(prog="python -m dify_aws.offline.server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 (the default) is any port that is free")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="added to each answer")
    parser.add_argument(
        "--speed", type=float, default=1.0, help="of the clock, in times real time; 0 or inf: nothing takes time"
    )
    options = parser.parse_args(arguments)
    # moto takes more than a second to import, and `serve` does not need it.
    from dify_aws.offline.gateway import Gateway, listen

    server = listen(Gateway(latency_ms=options.latency_ms, speed=options.speed or float("inf")), options.port)
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
