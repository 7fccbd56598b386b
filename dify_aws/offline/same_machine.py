"""Same machine: only programs of this computer may use a server on loopback, not web pages in its browser.

A page on the internet can send requests to 127.0.0.1, and can resolve its own name to 127.0.0.1 (DNS rebinding). The
headers of the browser show both: Origin and Sec-Fetch-Site the first, Host the second.
https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from werkzeug.wrappers import Response

HERE: Final = re.compile(
    # The name of a bucket can precede localhost; browsers do not query DNS for these names.
    r"(([a-z0-9.-]+\.)?localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?",
    re.IGNORECASE,
)


def refusal(environ: Mapping[str, Any]) -> Response | None:
    """The refusal of a request, or None if it comes from a program of this computer.

    Args:
        environ: the WSGI environment of the request.
    """
    host = environ.get("HTTP_HOST", "")
    if not HERE.fullmatch(host):
        return _refused(f"the Host header has to name this machine, and names {host!r}")
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and not HERE.fullmatch(origin.partition("://")[2]):
        return _refused("a web page of another place may not speak to it")
    if environ.get("HTTP_SEC_FETCH_SITE", "none") not in ("none", "same-origin"):
        return _refused("a web page of another place may not speak to it")
    return None


def _refused(why: str) -> Response:
    return Response(f"This is the offline world of dify_aws: {why}.\n", status=403, mimetype="text/plain")
