"""Certificate: the domain has one from the certificate authority, with its own key, and with time left."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from dify_aws.change import Change
from dify_aws.host.errors import CommandFailed
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Host
from dify_aws.runtimes.compose.https.certificate_errors import advice

LIVE: Final = "/data/dify/certbot/conf/live"
PROGRAM: Final = "/opt/dify/bin/certificate"

MINIMUM: Final = timedelta(days=10)
"""The timer renews when a third of its time is left, which is never less than two weeks. Below this, it has failed."""

ISSUE_SECONDS: Final = 900.0
"""Pulling certbot, waiting for another run of it, and the authority's looking from several places, all together."""

# None of it is secret: of the key, only the public half is told. About 30 ms.
SCRIPT: Final = """\
cd -- {folder} 2>&- || exit 0
[ -e fullchain.pem ] || exit 0
date +'now=%s'
openssl x509 -in fullchain.pem -noout -enddate -issuer -nameopt RFC2253 -checkhost {domain} -pubkey
openssl pkey -in privkey.pem -pubout
true
"""

PUBLIC_KEY: Final = re.compile(r"-----BEGIN PUBLIC KEY-----[^-]+")


@dataclass(frozen=True)
class CertificateState:
    """What the machine has for a domain. Without ``there``, the rest means nothing."""

    there: bool
    for_domain: bool = False
    own_key: bool = False
    left: timedelta = timedelta()
    issuer: str = ""

    @property
    def usable(self) -> bool:
        """Whether nginx can start with it, and a browser would have it today."""
        return self.there and self.for_domain and self.own_key and self.left > timedelta()

    @property
    def for_trials(self) -> bool:
        """Whether it is by a staging server, which no browser trusts: https://letsencrypt.org/docs/staging-environment/"""
        return "(STAGING)" in self.issuer


@dataclass(frozen=True)
class CertificateOf(Fact[CertificateState]):
    """What certificate is there for this domain?"""

    domain: str

    @property
    def name(self) -> str:
        return f"certificate of {self.domain}"

    @property
    def script(self) -> str:
        return SCRIPT.format(folder=shlex.quote(f"{LIVE}/{self.domain}"), domain=shlex.quote(self.domain))

    def read(self, answer: Answer) -> CertificateState:
        if not answer.out:
            return CertificateState(there=False)
        fields = dict(re.findall(r"^(\w+)=(.*)$", answer.text, re.MULTILINE))
        if "notAfter" not in fields:  # half a file, say; certbot makes it again
            return CertificateState(there=True)
        keys = PUBLIC_KEY.findall(answer.text)
        ends = datetime.strptime(fields["notAfter"], "%b %d %H:%M:%S %Y %Z").replace(tzinfo=UTC)
        return CertificateState(
            there=True,
            for_domain="does match certificate" in answer.text,
            own_key=len(keys) == 2 and keys[0] == keys[1],
            left=ends - datetime.fromtimestamp(int(fields["now"]), UTC),
            issuer=fields["issuer"],
        )


@dataclass(frozen=True, kw_only=True)
class Certificate:
    """The certificate of a domain, by certbot in a container (``/opt/dify/bin/certificate``), over HTTP-01.

    nginx is up and serves ``/.well-known/acme-challenge/`` on port 80; the timer renews it from then on.

    Args:
        domain: the host name.
        server: the ACME directory of another authority; Let's Encrypt by default.
            https://letsencrypt.org/docs/staging-environment/ has one for trials.
        needs: the steps before it; None is all that stand before it in the list.
    """

    domain: str
    server: str = ""
    needs: Sequence[str] | None = None

    @property
    def name(self) -> str:
        return f"certificate of {self.domain}"

    def facts(self) -> Sequence[Fact[Any]]:
        return (CertificateOf(self.domain),)

    def check(self, facts: Facts) -> Sequence[Change]:
        """That it is there, for this domain, with its own key, not for trials, and with more than ten days left."""
        found = facts[CertificateOf(self.domain)]
        if not found.there:
            return (Change("certificate", None, self.domain),)
        changes = []
        if not found.for_domain:
            changes.append(Change("domain", "another", self.domain))
        if not found.own_key:
            changes.append(Change("key", "of another certificate", "its own"))
        if found.for_trials and not self.server:
            changes.append(Change("issuer", found.issuer, "one that browsers trust"))
        if found.left < MINIMUM:
            changes.append(Change("valid for", _days(found.left), f"at least {_days(MINIMUM)}"))
        return tuple(changes)

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Get it, or renew it. certbot itself would keep one that is wrong but not old; it is told not to.

        Raises:
            CommandFailed: the authority would not, or could not be asked; it says why, and what to do.
        """
        command = [PROGRAM]
        if self.server:
            command += ["--server", self.server]
        if {change.attribute for change in changes} - {"certificate", "valid for"}:
            command.append("--force-renewal")
        result = host.run(shlex.join(command), timeout=ISSUE_SECONDS)
        if not result.ok:
            raise CommandFailed(host.where, result, advice=advice(self.domain, result.stdout + result.stderr))


def _days(time: timedelta) -> str:
    if time <= timedelta():
        return "no more (expired)"
    return "1 day" if time.days == 1 else f"{time.days} days"
