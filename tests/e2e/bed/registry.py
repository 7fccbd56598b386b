"""Registry: the container registries of the bed's world, all of them, out of one store."""

import json
import re
from dataclasses import dataclass

from tests.e2e.bed.request import Answer, Request
from tests.e2e.bed.store import Store

VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}


@dataclass(frozen=True)
class Registry:
    """Pulls, without authentication. https://distribution.github.io/distribution/spec/api/"""

    store: Store

    def answer(self, request: Request) -> Answer:
        """404 with the registry's own error for an image that the store has not."""
        if request.path in ("/v2", "/v2/"):
            return Answer(200, "{}", "application/json", VERSION)
        requested = re.fullmatch(r"/v2/(.+)/(manifests|blobs)/([^/]+)", request.path)
        if not requested:
            return _error("UNSUPPORTED")
        name, kind, reference = requested.groups()
        if not reference.startswith("sha256:"):
            reference = self.store.tags().get(f"{request.host}/{name}:{reference}", "")
        blob = self.store.blob(reference)
        if not re.fullmatch(r"sha256:[0-9a-f]{64}", reference) or not blob.exists():
            return _error("MANIFEST_UNKNOWN" if kind == "manifests" else "BLOB_UNKNOWN")
        says = json.loads(blob.read_text())["mediaType"] if kind == "manifests" else "application/octet-stream"
        return Answer(200, blob, says, {**VERSION, "Docker-Content-Digest": reference})


def _error(code: str) -> Answer:
    params = {"errors": [{"code": code, "message": code.lower().replace("_", " ")}]}
    return Answer(404, json.dumps(params), "application/json", VERSION)
