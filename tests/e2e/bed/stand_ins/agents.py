"""Stands for dify-agent-backend and dify-agent-local-sandbox: they start if what they share is as it must be."""

import base64
import os
import sys

from tests.e2e.bed.stand_ins.container import begin, refuse
from tests.e2e.bed.stand_ins.service import Reply, Request, serve

BACKEND = """
    DIFY_AGENT_API_TOKEN DIFY_AGENT_SERVER_SECRET_KEY DIFY_AGENT_REDIS_URL DIFY_AGENT_PLUGIN_DAEMON_API_KEY
    DIFY_AGENT_LOCAL_SANDBOX_AUTH_TOKEN
""".split()


def backend() -> None:
    """Its key is the unpadded base64 of exactly 32 bytes, or it does not start."""
    begin(*BACKEND)
    key = os.environ["DIFY_AGENT_SERVER_SECRET_KEY"]
    try:
        length = len(base64.urlsafe_b64decode(f"{key}=")) if "=" not in key else 0
    except ValueError:
        length = 0
    if length != 32:
        refuse("DIFY_AGENT_SERVER_SECRET_KEY must decode to 32 bytes")
    serve(5050, _answer)


def local_sandbox() -> None:
    """Its token has another name than the backend's."""
    begin("SHELLCTL_AUTH_TOKEN", "HTTP_PROXY")
    serve(5004, _answer)


def _answer(request: Request) -> Reply:
    return Reply({"status": "ok"}) if request.route in ("GET /healthz", "GET /health") else Reply({}, 401)


if __name__ == "__main__":
    {"backend": backend, "local-sandbox": local_sandbox}[sys.argv[1]]()
