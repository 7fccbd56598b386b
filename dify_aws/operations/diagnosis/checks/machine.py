"""Machine: what the machine itself answers: its disks, memory, clock, services, containers and certificate.

Each check is like a step that has no ``apply``: it says what to ask, and what the answers mean. So all of them are
asked in one round trip, and each is shown by cases of data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from dify_aws.host.fact import Fact, Facts
from dify_aws.host.host import Host
from dify_aws.host.steps.service import Unit
from dify_aws.operations.diagnosis.checks.containers import Containers
from dify_aws.operations.diagnosis.checks.host_resources import HostResources
from dify_aws.operations.diagnosis.diagnosis import Finding, ok, unknown, warning, wrong
from dify_aws.runtimes.compose.agent import UNIT as AGENT
from dify_aws.runtimes.compose.last_log_lines import LastLogLines
from dify_aws.runtimes.compose.steps.certificate import MINIMUM, CertificateOf
from dify_aws.settings import Settings


class MachineCheck(Protocol):
    """A check of what the machine answers."""

    @property
    def subject(self) -> str: ...

    def facts(self) -> Sequence[Fact[Any]]: ...

    def look(self, facts: Facts) -> Iterator[Finding]: ...


@dataclass(frozen=True)
class Running:
    """A service of systemd that has to run."""

    unit: str
    remedy: str = "install() starts it, and tells the end of its log if it does not stay up."

    @property
    def subject(self) -> str:
        return self.unit

    def facts(self) -> Sequence[Fact[Any]]:
        return (Unit(self.unit),)

    def look(self, facts: Facts) -> Iterator[Finding]:
        found = facts[Unit(self.unit)]
        if found.load == "not-found":
            yield wrong(self.unit, "is not installed", "install() installs it.")
        elif found.active == "active":
            yield ok(self.unit, "runs")
        else:
            yield wrong(self.unit, f"is {found.active}", self.remedy)


@dataclass(frozen=True)
class CertificateAge:
    """The certificate of the domain: it is there, the right one, and has time left."""

    domain: str
    subject = "certificate"

    def facts(self) -> Sequence[Fact[Any]]:
        return (CertificateOf(self.domain),)

    def look(self, facts: Facts) -> Iterator[Finding]:
        found = facts[CertificateOf(self.domain)]
        renewed = "install() gets one, and tells what the certificate authority says."
        if not found.there:
            yield wrong(self.subject, f"there is none for {self.domain}", renewed)
        elif not found.usable:
            past = "has expired" if found.left <= timedelta() else "is not for this domain, or not for its key"
            yield wrong(self.subject, past, renewed)
        elif found.for_trials:
            yield warning(self.subject, f"is for trials only ({found.issuer})", renewed)
        elif found.left < MINIMUM:
            evidence = f"{found.left.days} days are left, and it should have been renewed long ago"
            yield warning(self.subject, evidence, "Look at systemctl status dify-certificate there. " + renewed)
        else:
            yield ok(self.subject, f"{found.left.days} days are left ({found.issuer})")


def checks(settings: Settings, clock: Callable[[], float]) -> Sequence[MachineCheck]:
    """All of them."""
    found: list[MachineCheck] = [HostResources(clock), Running("docker.service"), Running(AGENT), Containers()]
    return [*found, CertificateAge(settings.domain)] if settings.domain else found


def look(host: Host, wanted: Sequence[MachineCheck], mask: Callable[[str], str] | None) -> Iterator[Finding]:
    """Ask the machine, and tell. One that cannot be understood keeps none from being told.

    Args:
        mask: takes the secrets out of what containers said; None: they are not known, so nothing is shown of it.
    """
    facts = host.ask(fact for check in wanted for fact in check.facts())
    findings: list[Finding] = []
    for check in wanted:
        try:
            findings += check.look(facts)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told as that
            findings.append(unknown(check.subject, str(error)))
    ill = {
        finding.subject: LastLogLines(finding.subject.removeprefix("container "))
        for finding in findings
        if finding.condition != "ok" and finding.subject.startswith("container ")
    }
    logs = host.ask(ill.values()) if ill and mask else None
    for finding in findings:
        if logs and mask and finding.subject in ill:
            yield _with_log(finding, mask(logs[ill[finding.subject]]))
        else:
            yield finding


def _with_log(finding: Finding, log: str) -> Finding:
    shown = f"\nits log ends with:\n{log}" if log else "\nits log is empty"
    return Finding(finding.subject, finding.condition, finding.evidence + shown, finding.remedy)
