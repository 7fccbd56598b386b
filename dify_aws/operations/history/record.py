"""Record: what one run did to a deployment: what was desired, what came of it, who did it, with which versions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Self

from dify_aws.engine.plan import Plan
from dify_aws.host.report import Report
from dify_aws.operations.history.record_schema import parse_record
from dify_aws.outputs import Outputs
from dify_aws.printable import printable
from dify_aws.settings import Settings

PACKAGES: Final = ("dify-aws", "boto3")
IMAGE: Final = "image"
"""Stands among what was done for an image that runs, which the record has apart."""

SECRET_SETTINGS: Final = frozenset({"env"})
"""Settings whose values may be secret: only their names are recorded."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """One run, as it is kept. Nothing in it is secret.

    Args:
        number: 1 for the first of a deployment, then one more each time; 0 as long as it is not kept.
        account: the id of the account.
        deployment: its name, as "dify/dev".
        region: where it is.
        verb: what was run, as "apply"; "apply (failed)" if it did not come to its end.
        at: when, by AWS's clock.
        who: the ARN of who ran it.
        versions: of dify_aws, boto3 and Dify.
        settings: all of them; of ``env`` the names only.
        outputs: where everything was then; None after a destroy, and after what failed.
        images: the digest of each image that runs, by its reference; empty where none is known.
        changes: what was done in AWS, as the plan showed it, and the steps that changed something on the machine.
    """

    number: int = 0
    account: str
    deployment: str
    region: str
    verb: str
    at: datetime
    who: str
    versions: Mapping[str, str]
    settings: Mapping[str, Any]
    outputs: Mapping[str, Any] | None = None
    changes: Sequence[Mapping[str, Any]] = field(default=())
    images: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        counts = (
            ", ".join(f"{count} {verb if verb == 'done' else f'to {verb}'}" for verb, count in self._counts().items())
            or "nothing"
        )
        what = printable(f"{self.verb}: {counts}  by {self.who}")
        return f"{self.number:>4}  {self.at:%Y-%m-%d %H:%M:%S} UTC  {what}"

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        return {**asdict(self), "at": self.at.isoformat()}

    def to_json(self) -> str:
        """The same as JSON; its number is not in it, because that is where it is kept."""
        return json.dumps({name: value for name, value in self.to_dict().items() if name != "number"}, indent=2)

    @classmethod
    def read(cls, number: int, text: str, where: str) -> Self:
        """What :meth:`to_json` wrote; what a later version of dify_aws has added to it is passed over.

        Args:
            where: the address of the object, for the error.

        Raises:
            DifyAwsError: it is no record.
        """
        known = {each.name for each in fields(cls)}
        values = {name: value for name, value in parse_record(text, where).items() if name in known}
        return cls(**{**values, "number": number})

    @classmethod
    def of(
        cls,
        settings: Settings,
        changes: Sequence[Mapping[str, Any]],
        outputs: Outputs | None,
        *,
        verb: str,
        at: datetime,
        who: str,
        account: str,
    ) -> Self:
        """The record of a run that has just ended."""
        return cls(
            account=account,
            deployment=settings.deployment,
            region=settings.region,
            verb=verb,
            at=at,
            who=who,
            versions={**{package: _version(package) for package in PACKAGES}, "dify": settings.dify_version},
            settings=_recorded(settings),
            outputs=outputs.to_dict() if outputs else None,
            changes=[change for change in changes if change["verb"] != IMAGE],
            images={change["address"]: change["digest"] for change in changes if change["verb"] == IMAGE},
        )

    def _counts(self) -> dict[str, int]:
        verbs = [str(change["verb"]) for change in self.changes]
        return {verb: verbs.count(verb) for verb in dict.fromkeys(verbs)}


def changes_of(*done: Plan | Report) -> list[dict[str, Any]]:
    """What was done in AWS and on the machine. Of a step of the machine, its name: its files are not listed."""
    changes: list[dict[str, Any]] = []
    for part in done:
        if isinstance(part, Report):
            changes += [{"verb": "update", "address": f"machine: {step}"} for step in part.named("done")]
            if changes:
                changes += [{"verb": IMAGE, "address": each, "digest": of} for each, of in part.images.items()]
        elif part:
            changes += part.to_dict()["actions"]
    return changes


def _recorded(settings: Settings) -> dict[str, Any]:
    values = {each.name: getattr(settings, each.name) for each in fields(settings)}
    return {
        name: sorted(value) if name in SECRET_SETTINGS else dict(value) if isinstance(value, Mapping) else value
        for name, value in values.items()
    }


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
