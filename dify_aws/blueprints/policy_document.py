"""PolicyDocument: the grants of one place (project, environment, account, region) as IAM reads them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from dify_aws.aws.physical_name import physical_name
from dify_aws.blueprints.account import Account
from dify_aws.blueprints.grants import Condition, Grant

Document = dict[str, Any]

EVERY: Final = "*"
"""In place of an environment: all of a project."""

MANAGED_POLICY: Final = 6144
"""Characters that a managed policy may have, white space not counted.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


@dataclass(frozen=True)
class Place:
    """What grants are filled in with.

    Args:
        project: the first part of every name.
        environment: the second part, or :data:`EVERY`.
        account: where it is.
        image: the AMI that machines are made from, or "*".
    """

    project: str
    environment: str
    account: Account
    image: str = "*"

    def fill(self, text: str) -> str:
        """``text`` with its fields in braces filled in."""
        return text.format(
            project=self.project,
            environment=self.environment,
            deployment=f"{self.project}/{self.environment}",
            name=physical_name(f"{self.project}/{self.environment}"),
            account=self.account.id,
            region=self.account.region,
            image=self.image,
        )

    def arn(self, text: str) -> str:
        """The ARN that ``text`` is the end of; "*" is everything."""
        return text if text == "*" else f"arn:{self.account.partition}:{self.fill(text)}"


def document(place: Place, grants: Iterable[Grant], allowed: Collection[str] | None = None) -> Document:
    """The policy of ``grants``; of their actions only those in ``allowed``, if that is given."""
    statements = []
    for grant in grants:
        actions = [action for action in grant.named() if allowed is None or action in allowed]
        if actions:
            statements.append(_statement(place, grant, sorted(actions)))
    return {"Version": "2012-10-17", "Statement": statements}


def joined(*documents: Document) -> Document:
    """One policy for several, shorter, that allows the same: statements are put together where nothing is added by it.

    That is where they have the same condition, and the same resources or nothing to do with each other's services.
    """
    statements: list[Document] = []
    for statement in (each for document in documents for each in document["Statement"]):
        said = {**statement, "Action": _several(statement["Action"]), "Resource": _several(statement["Resource"])}
        del said["Sid"]
        partner = next((each for each in statements if _can_be_joined(each, said)), None)
        if partner is None:
            statements.append(said)
        else:
            for part in ("Action", "Resource"):
                partner[part] += [each for each in said[part] if each not in partner[part]]
    for statement in statements:
        for part in ("Action", "Resource"):
            statement[part] = _one_or_more(statement[part])
    return {"Version": "2012-10-17", "Statement": statements}


def _can_be_joined(one: Document, other: Document) -> bool:
    if one.get("Condition") != other.get("Condition"):
        return False
    if one["Resource"] == other["Resource"]:
        return True
    return "*" not in one["Resource"] + other["Resource"] and _services(one).isdisjoint(_services(other))


def _services(statement: Document) -> set[str]:
    named = {action.partition(":")[0] for action in statement["Action"]}
    return named | {arn.split(":")[2] for arn in statement["Resource"]}


def size(document: Mapping[str, Any]) -> int:
    """How many characters IAM counts."""
    return len(json.dumps(document, separators=(",", ":")))


def _statement(place: Place, grant: Grant, actions: list[str]) -> Document:
    said: Document = {"Sid": grant.sid, "Effect": "Allow", "Action": _one_or_more(actions)}
    arns = [place.arn(each) for each in grant.on]
    # Of all environments together, one name may be like another.
    said["Resource"] = _one_or_more([each for each in arns if not any(_within(each, other) for other in arns)])
    if grant.when:
        said["Condition"] = _condition(place, grant.when)
    return said


def _condition(place: Place, when: Condition) -> Document:
    said: Document = {}
    for operator, keys in when.items():
        for key, value in keys.items():
            values = [place.fill(each) for each in ([value] if isinstance(value, str) else value)]
            exactly = "StringLike" if any("*" in each for each in values) else "StringEquals"
            said.setdefault(operator.replace("StringIs", exactly), {})[key] = _one_or_more(values)
    return said


def _within(arn: str, pattern: str) -> bool:
    return arn != pattern and fnmatchcase(arn, pattern)


def _several(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _one_or_more(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
