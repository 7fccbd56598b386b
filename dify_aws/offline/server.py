"""Server: the offline world as a separate process: `python -m dify_aws.offline.server`."""

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
    """A running server.

    Args:
        url: for boto3 as `endpoint_url`, or for another process as AWS_ENDPOINT_URL.
        pid: its process id.
    """

    url: str
    pid: int


@contextmanager
def serve(*, latency_ms: float = 0.0, speed: float = float("inf")) -> Iterator[Served]:
    """Start a server process, and terminate it at the end of the block.

    Args:
        latency_ms: delay of each response, in milliseconds.
        speed: seconds of its clock per real second; with the default, operations take no time.

    Raises:
        RuntimeError: the server did not start; the reason is on its standard error.
    """
    command = [sys.executable, "-m", "dify_aws.offline.server", "--latency-ms", str(latency_ms), "--speed", str(speed)]
    # The child process imports the same modules, also from a source tree.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                raise RuntimeError(f"The offline server ended with {process.wait()} before it was listening.")
            yield Served(url, process.pid)
        finally:
            process.terminate()


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until the process is terminated. The URL is the only line on standard output.

    Args:
        arguments: of the command line; the default is `sys.argv`.
    """
    parser = argparse.ArgumentParser(prog="python -m dify_aws.offline.server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 (the default) is any free port")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="delay of each response")
    parser.add_argument(
        "--speed",
        type=float,
        default=1.0,
        help="seconds of the clock per real second; 0 or inf: operations take no time",
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
