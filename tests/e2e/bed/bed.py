"""Bed: a throw-away Ubuntu machine as EC2 gives it, with an outside world of its own, for a test to install on."""

import base64
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self, TypeVar

from tests.e2e.bed import stale
from tests.e2e.bed.addresses import GUEST, SERVED
from tests.e2e.bed.agent import Agent
from tests.e2e.bed.archive import Archive
from tests.e2e.bed.base import Base
from tests.e2e.bed.cache import Cache
from tests.e2e.bed.command import run
from tests.e2e.bed.fence import Fence
from tests.e2e.bed.journal import Fault
from tests.e2e.bed.keeper import CERTIFICATE, ROOT_IMAGE
from tests.e2e.bed.kept import BedFailed, Kept
from tests.e2e.bed.keypair import KeyPair
from tests.e2e.bed.keys import Keys
from tests.e2e.bed.order import Order
from tests.e2e.bed.root import Root
from tests.e2e.bed.store import Store

BOOT_SECONDS = 120.0
DATA_GIB = 10
SSH, HTTP, HTTPS = 22, 80, 443
CONSOLE_KEYS = re.compile(r"-----BEGIN SSH HOST KEY KEYS-----\s+(.+?)\s+-----END SSH HOST KEY KEYS-----", re.DOTALL)


T = TypeVar("T")


class Bed:
    """The machine, as a test sees it. Use it as a context manager.

    Attributes:
        host, port, http_port, https_port: where the guest's SSH, HTTP and HTTPS are reached: on this machine's
            loopback. While the guest is down, connections are accepted and closed.
        user: who may log in, with sudo.
        key: the private key of the instance's key pair, as OpenSSH writes it.
        archive_fingerprint, agent_fingerprint: of the keys that Docker's packages and that of the CloudWatch agent are
            signed with.
        folder: its own, with its disks and logs.
    """

    host = "127.0.0.1"
    user = "ubuntu"
    archive_fingerprint: str
    agent_fingerprint: str
    folder: Path

    def __init__(self, *, data_gib: int = DATA_GIB, user_data: str = "#cloud-config\n{}\n") -> None:
        self._data_gib = data_gib
        self._user_data = user_data
        self._faults: list[Fault] = []
        self._key_pair = KeyPair.generate()
        self.key = self._key_pair.private
        self._ports: dict[int, int] = {}
        self._keeper: Kept | None = None
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(self.down)
            self._up()
            stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    # What it is ------------------------------------------------------------------------------------------------------

    @property
    def port(self) -> int:
        """Of SSH."""
        return self._ports[SSH]

    @property
    def http_port(self) -> int:
        """Of what listens on port 80 of the guest."""
        return self._ports[HTTP]

    @property
    def https_port(self) -> int:
        """Of what listens on port 443 of the guest."""
        return self._ports[HTTPS]

    @property
    def console(self) -> str:
        """What GetConsoleOutput would tell."""
        return (self.folder / "console.log").read_text(errors="replace")

    @property
    def host_key(self) -> str:
        """The host's keys as the console tells them, one line each; waits for the first boot to tell."""
        result: list[str] = _wait(lambda: CONSOLE_KEYS.findall(self.console), "host keys on the console")
        return result[-1].replace("\r", "")

    @property
    def data_volume_id(self) -> str:
        """Of the disk that was blank when the machine first started."""
        return str(self._ask("state")["volumes"][1])

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of what the guest answers on its port 80."""
        connection = HTTPConnection(self.host, self.http_port, timeout=30)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    # What happens to it ----------------------------------------------------------------------------------------------

    def inside(self, script: str) -> str:
        """What a bash script says that runs in the guest as root, without SSH.

        Raises:
            BedFailed: its status is not 0.
        """
        done = self._ask("inside", script)
        if done["status"]:
            raise BedFailed(f"in the guest: exit status {done['status']}\n{script}\n{done['err'] or done['out']}")
        return str(done["out"])

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file in the guest, and the folders that it is in."""
        packed = base64.b64encode(text.encode()).decode()
        self.inside(f"mkdir -p $(dirname {path}); base64 -d <<<{packed} >{path}; chmod {mode:o} {path}")

    def reboot(self, *, plug_pulled: bool = False) -> None:
        """Reboot, in an orderly way or not, until SSH answers again."""
        boots = self._ask("state")["boots"]
        if plug_pulled:
            self._ask("pull_the_plug")
        else:
            self.inside("systemctl reboot")
        _wait(lambda: self._ask("state")["boots"] > boots, "another boot")
        self._wait_for_ssh()

    def attach_disk(self, gib: int) -> str:
        """Attach another blank disk; its volume id."""
        return str(self._ask("attach_disk", gib))

    def grow_disk(self, volume_id: str, gib: int) -> None:
        """Make a disk larger."""
        self._ask("grow_disk", volume_id, gib)

    @contextmanager
    def fault(
        self, match: str, status: int | None = None, seconds: float = 0.0, *, damaged: bool = False
    ) -> Iterator[None]:
        """Something goes wrong in the world as long as this lasts: see :class:`tests.e2e.bed.journal.Fault`."""
        fault = Fault(match, status, seconds, damaged)
        self._faults.append(fault)
        self._tell_faults()
        try:
            yield
        finally:
            self._faults.remove(fault)
            self._tell_faults()

    def point(self, name: str, address: str | None = GUEST) -> None:
        """Let a name of the DNS have this address, or none. Beside the guest there is nobody at any address."""
        self._ask("point", name, address)

    def certify_for(self, days: int) -> None:
        """Let the certificates that Let's Encrypt gives last so long from now on."""
        self._ask("certify_for", days)

    @contextmanager
    def far(self, round_trip_seconds: float) -> Iterator[None]:
        """The guest is that far away as long as this lasts."""
        self._ask("delay", round_trip_seconds)
        try:
            yield
        finally:
            self._ask("delay", 0.0)

    def cut(self) -> None:
        """Reset every connection that is open to the guest."""
        self._ask("cut")

    @property
    def requested(self) -> Sequence[str]:
        """What the guest asked its world for so far, oldest first: "GET host/path", "DNS host/dns"."""
        return list(self._ask("asked"))

    # Up and down -----------------------------------------------------------------------------------------------------

    def _up(self) -> None:
        cache = Cache.of_this_machine()
        keys, base = Keys.kept(cache), Base.kept(cache)
        root = Root.kept(cache, keys, base)
        archive, agent, store = Archive.kept(cache, keys, base), Agent.kept(cache, keys), Store.kept(cache)
        self.archive_fingerprint, self.agent_fingerprint = keys.archive.fingerprint, keys.agent.fingerprint
        stale.sweep(cache.folder)
        self.folder = self._stack.enter_context(stale.folder(cache.folder))
        self._stack.callback(Fence(self.folder.name).remove)
        run("cp", "--sparse=always", "--reflink=auto", root.image, self.folder / ROOT_IMAGE)
        certificate = keys.certify(SERVED)
        (self.folder / CERTIFICATE).write_text(certificate.private + certificate.chain)
        with ExitStack() as stack:
            listening = {port: stack.enter_context(socket.create_server((self.host, 0))) for port in (SSH, HTTP, HTTPS)}
            self._ports = {port: bound.getsockname()[1] for port, bound in listening.items()}
            order = Order(
                folder=str(self.folder),
                name=self.folder.name,
                keys=str(keys.folder),
                archive=str(archive.folder),
                agent=str(agent.folder),
                store=str(store.folder),
                listening={str(port): bound.fileno() for port, bound in listening.items()},
                data_gib=self._data_gib,
                instance_id=f"i-0{secrets.token_hex(8)}",
                public_key=self._key_pair.public,
                user_data=self._user_data,
            )
            self._keeper = Kept(order, order.listening.values())
        self._wait_for_ssh()

    def down(self) -> None:
        """End all that was started and take away all that was made. Twice is once."""
        if keeper := self._keeper:
            self._keeper = None
            keeper.end()
        self._stack.close()

    def _ask(self, verb: str, *arguments: Any) -> Any:
        if self._keeper is None:
            raise BedFailed("the bed is not up")
        return self._keeper.ask(verb, *arguments)

    def _tell_faults(self) -> None:
        self._ask("faults", [asdict(fault) for fault in self._faults])

    def _wait_for_ssh(self) -> None:
        def greeted() -> bool:
            if self._ask("state")["over"]:
                raise BedFailed(f"the machine is off:\n{self.console[-3000:]}")
            try:
                with socket.create_connection((self.host, self.port), 5) as connection:
                    return connection.recv(4) == b"SSH-"
            except OSError:
                return False

        try:
            _wait(greeted, "SSH")
        except BedFailed as error:
            raise BedFailed(f"{error}; the end of the console:\n{self.console[-3000:]}") from error


def _wait(look: Callable[[], T], what: str) -> T:
    """What ``look`` finds, as soon as it finds something."""
    until = time.monotonic() + BOOT_SECONDS
    while not (found := look()):
        if time.monotonic() > until:
            raise BedFailed(f"no {what} in {BOOT_SECONDS:.0f} s")
        time.sleep(0.1)
    return found
