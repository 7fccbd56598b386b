"""Stands for dify-sandbox: runs a few lines of Python for who has the key."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.e2e.bed.stand_ins.container import begin, refuse
from tests.e2e.bed.stand_ins.service import Reply, Request, serve

CONFIG = Path("/conf/config.yaml")


def _run(code: str, seconds: int) -> Reply:
    """Only what is said counts: code that fails is an answer like another."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=seconds
        )
        params = {"error": done.stderr, "stdout": done.stdout}
    except subprocess.TimeoutExpired:
        params = {"error": "error: timeout", "stdout": ""}
    return Reply({"code": 0, "message": "success", "data": params})


def main() -> None:
    """Without its configuration it does not start."""
    begin("API_KEY", "HTTP_PROXY", "HTTPS_PROXY")
    if not CONFIG.exists():
        refuse(f"panic: open {CONFIG}: no such file or directory")
    numbers = dict(re.findall(r"^ *(port|worker_timeout): *(\d+)$", CONFIG.read_text(), re.MULTILINE))

    def answer(request: Request) -> Reply:
        if request.route == "GET /health":
            return Reply({"status": "ok"})
        if request.headers.get("x-api-key") != os.environ["API_KEY"]:
            return Reply({"code": -401, "message": "Unauthorized", "data": None}, 401)
        if request.route != "POST /v1/sandbox/run":
            return Reply({"code": -404, "message": "not found", "data": None}, 404)
        if request.body.get("language") != "python3":
            return Reply({"code": -400, "message": "unsupported language", "data": None})
        return _run(str(request.body.get("code")), int(numbers["worker_timeout"]))

    serve(int(numbers["port"]), answer)


if __name__ == "__main__":
    main()
