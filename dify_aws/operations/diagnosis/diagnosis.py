"""Diagnosis: what was looked at, what is the matter with it, and what to do, as a value to print, save and compare."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeAlias

from dify_aws.presentation import JsonMixin, NotebookMixin
from dify_aws.printable import printable

Condition: TypeAlias = Literal["ok", "warning", "wrong", "unknown"]

SIGNS: Final[dict[Condition, str]] = {"ok": "✓", "warning": "!", "wrong": "✗", "unknown": "?"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. It holds no secret.

    Args:
        subject: what it is: "instance", "port 443", "container api".
        condition: ``ok``; ``warning``: it works, and will not for ever; ``wrong``; ``unknown``: nobody could tell.
        evidence: what was seen.
        remedy: what to do; empty if there is nothing to do.
    """

    subject: str
    condition: Condition
    evidence: str
    remedy: str = ""

    def __post_init__(self) -> None:
        for name in ("subject", "evidence", "remedy"):
            object.__setattr__(self, name, printable(getattr(self, name)))

    def __str__(self) -> str:
        lines = f"{SIGNS[self.condition]} {self.subject}: {self.evidence}"
        if self.remedy:
            lines += f"\n→ {self.remedy}"
        return lines.replace("\n", "\n    ")


def ok(subject: str, evidence: str) -> Finding:
    """It is as it should be."""
    return Finding(subject, "ok", evidence)


def warning(subject: str, evidence: str, remedy: str) -> Finding:
    """It works, and somebody should look at it."""
    return Finding(subject, "warning", evidence, remedy)


def wrong(subject: str, evidence: str, remedy: str) -> Finding:
    """It does not work, or will not when it is needed."""
    return Finding(subject, "wrong", evidence, remedy)


def unknown(subject: str, evidence: str, remedy: str = "") -> Finding:
    """Nobody could tell."""
    return Finding(subject, "unknown", evidence, remedy)


NOTHING: Final = "deployment"
"""The subject of the only finding where there is no such deployment."""


@dataclass(frozen=True)
class Diagnosis(JsonMixin, NotebookMixin):
    """All findings, in the order of the path from AWS to Dify. It is true when something is wrong.

    It prints as text, shows itself in a notebook and in rich, and :meth:`to_json` gives it to other programs.
    ``diagnosis["instance"]`` is one finding.
    """

    deployment: str
    region: str
    findings: tuple[Finding, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.named("wrong"))

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __getitem__(self, subject: str) -> Finding:
        """Raises KeyError if that was not looked at."""
        for finding in self.findings:
            if finding.subject == subject:
                return finding
        raise KeyError(subject)

    def __str__(self) -> str:
        return "\n".join([self.title(), *map(str, () if self.is_of_nothing else self.findings)])

    @property
    def is_of_nothing(self) -> bool:
        """Whether there is no such deployment; then the title says all."""
        return [finding.subject for finding in self.findings] == [NOTHING]

    def named(self, *conditions: Condition) -> tuple[str, ...]:
        """The subjects that are in one of these conditions."""
        return tuple(finding.subject for finding in self.findings if finding.condition in conditions)

    def summary(self) -> str:
        """One line: how many of each, the worst first."""
        counts = [(condition, len(self.named(condition))) for condition in ("wrong", "warning", "unknown", "ok")]
        return ", ".join(f"{count} {condition}" for condition, count in counts if count) or "nothing was looked at"

    def title(self) -> str:
        """Which deployment, and the summary."""
        if self.is_of_nothing:
            return f"{self.deployment} in {self.region}: {self.findings[0].evidence}. {self.findings[0].remedy}"
        return f"{self.deployment} in {self.region}: {self.summary()}"

    def to_dict(self) -> dict[str, Any]:
        """The diagnosis as plain values."""
        return {
            "deployment": self.deployment,
            "region": self.region,
            "summary": self.summary(),
            "findings": [asdict(finding) for finding in self.findings],
        }

    def __rich__(self) -> Any:
        from dify_aws.operations.diagnosis.diagnosis_rendering import render_diagnosis

        return render_diagnosis(self)
