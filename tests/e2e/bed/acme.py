"""Acme: Let's Encrypt of the bed's world, which looks for the proof from outside and then certifies a domain."""

import json
from dataclasses import dataclass
from http.client import HTTPConnection

from tests.e2e.bed.keys import Keys
from tests.e2e.bed.request import Answer, Request
from tests.e2e.bed.resolver import Resolver

SECONDS = 10


@dataclass
class Acme:
    """What it is asked is simpler than ACME, what it demands is the same: see stand_ins/certbot.py.

    Args:
        days: how long its certificates last.
    """

    keys: Keys
    resolver: Resolver
    days: int = 90

    def answer(self, request: Request) -> Answer:
        """``/acme/<domain>/<token>/<proof>``: the certificate and its key, or why not."""
        _, domain, token, proof = request.path.strip("/").split("/")
        address = self.resolver.addresses.get(domain)
        if address is None:
            return Answer(400, f"DNS problem: NXDOMAIN looking up A for {domain}")
        found = self._fetched(domain, address, token)
        if found != proof:
            return Answer(403, f"Invalid response from http://{domain}/.well-known/acme-challenge/{token}: {found}")
        made = self.keys.certify([domain], self.days)
        mark = "-----BEGIN CERTIFICATE-----"
        _, own, authority = made.chain.split(mark)
        files = {
            "cert": f"{mark}{own}",
            "chain": f"{mark}{authority}",
            "fullchain": made.chain,
            "privkey": made.private,
        }
        return Answer(200, json.dumps(files), "application/json")

    def _fetched(self, domain: str, address: str, token: str) -> str:
        connection = HTTPConnection(address, 80, timeout=SECONDS)
        try:
            connection.request("GET", f"/.well-known/acme-challenge/{token}", headers={"Host": domain})
            answer = connection.getresponse()
            text = answer.read(1000).decode(errors="replace")
            return text if answer.status == 200 else f"{answer.status} {text}"
        except OSError as error:
            return str(error)
        finally:
            connection.close()
