"""Stands for Weaviate and Qdrant: they are ready, and tell more to who has the key."""

import os
import sys
from pathlib import Path

from tests.e2e.bed.stand_ins.container import begin
from tests.e2e.bed.stand_ins.service import Reply, Request, serve


def weaviate() -> None:
    """https://docs.weaviate.io/weaviate/api/rest"""
    begin("AUTHENTICATION_APIKEY_ALLOWED_KEYS", "PERSISTENCE_DATA_PATH")
    keys = os.environ["AUTHENTICATION_APIKEY_ALLOWED_KEYS"].split(",")
    (Path(os.environ["PERSISTENCE_DATA_PATH"]) / "raft").mkdir(exist_ok=True)

    def answer(request: Request) -> Reply:
        if request.route in ("GET /v1/.well-known/ready", "GET /v1/.well-known/live"):
            return Reply()
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in keys:
            return Reply({"code": 401, "message": "anonymous access not enabled"}, 401)
        return Reply({"classes": []}) if request.route == "GET /v1/schema" else Reply({}, 404)

    serve(8080, answer)


def qdrant() -> None:
    """https://api.qdrant.tech"""
    begin("QDRANT__SERVICE__API_KEY")
    (Path("/qdrant/storage") / "collections").mkdir(parents=True, exist_ok=True)

    def answer(request: Request) -> Reply:
        if request.route in ("GET /readyz", "GET /livez", "GET /healthz"):
            return Reply("all shards are ready")
        if request.headers.get("api-key") != os.environ["QDRANT__SERVICE__API_KEY"]:
            return Reply("Must provide an API key or an Authorization bearer token", 401)
        return Reply({"result": {"collections": []}} if request.route == "GET /collections" else {}, 200)

    serve(6333, answer)


if __name__ == "__main__":
    {"weaviate": weaviate, "qdrant": qdrant}[sys.argv[1]]()
