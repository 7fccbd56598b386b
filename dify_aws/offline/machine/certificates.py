"""Certificates: the certificate authority of the model machine's world, and what certbot gets from it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from dify_aws.host.fact import Answer, Fact
from dify_aws.offline.machine.ended import Ended, failed
from dify_aws.offline.machine.files import Entry, Options
from dify_aws.runtimes.compose.steps.certificate import LIVE, PROGRAM, CertificateOf

if TYPE_CHECKING:
    from dify_aws.offline.machine.machine import Machine

BEGINNING: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""The date when the world's clock stands at 0."""

ISSUED_FOR: Final = timedelta(days=90)
ISSUER: Final = "CN=YE1,O=Let's Encrypt,C=US"


@dataclass
class Authority:
    """What the certificate authority says: with a refusal, nothing but that."""

    refusal: str = ""


def today(machine: Machine) -> datetime:
    """The date on the machine."""
    now = machine.clock.now()
    return BEGINNING + timedelta(seconds=now if math.isfinite(now) else 0)


def issue(machine: Machine, domain: str, ends: datetime, *, issuer: str = ISSUER, names: Sequence[str] = ()) -> None:
    """Write a certificate to certbot's directory, replacing the old one."""
    details: dict[str, Any] = {"names": list(names) or [domain], "ends": ends.timestamp(), "issuer": issuer}
    details["key"] = sha256(json.dumps(details).encode()).hexdigest()
    machine.files.make_directories(f"{LIVE}/{domain}")
    for name, text in (("fullchain.pem", json.dumps(details)), ("privkey.pem", details["key"])):
        entry = Entry("file", text.encode(), 0o600, changed=machine.clock.now())
        machine.files.put(f"{LIVE}/{domain}/{name}", entry)


def _certificate_data(machine: Machine, domain: str) -> dict[str, Any]:
    entry = machine.files.get(f"{LIVE}/{domain}/fullchain.pem")
    details: dict[str, Any] = json.loads(entry.data) if entry else {}
    return details


def _certificate_of(machine: Machine, fact: CertificateOf) -> Answer:
    details = _certificate_data(machine, fact.domain)
    if not details:
        return Answer()
    match = "does match" if fact.domain in details["names"] else "does NOT match"
    keys = (details["key"], machine.files.text(f"{LIVE}/{fact.domain}/privkey.pem"))
    lines = [
        f"now={today(machine).timestamp():.0f}",
        f"notAfter={datetime.fromtimestamp(details['ends'], UTC):%b %d %H:%M:%S %Y} GMT",
        f"issuer={details['issuer']}",
        f"Hostname {fact.domain} {match} certificate",
        *(f"-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----" for key in keys if key),
    ]
    return Answer("\n".join(lines).encode() + b"\n")


def _certbot(machine: Machine, argv: Sequence[str], stdin: bytes) -> Ended:
    """Our program around certbot: it is there, the domain is the one that is written in it, and due is due."""
    options = Options(PROGRAM)
    options.add_argument("--server")
    options.add_argument("--force-renewal", action="store_true")
    options.add_argument("--quiet", action="store_true")
    parsed = options.parse_args(argv[1:])
    program = machine.files.get(PROGRAM)
    if program is None or not program.mode & 0o100:
        return failed(f"bash: {PROGRAM}: No such file or directory", 127)
    found = re.search(r"--cert-name (\S+)", program.data.decode())
    assert found, f"{PROGRAM} names no certificate"
    domain, details = found[1], _certificate_data(machine, found[1])
    left = datetime.fromtimestamp(details["ends"], UTC) - today(machine) if details else timedelta()
    if left > ISSUED_FOR / 3 and not parsed.force_renewal:
        return Ended(out=b"Certificate not yet due for renewal; no action taken.\n")
    if machine.authority.refusal:
        return failed(machine.authority.refusal)
    issuer = f"CN=(STAGING) Mysterious Mulberry,O=(STAGING) {parsed.server}" if parsed.server else ISSUER
    issue(machine, domain, today(machine) + ISSUED_FOR, issuer=issuer)
    return Ended(out=b"Successfully received certificate.\n")


ANSWERS: Final[Mapping[type[Fact[Any]], Callable[[Machine, Any], Answer]]] = {CertificateOf: _certificate_of}
COMMANDS: Final[Mapping[str, Callable[[Machine, Sequence[str], bytes], Ended]]] = {PROGRAM: _certbot}
