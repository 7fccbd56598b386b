"""Listening: a service has come so far that it listens on its UDP port. systemd calls it active long before that."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.change import Change
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Host
from dify_aws.host.script import script

WAIT: Final = """\
for ((second = 0; second < $1; second++)); do
    listening=$(ss --no-header --numeric --listening --udp "sport = :$2")
    if [ -n "$listening" ]; then exit 0; fi
    sleep 1
done
systemctl status --no-pager --lines 5 "$3" >&2 || true
tail -n 15 -- "$4" >&2 || true
exit 1
"""


@dataclass(frozen=True)
class UdpPort(Fact[bool]):
    """Does anybody listen on this UDP port?"""

    port: int

    @property
    def name(self) -> str:
        return f"UDP port {self.port}"

    @property
    def script(self) -> str:
        return f"ss --no-header --numeric --listening --udp 'sport = :{self.port}'"

    def read(self, answer: Answer) -> bool:
        if answer.status:
            raise ValueError(f"status {answer.status}")
        return bool(re.search(rf":{self.port}\b", answer.text))


@dataclass(frozen=True, kw_only=True)
class Listening:
    """Somebody listens on a UDP port: the service that was started before, which is waited for.

    Args:
        port: of UDP.
        unit: who it should be, as systemd calls it.
        log: the file where it would say why it does not.
        seconds: how long it may take from its start.
        needs: the steps before it; None is all that stand before it in the list.
    """

    port: int
    unit: str
    log: str
    seconds: int = 60
    needs: Sequence[str] | None = None

    @property
    def name(self) -> str:
        return f"{self.unit} listens"

    def facts(self) -> Sequence[Fact[Any]]:
        return (UdpPort(self.port),)

    def check(self, facts: Facts) -> Sequence[Change]:
        """That somebody does."""
        return () if facts[UdpPort(self.port)] else (Change(f"UDP port {self.port}", "nobody", self.unit),)

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Wait for it.

        Raises:
            CommandFailed: nobody did in that time; with the end of the log.
        """
        host.must(
            script(WAIT, str(self.seconds), str(self.port), self.unit, self.log),
            again=True,
            advice=f"{self.unit} was started and does not listen; {self.log} above says why. Mend that, and run again.",
        )
