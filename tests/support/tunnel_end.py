"""TunnelEnd: an EC2 Instance Connect Endpoint on loopback: it judges signatures as AWS does, and leads to one port."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Final, Self
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import boto3
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from dify_aws import Aws, Secret
from dify_aws.aws.signing import tunnel_url

NAME: Final = "eice-0123456789abcdef0.ec2-instance-connect-endpoint.ap-northeast-1.amazonaws.com"
ADDRESS: Final = "10.0.1.5"
KEY: Final = "the-secret-half-of-an-access-key"
TOKEN: Final = "a/session+token/of==nobody"
REQUEST_ID: Final = "0f0f0f0f-1111-2222-3333-444444444444"
BAD_SIGNATURE: Final = "The request signature we calculated does not match the signature you provided."
PIECE: Final = 65_536


def signed_by(key: str, url: str, host: str = NAME) -> str:
    """The signature that the URL of a websocket ought to have, by the book.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
    """
    parts = urlsplit(url)
    query = {name: value for name, value in parse_qsl(parts.query) if name != "X-Amz-Signature"}
    date, region, service, last = query["X-Amz-Credential"].split("/")[1:]
    canonical = "\n".join(
        ["GET", parts.path, canonical_query(query), f"host:{host}", "", "host", hashlib.sha256(b"").hexdigest()]
    )
    hashed = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(["AWS4-HMAC-SHA256", query["X-Amz-Date"], f"{date}/{region}/{service}/{last}", hashed])
    signing = f"AWS4{key}".encode()
    for step in (date, region, service, last):
        signing = hmac.digest(signing, step.encode(), "sha256")
    return hmac.digest(signing, text.encode(), "sha256").hex()


def canonical_query(query: Mapping[str, str]) -> str:
    return urlencode(sorted(query.items()), safe="-_.~", quote_via=quote)


class TunnelEnd:
    """Leads to ``port``. ``asked`` has what each tunnel was asked for, ``answers`` what to say instead of opening one.

    ``meetings`` are what to do with an opened one instead of leading it anywhere.
    """

    def __init__(self, port: int, *, key: str = KEY) -> None:
        self.port = port
        self.key = key
        self.requested: list[dict[str, str]] = []
        self.answers: deque[tuple[int, str]] = deque()
        self.meetings: deque[Callable[[ServerConnection], object]] = deque()
        session = boto3.Session("AKIDEXAMPLE", KEY, TOKEN, region_name="ap-northeast-1")
        self._aws = Aws(session, deployment="lab")
        self._server = serve(self._meet, "127.0.0.1", 0, process_request=self._judge, compression=None, close_timeout=1)
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._open: list[ServerConnection] = []
        self.urls: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.drop()
        self._server.shutdown()
        self._thread.join()

    def url(self) -> Secret:
        """As dify_aws signs it, but leading here."""
        signed = tunnel_url(self._aws, endpoint_id=NAME.partition(".")[0], dns_name=NAME, address=ADDRESS).reveal()
        here = "127.0.0.1:" + str(self._server.socket.getsockname()[1])
        self.urls.append(signed.replace(f"wss://{NAME}", f"ws://{here}"))
        return Secret(self.urls[-1])

    def drop(self) -> None:
        """Cut every tunnel, with no word of goodbye."""
        for websocket in self._open:
            with suppress(OSError):
                websocket.socket.shutdown(socket.SHUT_RDWR)

    def secrets(self) -> set[str]:
        """What nobody may ever see: of every URL that was made, plain and as it stands in a URL."""
        parts = [dict(parse_qsl(urlsplit(url).query)) for url in self.urls]
        values = {each[name] for each in parts for name in ("X-Amz-Signature", "X-Amz-Security-Token")}
        return values | {quote(value, safe="") for value in values}

    def _judge(self, websocket: ServerConnection, request: Request) -> Response | None:
        query = dict(parse_qsl(urlsplit(request.path).query))
        self.requested.append(query)
        if self.answers:
            status, body = self.answers.popleft()
            return refusal(status, body)
        if query["X-Amz-Signature"] != signed_by(self.key, request.path):
            # AWS repeats all that was signed, to those who write clients.
            text = f"{BAD_SIGNATURE}\n\nThe Canonical String was\n'GET\n/openTunnel\n{canonical_query(query)}'"
            return refusal(403, error("SignatureDoesNotMatch", text))
        return None

    def _meet(self, websocket: ServerConnection) -> None:
        self._open.append(websocket)
        with suppress(ConnectionClosed):
            if self.meetings:
                self.meetings.popleft()(websocket)
            else:
                self._lead(websocket)

    def _lead(self, websocket: ServerConnection) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as host:
            back = threading.Thread(target=_back, args=(host, websocket))
            back.start()
            try:
                while True:
                    host.sendall(websocket.recv(decode=False))
            except (OSError, ConnectionClosed):
                with suppress(OSError):
                    host.shutdown(socket.SHUT_RDWR)
            back.join()


def _back(host: socket.socket, websocket: ServerConnection) -> None:
    with suppress(OSError, ConnectionClosed):
        while piece := host.recv(PIECE):
            websocket.send(piece)
    websocket.close()


def error(code: str, message: str) -> str:
    """The body of a refusal, as AWS writes it."""
    return json.dumps({"ErrorCode": code, "Message": message})


def refusal(status: int, body: str) -> Response:
    headers = Headers({"x-amzn-RequestId": REQUEST_ID, "Content-Length": str(len(body.encode()))})
    return Response(status, "No", headers, body.encode())
