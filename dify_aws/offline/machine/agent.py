"""Agent: where the model machine downloads signed packages from, and the CloudWatch agent when it is installed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from dify_aws.host.fact import Answer, Fact
from dify_aws.host.packages.publishers import Publishers
from dify_aws.host.steps.listening import WAIT, UdpPort
from dify_aws.host.steps.machine import PROCESSORS
from dify_aws.host.steps.signed_package import DOWNLOADS, FETCH, INSTALL, VERIFY, DownloadedPackage
from dify_aws.offline.machine.ended import Ended, failed
from dify_aws.offline.machine.files import Entry
from dify_aws.offline.machine.units import FOLDER, UnitRecord
from dify_aws.runtimes.compose.agent import PACKAGE, STATSD_PORT, UNIT
from dify_aws.runtimes.compose.paths import AGENT

if TYPE_CHECKING:
    from dify_aws.offline.machine.machine import Machine

BUCKET: Final = re.compile(
    r"https://amazoncloudwatch-agent-([a-z0-9-]+)\.s3\.\1\.amazonaws\.com(\.cn)?/ubuntu/(amd64|arm64)/latest/.*"
)
KEY: Final = "https://amazoncloudwatch-agent.s3.amazonaws.com/assets/amazon-cloudwatch-agent.gpg"


@dataclass
class Publisher:
    """What AWS publishes: a key, and a package that is signed with one, which should be the same.

    ``reached`` is the status of curl: 0, or why nothing comes.
    """

    key: str = field(default_factory=lambda: Publishers().cloudwatch_agent)
    signed_by: str = field(default_factory=lambda: Publishers().cloudwatch_agent)
    tampered: bool = False
    reached: int = 0


def _downloaded_package(machine: Machine, fact: DownloadedPackage) -> Answer:
    status = "installed" if fact.package in machine.packages.installed else ""
    left = " left\n" if machine.files.get(f"{DOWNLOADS}/{fact.package}") else ""
    return Answer(f"{status}{left}".encode())


def _fetch(machine: Machine, arguments: Sequence[str], stdin: bytes) -> Ended:
    folder, key, package, signature = arguments
    publisher = machine.publisher
    machine.files.make_directories(folder, 0o700)
    if publisher.reached:
        return failed(f"curl: ({publisher.reached}) {package}", publisher.reached)
    found = BUCKET.fullmatch(package)
    if key != KEY or not found or signature != f"{package}.sig":
        return failed("curl: (22) The requested URL returned error: 404", 22)
    deb = f"{PACKAGE}:{found[3]}"
    for name, text in (("key", publisher.key), ("package.deb", deb), ("signature", publisher.signed_by)):
        machine.files.put(f"{folder}/{name}", Entry("file", text.encode(), 0o600))
    return Ended()


def _verify(machine: Machine, arguments: Sequence[str], stdin: bytes) -> Ended:
    folder, _ = arguments
    key, signer = machine.files.text(f"{folder}/key"), machine.files.text(f"{folder}/signature")
    out = f"pub:-:2048:1:{key[-16:]}:1510617600:::-:::scSC::::::23::0:\nfpr:::::::::{key}:\n[GNUPG:] NEWSIG\n"
    if signer != key:
        short = signer[-16:]
        return Ended(2, f"{out}[GNUPG:] ERRSIG {short} 1 8 00 1 9 {signer}\n[GNUPG:] NO_PUBKEY {short}\n".encode())
    if machine.publisher.tampered:
        return Ended(1, f"{out}[GNUPG:] BADSIG {key[-16:]} Amazon CloudWatch Agent\n".encode())
    out += f"[GNUPG:] GOODSIG {key[-16:]} Amazon CloudWatch Agent\n"
    return Ended(0, f"{out}[GNUPG:] VALIDSIG {key} 2026-01-01 1767225600 0 4 0 1 8 00 {key}\n".encode())


def _install(machine: Machine, arguments: Sequence[str], stdin: bytes) -> Ended:
    (folder,) = arguments
    package, _, architecture = machine.files.text(f"{folder}/package.deb").partition(":")
    if package != PACKAGE:
        return failed(f"E: Unsupported file {folder}/package.deb given on commandline", 100)
    if machine.system.processor not in [name for word, name in PROCESSORS.items() if word == architecture]:
        # apt takes it for a package of a foreign architecture, whose dependencies nobody has.
        return failed(f"The following packages have unmet dependencies:\n {package}:{architecture} : Depends: …", 100)
    for name in ("bin", "etc", "etc/amazon-cloudwatch-agent.d", "logs", "var"):
        machine.files.make_directories(f"/opt/aws/amazon-cloudwatch-agent/{name}")
    machine.files.put(f"{FOLDER}/{UNIT}", Entry("file", b"[Install]\n", 0o644, changed=machine.clock.now()))
    machine.units.records.setdefault(UNIT, UnitRecord())
    machine.packages.installed[package] = "1.300064.0-1"
    return Ended()


def _udp_port(machine: Machine, fact: UdpPort) -> Answer:
    listening = fact.port == STATSD_PORT and _runs(machine)
    return Answer(b"UNCONN 0      0          127.0.0.1:8125      0.0.0.0:*\n" if listening else b"")


def _wait(machine: Machine, arguments: Sequence[str], stdin: bytes) -> Ended:
    seconds, port, unit, _ = arguments
    if int(port) == STATSD_PORT and unit == UNIT and _runs(machine):
        return Ended()
    machine.clock.sleep(int(seconds))
    return failed(f"○ {unit} - Amazon CloudWatch Agent")


def _runs(machine: Machine) -> bool:
    """Without a configuration the agent ends at once."""
    return machine.units.runs(UNIT) and machine.files.get(AGENT) is not None


ANSWERS: Final[Mapping[type[Fact[Any]], Callable[[Machine, Any], Answer]]] = {
    DownloadedPackage: _downloaded_package,
    UdpPort: _udp_port,
}
SCRIPTS: Final[Mapping[str, Callable[[Machine, Sequence[str], bytes], Ended]]] = {
    FETCH: _fetch,
    INSTALL: _install,
    VERIFY: _verify,
    WAIT: _wait,
}
