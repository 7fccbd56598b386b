"""Resolver: names of the bed's world; what is not served does not exist."""

import socket
import struct
from dataclasses import dataclass, field

from tests.e2e.bed.addresses import GATEWAY, SERVED
from tests.e2e.bed.journal import Journal

HEADER = struct.Struct("!HHHHHH")
A_RECORD = struct.Struct("!HHHIH")
RESPONSE = 0x8580  # an answer, authoritative, recursion available
NO_SUCH_NAME = 3
ADDRESS = 1
SECONDS = 30


@dataclass(frozen=True)
class Resolver:
    """DNS over UDP.

    Args:
        addresses: of each name; more may come and go.
    """

    journal: Journal
    addresses: dict[str, str] = field(default_factory=lambda: dict.fromkeys(SERVED, GATEWAY))

    def serve(self, address: str) -> None:
        """Answer for ever."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind((address, 53))
            while True:
                query, client = server.recvfrom(2048)
                if answer := self._answer(query):
                    server.sendto(answer, client)

    def _answer(self, query: bytes) -> bytes | None:
        try:
            number, *_ = HEADER.unpack_from(query)
            name, end = _name(query, HEADER.size)
            kind, _ = struct.unpack_from("!HH", query, end)
        except (struct.error, IndexError):
            return None
        question = query[HEADER.size : end + 4]
        fault = self.journal.requested("DNS", name, "/dns")
        address = self.addresses.get(name)
        if fault or address is None:
            return HEADER.pack(number, RESPONSE | NO_SUCH_NAME, 1, 0, 0, 0) + question
        if kind != ADDRESS:
            return HEADER.pack(number, RESPONSE, 1, 0, 0, 0) + question
        record = A_RECORD.pack(0xC000 | HEADER.size, ADDRESS, 1, SECONDS, 4) + socket.inet_aton(address)
        return HEADER.pack(number, RESPONSE, 1, 1, 0, 0) + question + record


def _name(query: bytes, start: int) -> tuple[str, int]:
    labels = []
    while length := query[start]:
        labels.append(query[start + 1 : start + 1 + length].decode("latin-1").lower())
        start += 1 + length
    return ".".join(labels), start + 1
