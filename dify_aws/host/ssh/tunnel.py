"""Tunnel: SSH through an EC2 Instance Connect Endpoint, which is a websocket, as a socket that paramiko can use."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote, urlsplit

from dify_aws import trusted_roots
from dify_aws.foreign_json import parse_json
from dify_aws.host.errors import HostError
from dify_aws.host.mask import Mask
from dify_aws.host.ssh.tcp import UNANSWERED_SECONDS
from dify_aws.secrets import Secret

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection
    from websockets.http11 import Response

PIECE: Final = 32_768
"""Bytes in one message. AWS's own client keeps below 65,000."""

GOODBYE_SECONDS: Final = 5.0
SHOWN_CHARACTERS: Final = 500
FINAL: Final = frozenset({400, 401, 403})
"""The statuses of HTTP that waiting does not change."""

SIGNED: Final = ("X-Amz-Signature", "X-Amz-Security-Token")

PERMISSION: Final = (
    "Allow ec2-instance-connect:OpenTunnel on the endpoint to whoever runs this (docs/permissions.md), check which "
    "credentials are used (aws sts get-caller-identity) and that the clock of this machine is right, and run again."
)
READY: Final = "Look whether the endpoint is there and ready: plan() tells what differs, and apply() mends it."
GROUPS: Final = (
    "Look whether the instance is running and has passed its status checks, and whether its security group lets the "
    "group of the endpoint in on port 22: plan() tells what differs, and apply() mends it."
)


class TunnelRefused(HostError):
    """AWS does not open the tunnel, and waiting would not change that."""


class TunnelClosed(ConnectionError):
    """There is no tunnel yet, or nobody speaks at its other end. It may pass: SshHost tries again for a while."""


def open_tunnel(
    address: str, url: Callable[[], Secret], tls: ssl.SSLContext | None = None, *, answer_seconds: float = 15.0
) -> socket.socket:
    """A connected socket, on the other side of which is the SSH of the host.

    It is handed over once the host has said its first word, so that what is wrong with the tunnel is told as such. When
    either side ends it, the other side sees the end. Proxies of the environment are used (HTTPS_PROXY, NO_PROXY).

    Args:
        address: the private address of the host, for messages.
        url: makes a signed URL; called once. It, and what it was signed with, is in no log and no error.
        tls: who is trusted to vouch for the endpoint; the system's by default.
        answer_seconds: how long to wait for the endpoint, and then for the host.

    Raises:
        TunnelRefused: AWS says no, or somebody else answers in its place.
        TunnelClosed: it did not work this time.
        ModuleNotFoundError: websockets is not installed (``pip install 'dify-aws[tunnel]'``).
    """
    try:
        # Who leases an address does not need it.
        import websockets.asyncio.client  # noqa: F401
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "A tunnel needs websockets, which is not installed: pip install 'dify-aws[tunnel]'", name=error.name
        ) from error
    signed = url()
    local_end, remote_end = socket.socketpair()
    opened: Future[None] = Future()
    # asyncio, because a thread that waits to send would keep the one that reads from reading.
    work = _tunnel(address, signed, tls, answer_seconds, local_end, opened)
    threading.Thread(target=asyncio.run, args=(work,), name="dify-aws-tunnel", daemon=True).start()
    try:
        opened.result()
    except BaseException:
        remote_end.close()
        raise
    return remote_end


async def _tunnel(
    address: str,
    signed: Secret,
    tls: ssl.SSLContext | None,
    seconds: float,
    local_end: socket.socket,
    opened: Future[None],
) -> None:
    """Open it, tell so, and carry both ways until either side ends; then the other one is ended too."""
    with local_end:
        async with AsyncExitStack() as ends:
            try:
                websocket = await _websocket(ends, address, signed, tls, seconds)
                first = await _greeting(websocket, address, seconds)
                reader, writer = await asyncio.open_connection(sock=local_end)
            except BaseException as error:  # noqa: BLE001 - whoever waits for it hears of it
                opened.set_exception(error)
                return
            opened.set_result(None)
            there, back = (
                asyncio.create_task(_to(websocket, reader)),
                asyncio.create_task(_from(websocket, writer, first)),
            )
            await asyncio.wait((there, back), return_when=asyncio.FIRST_COMPLETED)
            await websocket.close()
            # What the host has said last still comes through.
            await back
            there.cancel()
            await asyncio.wait((there,))
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def _to(websocket: ClientConnection, reader: asyncio.StreamReader) -> None:
    from websockets.exceptions import ConnectionClosed

    with suppress(OSError, ConnectionClosed):
        while piece := await reader.read(PIECE):
            await websocket.send(piece)


async def _from(websocket: ClientConnection, writer: asyncio.StreamWriter, first: bytes) -> None:
    from websockets.exceptions import ConnectionClosed

    with suppress(OSError, ConnectionClosed):
        writer.write(first)
        while True:
            await writer.drain()
            writer.write(await websocket.recv(decode=False))


async def _websocket(
    ends: AsyncExitStack, address: str, signed: Secret, tls: ssl.SSLContext | None, seconds: float
) -> ClientConnection:
    from websockets.asyncio.client import connect
    from websockets.exceptions import InvalidProxy, InvalidStatus, InvalidURI, WebSocketException

    # Nobody's child and nobody's parent, so no configuration makes it speak: it would tell the URL.
    trusted: dict[str, Any] = {} if tls is None else {"ssl": tls}
    silent = logging.Logger(__name__, logging.CRITICAL + 1)  # noqa: LOG001
    try:
        websocket = await ends.enter_async_context(
            connect(
                signed.reveal(),
                **trusted,
                compression=None,
                open_timeout=seconds,
                close_timeout=GOODBYE_SECONDS,
                # As AWS's own client does. SSH has keep-alives of its own, and TCP tells whether they arrive.
                ping_interval=None,
                logger=silent,
            )
        )
    except InvalidStatus as error:
        raise _refusal(address, error.response, _mask(signed)) from None
    except ssl.SSLCertVerificationError as error:
        wrong = f"the endpoint of the tunnel shows a certificate that is not AWS's: {error.verify_message}"
        raise TunnelRefused(address, f"{wrong}\n{trusted_roots.ADVICE}") from None
    except (InvalidURI, InvalidProxy) as error:
        wrong = f"the address of the tunnel, or of the proxy, cannot be used: {_mask(signed)(str(error))}"
        raise TunnelRefused(address, f"{wrong}\nLook at HTTPS_PROXY and NO_PROXY.") from None
    except (WebSocketException, OSError, EOFError) as error:
        description = _mask(signed)(f"{type(error).__name__}: {error}")
        raise TunnelClosed(f"no tunnel to {address}: {description}\n{READY}") from None
    _end_when_unanswered(websocket.transport.get_extra_info("socket"))
    return websocket


def _end_when_unanswered(sock: socket.socket) -> None:
    """Whatever SSH has sent in vain for a while is the end. https://man7.org/linux/man-pages/man7/tcp.7.html"""
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        # It may be closed by now: who waits for the first word hears why.
        with suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNANSWERED_SECONDS * 1000)


async def _greeting(websocket: ClientConnection, address: str, seconds: float) -> bytes:
    """An SSH server speaks first. AWS opens the tunnel before it knows whether there is one."""
    from websockets.exceptions import ConnectionClosed

    try:
        return await asyncio.wait_for(websocket.recv(decode=False), seconds)
    except TimeoutError:
        raise TunnelClosed(f"the tunnel to {address} is open, and no SSH server answers.\n{GROUPS}") from None
    except ConnectionClosed as error:
        why = f": {error.rcvd.reason or error.rcvd.code}" if error.rcvd else ""
        wrong = f"AWS has closed the tunnel to {address} before the host said a word{why}"
        raise TunnelClosed(f"{wrong}\n{GROUPS}") from None


def _refusal(address: str, response: Response, mask: Mask) -> TunnelRefused | TunnelClosed:
    """What AWS answered instead of opening."""
    code, message = _error(bytes(response.body or b"").decode("utf-8", "replace"))
    request_id = response.headers.get("x-amzn-RequestId", "")
    reason = ": ".join(filter(None, (f"HTTP {response.status_code}", code, mask(message)[:SHOWN_CHARACTERS])))
    request = f" (request id {request_id})" if request_id else ""
    description = f"AWS does not open a tunnel to {address}: {reason}{request}"
    if response.status_code in FINAL:
        return TunnelRefused(address, f"{description}\n{PERMISSION}")
    return TunnelClosed(f"{description}\n{READY}")


def _error(payload: str) -> tuple[str, str]:
    """The code and the message in it."""
    try:
        fields = parse_json(payload)
        return str(fields.get("ErrorCode", "")), str(fields.get("Message") or fields.get("message") or "")
    except (ValueError, AttributeError):
        return "", payload.strip()


def _mask(signed: Secret) -> Mask:
    """Hides the URL, and what is secret in it: AWS repeats both when it does not accept a signature."""
    parts = dict(parse_qsl(urlsplit(signed.reveal()).query))
    values = [parts[name] for name in SIGNED if name in parts]
    return Mask([signed, *map(Secret, values), *(Secret(quote(value, safe="-_.~")) for value in values)])
