"""Sshd: an SSH server on loopback that really runs what it is told, and misbehaves where a test asks for it."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self, TypeAlias

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_FAILED_RESOURCE_SHORTAGE,
    OPEN_SUCCEEDED,
    cMSG_CHANNEL_REQUEST,
    cMSG_CHANNEL_SUCCESS,
)

from dify_aws.resources.ec2.ssh_key import new_ssh_key

PIECE: Final = 65_536

# Whoever runs the tests may do to the test's folder what a step does as root.
SUDO: Final = """\
#!/bin/sh
while [ $# -gt 0 ]; do
  case "$1" in
    --) shift; break ;;
    -*) shift ;;
    *) break ;;
  esac
done
exec "$@"
"""

Greeting: TypeAlias = Callable[[socket.socket], bool]
"""What happens to a connection before SSH begins; False: SSH does not begin."""


class Exchange:
    """One command that a client has sent, and the means to answer it."""

    def __init__(self, sshd: Sshd, transport: paramiko.Transport, channel: paramiko.Channel, command: str) -> None:
        self.sshd = sshd
        self.transport = transport
        self.channel = channel
        self.command = command

    def stdin(self, size: int | None = None) -> bytes:
        """So much of what the client feeds, or all of it."""
        data = b""
        while (size is None or len(data) < size) and (piece := self.channel.recv(PIECE)):
            data += piece
        return data

    def end(self, status: int | None = 0) -> None:
        """The end of the command; None: the server tells no status."""
        if status is not None:
            self.channel.send_exit_status(status)
        self.channel.close()

    def end_by_signal(self, signal: str) -> None:
        """The end as RFC 4254, 6.10 tells it of a process that a signal took."""
        message = paramiko.Message()
        message.add_byte(cMSG_CHANNEL_REQUEST)
        message.add_int(self.channel.remote_chanid)
        message.add_string("exit-signal")
        message.add_boolean(False)
        message.add_string(signal)
        message.add_boolean(False)
        message.add_string("")
        message.add_string("")
        self.transport._send_user_message(message)  # type: ignore[attr-defined]
        self.channel.close()

    def drop(self) -> None:
        """Cut the connection, as if the machine were gone: no word of goodbye."""
        sock = self.transport.sock
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()

    def really_run(self) -> None:
        """Run the command in the server's folder, all three streams at the same time."""
        self.sshd.really_run(self)


Handler: TypeAlias = Callable[[Exchange], None]


class Sshd:
    """A server for one user. ``commands`` has every command that it was ever sent.

    Args:
        folder: where commands run, and where the server keeps its own ``sudo``.
        max_sessions: how many commands at a time on one connection.
    """

    def __init__(self, folder: Path, *, max_sessions: int = 10) -> None:
        self.folder = folder
        self.max_sessions = max_sessions
        self.user_key, self.authorized = new_ssh_key()
        self._host_key, self.host_key = new_ssh_key()
        self.more_host_keys: list[paramiko.PKey] = []
        self.commands: list[str] = []
        self.connections = 0
        self.most_sessions = 0
        self.greetings: deque[Greeting] = deque()
        self.handlers: deque[Handler] = deque()
        self.check_login: Callable[[paramiko.Transport], bool] = lambda transport: True
        self.runs_commands = True
        self.ciphers: tuple[str, ...] = ()
        self.digests: tuple[str, ...] = ()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self.transports: list[paramiko.Transport] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self._listener: socket.socket | None = None
        # A port that is ours, and on which nobody listens yet.
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port: int = found.getsockname()[1]
        (folder / "bin").mkdir()
        sudo = folder / "bin" / "sudo"
        sudo.write_text(SUDO)
        sudo.chmod(0o755)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen. Until then, whoever connects is refused."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._spawn(self._listen, self._listener)

    def stop(self) -> None:
        """End everything: processes, connections, threads."""
        if self._listener:
            # close() alone does not wake up who waits in accept().
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
        for process in self._processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
        for transport in self.transports:
            transport.close()
            # One whose client had gone before it began was never started.
            if transport.ident is not None:
                transport.join(5)
        for thread in self._threads:
            thread.join(5)

    def renew_host_key(self) -> None:
        """The machine was made anew: the same address, another host key."""
        self._host_key, self.host_key = new_ssh_key()

    @property
    def owner(self) -> str:
        """Whoever runs the tests, as user:group."""
        return f"{os.getuid()}:{os.getgid()}"

    def settle(self) -> None:
        """Return when all that was started is over."""
        for process in self._processes:
            process.wait(10)

    def really_run(self, exchange: Exchange, only: int | None = None) -> None:
        """See :meth:`Exchange.really_run`. ``only``: the connection is cut when so many bytes were fed."""
        process = subprocess.Popen(
            ["/bin/sh", "-c", exchange.command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env={"PATH": f"{self.folder}/bin:{os.environ['PATH']}", "HOME": str(self.folder)},
            start_new_session=True,
        )
        self._processes.append(process)
        feed, out, err = process.stdin, process.stdout, process.stderr
        assert feed
        assert out
        assert err
        channel = exchange.channel
        pumps = [
            self._spawn(_pump, out.fileno(), channel.sendall, out.close),
            self._spawn(_pump, err.fileno(), channel.sendall_stderr, err.close),
        ]
        if only is not None:
            feed.write(exchange.stdin(only)[:only])
            exchange.drop()
        feeder = self._spawn(_feed, channel, feed)
        for thread in (*pumps, feeder) if only is not None else pumps:
            thread.join()
        status = process.wait()
        if only is None:
            exchange.end(status if status >= 0 else 128 - status)
        feeder.join()

    # ------------------------------------------------------------------------------------------------------------------

    def _spawn(self, target: Callable[..., None], *args: object) -> threading.Thread:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _listen(self, listener: socket.socket) -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            self._spawn(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        with self._lock:
            self.connections += 1
            greeting = self.greetings.popleft() if self.greetings else None
        if greeting and not greeting(sock):
            sock.close()
            return
        transport = _Transport(sock)
        transport.set_log_channel("tests.sshd")
        if self.ciphers:
            transport.get_security_options().ciphers = self.ciphers
        if self.digests:
            transport.get_security_options().digests = self.digests
        transport.add_server_key(paramiko.Ed25519Key.from_private_key(io.StringIO(self._host_key.reveal())))
        for key in self.more_host_keys:
            transport.add_server_key(key)
        self.transports.append(transport)
        with suppress(paramiko.SSHException, EOFError, OSError):
            transport.start_server(server=_Server(self, transport))

    def begin(self, exchange: Exchange) -> None:
        """Note a command, and answer it as the next handler in line does, or by running it."""
        with self._lock:
            self.commands.append(exchange.command)
            handler = self.handlers.popleft() if self.handlers else Exchange.really_run
        self._spawn(_answered, handler, exchange)


class _Transport(paramiko.Transport):
    """Knows which requests were answered: paramiko starts a command before it tells the client that it will."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(sock)
        self.data = threading.Condition()
        self.granted: set[int] = set()

    def _send_user_message(self, data: paramiko.Message) -> None:
        super()._send_user_message(data)  # type: ignore[misc]
        kind, channel = data.asbytes()[:1], int.from_bytes(data.asbytes()[1:5])
        if kind == cMSG_CHANNEL_SUCCESS:
            with self.data:
                self.granted.add(channel)
                self.data.notify_all()


class _Server(paramiko.ServerInterface):
    """What one connection may do."""

    def __init__(self, sshd: Sshd, transport: paramiko.Transport) -> None:
        self._sshd = sshd
        self._transport = transport
        self._channels: list[int] = []

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        known = f"{key.get_name()} {key.get_base64()}" == self._sshd.authorized
        return (
            AUTH_SUCCESSFUL
            if known and self._sshd.check_login(self._transport) and username == "ubuntu"
            else AUTH_FAILED
        )

    def check_channel_request(self, kind: str, chanid: int) -> int:
        if kind != "session":
            return OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
        # What is open is what the client has not closed, nor we.
        self._channels = [each for each in self._channels if self._transport._channels.get(each)]  # type: ignore[attr-defined]
        if len(self._channels) >= self._sshd.max_sessions:
            return OPEN_FAILED_RESOURCE_SHORTAGE
        self._channels.append(chanid)
        self._sshd.most_sessions = max(self._sshd.most_sessions, len(self._channels))
        return OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        if not self._sshd.runs_commands:
            return False
        self._sshd.begin(Exchange(self._sshd, self._transport, channel, command.decode()))
        return True


def _answered(handler: Handler, exchange: Exchange) -> None:
    transport, channel = exchange.transport, exchange.channel
    assert isinstance(transport, _Transport)
    with transport.data:
        transport.data.wait_for(lambda: channel.remote_chanid in transport.granted, 10)
    # The client may be gone by now; that is what some tests are about.
    with suppress(OSError, EOFError, paramiko.SSHException):
        handler(exchange)


def _pump(source: int, send: Callable[[bytes], object], close: Callable[[], None]) -> None:
    """From the process to the client."""
    with suppress(OSError, EOFError):
        while piece := os.read(source, PIECE):
            send(piece)
    close()


def _feed(channel: paramiko.Channel, into: IO[bytes]) -> None:
    """From the client to the process, which sees an end when the client says so and when the client is gone."""
    with suppress(OSError):
        while piece := channel.recv(PIECE):
            into.write(piece)
            into.flush()
    with suppress(OSError):
        into.close()
