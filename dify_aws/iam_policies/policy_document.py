"""PolicyDocument: the grants of one place (project, environment, account, region) as IAM reads them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from dify_aws.aws.physical_name import physical_name
from dify_aws.iam_policies.grants import Condition, Grant
from dify_aws.topologies.account import Account

Document = dict[str, Any]

MANAGED_POLICY: Final = 6144
"""Characters that a managed policy may have, white space not counted.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""


@dataclass(frozen=True)
class Place:
    """What grants are filled in with.

    Args:
        project: the first part of every name.
        environment: the second part.
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

    That is where they have the same condition, and the same actions or resources, or nothing to do with each other's
    services.
    """
    statements = [
        {**each, "Action": _several(each["Action"]), "Resource": _several(each["Resource"])}
        for document in documents
        for each in document["Statement"]
    ]
    for can_be_joined in (_same_actions, _same_resources_or_services):
        statements = _pairwise(statements, can_be_joined)
    for statement in statements:
        statement.pop("Sid", None)
        for part in ("Action", "Resource"):
            statement[part] = _one_or_more(statement[part])
    return {"Version": "2012-10-17", "Statement": statements}


def _pairwise(statements: Iterable[Document], can_be_joined: Callable[[Document, Document], bool]) -> list[Document]:
    found: list[Document] = []
    for statement in statements:
        partner = next(
            (
                each
                for each in found
                if each.get("Condition") == statement.get("Condition") and can_be_joined(each, statement)
            ),
            None,
        )
        if partner is None:
            found.append(statement)
        else:
            for part in ("Action", "Resource"):
                partner[part] += [each for each in statement[part] if each not in partner[part]]
    return found


def _same_actions(one: Document, other: Document) -> bool:
    return bool(one["Action"] == other["Action"])


def _same_resources_or_services(one: Document, other: Document) -> bool:
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
    statement: Document = {"Sid": grant.sid, "Effect": "Allow", "Action": _one_or_more(actions)}
    statement["Resource"] = _one_or_more([place.arn(each) for each in grant.on])
    if grant.when:
        statement["Condition"] = _condition(place, grant.when)
    return statement


def _condition(place: Place, when: Condition) -> Document:
    conditions: Document = {}
    for operator, keys in when.items():
        for key, value in keys.items():
            values = [place.fill(each) for each in ([value] if isinstance(value, str) else value)]
            exactly = "StringLike" if any("*" in each for each in values) else "StringEquals"
            conditions.setdefault(operator.replace("StringIs", exactly), {})[key] = _one_or_more(values)
    return conditions


def _several(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _one_or_more(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
