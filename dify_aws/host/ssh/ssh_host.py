"""SshHost: a machine over SSH, with patience while it boots, a verified host key, and several commands at a time."""

from __future__ import annotations

import io
import logging
import socket
import struct
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from paramiko.ssh_exception import IncompatiblePeer

from dify_aws.clock import Clock, SystemClock
from dify_aws.host.errors import (
    AuthenticationRefused,
    CommandTimedOut,
    ConnectionLost,
    HostClosed,
    HostError,
    HostKeyMismatch,
    SessionRefused,
    Unreachable,
)
from dify_aws.host.host import Result
from dify_aws.host.retrying import RetryTimedOut, retry
from dify_aws.host.shell import ShellHost
from dify_aws.host.ssh import tcp
from dify_aws.host.ssh.algorithms import CIPHERS, DIGESTS, KEX, SHA1, accepted, signatures
from dify_aws.host.ssh.channel_io import exchange
from dify_aws.host.ssh.host_key import FirstUse, HostKey, host_keys
from dify_aws.secrets import Secret

SESSIONS: Final = 10
"""Commands at a time on one connection: the default of MaxSessions. https://man.openbsd.org/sshd_config#MaxSessions"""

REFUSED_SECONDS: Final = 60.0
"""How long to ask for a session that is refused: the server may allow fewer, or not know yet that one is over."""

KEEP_ALIVE_SECONDS: Final = 15
GOODBYE_SECONDS: Final = 0.5

NOT_ANSWERING: Final = (OSError, EOFError, paramiko.SSHException)

# Whatever paramiko has to tell comes as an exception as well; it would log a traceback for each try while a host boots.
PARAMIKO_LOG: Final = f"{__name__}.paramiko"
logging.getLogger(PARAMIKO_LOG).setLevel(logging.CRITICAL)


class SshHost(ShellHost):
    """A host over SSH: one connection, made when it is first needed, and made again when it was lost.

    >>> from dify_aws.host.ssh.ssh_host import SshHost
    >>> with SshHost("203.0.113.7", key=key, host_key="ssh-ed25519 AAAA…") as host:  # doctest: +SKIP
    ...     kernel = host.must("uname -r").stdout

    Args:
        address: name or address; messages call the host user@address.
        user: whom to log in as. It needs sudo without a password.
        key: the private key, as the text of an OpenSSH file without a passphrase. It stays in memory.
        host_key: the pinned key or keys of the host, one line each ("ssh-ed25519 AAAA…"); or FirstUse, which takes
            the key that is shown and tells it, once, before anything is sent. Strict from then on.
        sock: makes a connected socket (a tunnel) each time that one is needed, in place of a TCP connection.
        port: where its SSH listens.
        connect_seconds: how long to try while the machine boots.
        answer_seconds: how long one try waits for each of TCP, greeting, key exchange and authentication.
        end_seconds: how long a command may take to end when its time is over, before it is killed.
        clock: how to wait between the tries.

    Raises:
        ValueError: ``key`` or ``host_key`` is none.
    """

    def __init__(
        self,
        address: str,
        user: str = "ubuntu",
        *,
        key: Secret,
        host_key: str | FirstUse,
        sock: Callable[[], socket.socket] | None = None,
        port: int = 22,
        connect_seconds: float = 300.0,
        answer_seconds: float = 15.0,
        end_seconds: float = 10.0,
        clock: Clock | None = None,
    ) -> None:
        self._address = address
        self._user = user
        self._port = port
        self._key = _private_key(key)
        self._pinned: tuple[HostKey, ...] | FirstUse = (
            host_key if isinstance(host_key, FirstUse) else host_keys(host_key)
        )
        self._sock = sock
        self._connect_seconds = connect_seconds
        self._answer_seconds = answer_seconds
        self.end_seconds = end_seconds
        self._clock = clock or SystemClock()
        self._connecting = threading.Lock()
        self._counting = threading.Lock()
        self._sessions = threading.BoundedSemaphore(SESSIONS)
        self._connection: paramiko.Transport | None = None
        self._closed = False
        self._round_trips = 0

    def __repr__(self) -> str:
        return f"<SshHost {self.where}>"

    def __enter__(self) -> Self:
        self._closed = False
        self._connected()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def where(self) -> str:
        """The host in every message: user@address."""
        return f"{self._user}@{self._address}" + ("" if self._port == 22 else f":{self._port}")

    @property
    def host_key(self) -> str | None:
        """The key or keys that are pinned, one line each; None as long as the host has never been met."""
        return None if isinstance(self._pinned, FirstUse) else "\n".join(key.line for key in self._pinned)

    @property
    def round_trips(self) -> int:
        """How many commands were sent and waited for."""
        return self._round_trips

    def close(self) -> None:
        """Close the connection. What is running is lost; what is asked for later is refused."""
        self._closed = True
        # Not under the lock: whoever holds it may be waiting for the host, and shall stop.
        if connection := self._connection:
            connection.close()

    def execute(self, script: str, command: str, *, stdin: bytes, timeout: float, secret: bool) -> Result:
        """See :meth:`dify_aws.host.shell.ShellHost.execute`."""
        with self._sessions:
            connection, channel = self._session()
            with self._counting:
                self._round_trips += 1
            began = self._clock.now()
            try:
                # The host ends it itself; if it does not, it is past answering.
                output = exchange(channel, command, stdin, timeout + self.end_seconds + self._answer_seconds)
            except NOT_ANSWERING as error:
                if self._is_alive(connection):
                    raise SessionRefused(self.where, error) from error
                raise ConnectionLost(self.where, script) from error
        result = Result(script, output.status, output.out, output.err, self._clock.now() - began, secret)
        if output.expired:
            wrong = f"had {timeout:g} s; nothing was heard of it since, not even that it was ended"
            raise CommandTimedOut(self.where, result, wrong=wrong, advice="The host hangs: look at it, or reboot it.")
        if not output.whole and not self._is_alive(connection):
            raise ConnectionLost(self.where, script)
        return result

    def _is_alive(self, connection: paramiko.Transport) -> bool:
        """Whether the connection outlives a command. Its thread tells the channels of its end before anybody else."""
        connection.join(GOODBYE_SECONDS)
        return connection.is_active()

    # Connecting ------------------------------------------------------------------------------------------------------

    def _session(self) -> tuple[paramiko.Transport, paramiko.Channel]:
        """A channel for one command. As nothing runs on it yet, a connection lost by now is simply made again."""

        def opened() -> tuple[paramiko.Transport, paramiko.Channel]:
            connection, began = self._connected(), self._clock.now()
            try:
                return connection, connection.open_session(timeout=self._answer_seconds)
            except NOT_ANSWERING as error:
                # Silence is the end of a connection, and so is a write that fails, though paramiko may not have noticed
                # yet. A refusal is not: other commands are running on it.
                if isinstance(error, EOFError | OSError) or self._clock.now() - began >= self._answer_seconds:
                    connection.close()
                raise

        try:
            return retry(opened, self._clock, REFUSED_SECONDS, is_temporary=_may_pass, first=0.05)
        except RetryTimedOut as error:
            raise SessionRefused(self.where, error.last) from error

    def _connected(self) -> paramiko.Transport:
        """The connection, made now if there is none."""
        with self._connecting:
            if self._connection is None or not self._connection.is_active():
                try:
                    self._connection = retry(self._connect, self._clock, self._connect_seconds, is_temporary=_may_pass)
                except RetryTimedOut as error:
                    raise Unreachable(self.where, self._port, error.last, error.seconds) from error
                except (socket.gaierror, IncompatiblePeer) as error:
                    raise Unreachable(self.where, self._port, error) from error
            if self._closed:
                self._connection.close()
                raise HostClosed(self.where)
            return self._connection

    def _connect(self) -> paramiko.Transport:
        """One try. HostError: trying again would change nothing. Anything else: it may."""
        if self._closed:
            raise HostClosed(self.where)
        sock = self._sock() if self._sock else tcp.connect(self._address, self._port, self._answer_seconds)
        try:
            connection = paramiko.Transport(sock, disabled_algorithms=SHA1)
            try:
                self._shake_hands(connection)
                self._verify(connection.get_remote_server_key())
                self._log_in(connection)
                connection.set_keepalive(KEEP_ALIVE_SECONDS)
            except BaseException:
                connection.close()
                raise
        except BaseException:
            sock.close()
            raise
        return connection

    def _shake_hands(self, connection: paramiko.Transport) -> None:
        connection.set_log_channel(PARAMIKO_LOG)
        connection.banner_timeout = connection.handshake_timeout = self._answer_seconds
        options = connection.get_security_options()
        options.ciphers = accepted(CIPHERS, options.ciphers)
        options.digests = accepted(DIGESTS, options.digests)
        options.kex = accepted(KEX, options.kex)
        kinds = () if isinstance(self._pinned, FirstUse) else tuple(key.kind for key in self._pinned)
        options.key_types = accepted(signatures(kinds), options.key_types)
        connection.start_client(timeout=self._answer_seconds)

    def _verify(self, key: paramiko.PKey) -> None:
        """Hold the key that is shown against the pinned one. Nothing has been sent by now but the key exchange."""
        presented = HostKey(key.get_name(), key.asbytes())
        if isinstance(self._pinned, FirstUse):
            self._pinned = host_keys(self._pinned.remember(presented.line) or presented.line)
        if presented not in self._pinned:
            raise HostKeyMismatch(self.where, [pinned.fingerprint for pinned in self._pinned], presented.fingerprint)

    def _log_in(self, connection: paramiko.Transport) -> None:
        answered = threading.Event()
        connection.auth_publickey(self._user, self._key, answered)
        answered.wait(self._answer_seconds)
        if connection.is_authenticated():
            return
        # While a machine boots, sshd lets nobody in but root and hangs up (pam_nologin): that passes, a "no" does not.
        if answered.is_set() and connection.is_active():
            raise AuthenticationRefused(self.where, self._user, HostKey(self._key.get_name(), self._key.asbytes()))
        raise ConnectionAbortedError("the host let go of us, or fell silent, while we were logging in")


def _may_pass(error: Exception) -> bool:
    """Whether what went wrong may go away by waiting: the host boots, or is busy."""
    if isinstance(error, HostError | IncompatiblePeer):
        return False
    if isinstance(error, socket.gaierror):
        return error.errno == socket.EAI_AGAIN
    return isinstance(error, NOT_ANSWERING)


def _private_key(key: Secret) -> paramiko.PKey:
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(key.reveal()))
        except (paramiko.SSHException, UnsupportedAlgorithm, ValueError, TypeError, LookupError, struct.error):
            continue
    # Without the errors of the tries: they may quote what they tried to read.
    raise ValueError("key is no private key: give the text of an OpenSSH key file without a passphrase")
