"""IamPolicy: a small judge of IAM policies, for what ours use. What it does not know is an error, and no guess.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

Context = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Request:
    """One question to IAM: may this be done to that? ``context`` are the condition keys that AWS would know."""

    action: str
    resource: str
    context: Context = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        described = ", ".join(f"{key}={'|'.join(values)}" for key, values in sorted(self.context.items()))
        return f"{self.action} on {self.resource} [{described}]"


@dataclass(frozen=True)
class Grip:
    """What of a statement has been used: ``part`` is one of its actions or of its resources."""

    statement: str
    part: str


class Policies:
    """The policies of one identity together. ``used`` are the parts of statements that have allowed something."""

    def __init__(self, documents: Mapping[str, Mapping[str, Any]]) -> None:
        self._statements = [
            (f"{name}/{statement.get('Sid', number)}", statement)
            for name, document in documents.items()
            for number, statement in enumerate(document["Statement"])
        ]
        self.used: set[Grip] = set()

    def allow(self, request: Request) -> bool:
        """Some statement allows it, and none denies it."""
        return bool(self.allowing(request))

    def allowing(self, request: Request) -> list[str]:
        """The statements that allow it; none if one denies it."""
        allowing, denied = [], False
        for name, statement in self._statements:
            if parts := _parts(statement, request):
                self.used |= {Grip(name, part) for part in parts}
                denied |= statement["Effect"] == "Deny"
                allowing += [name] if statement["Effect"] == "Allow" else []
        return [] if denied else allowing

    def unused(self) -> set[Grip]:
        """The actions and resources in statements that allow, and have allowed nothing yet."""
        return {
            Grip(name, part)
            for name, statement in self._statements
            if statement["Effect"] == "Allow"
            for part in (*_list(statement["Action"]), *_list(statement["Resource"]))
        } - self.used


def _parts(statement: Mapping[str, Any], request: Request) -> set[str]:
    """The actions and resources of a statement that match; nothing if the statement is not about the request."""
    if unknown := statement.keys() - {"Sid", "Effect", "Action", "NotAction", "Resource", "Condition"}:
        raise NotImplementedError(f"{sorted(unknown)} in a statement")
    resources = {each for each in _list(statement["Resource"]) if _arn_matches(each, request.resource)}
    if "NotAction" in statement:
        excluded = any(_action_matches(each, request.action) for each in _list(statement["NotAction"]))
        actions = set() if excluded else {request.action}
    else:
        actions = {each for each in _list(statement["Action"]) if _action_matches(each, request.action)}
    if not actions or not resources or not _holds(statement.get("Condition", {}), request.context):
        return set()
    return actions | resources


def _action_matches(pattern: str, action: str) -> bool:
    return fnmatchcase(action.lower(), pattern.lower())


def _arn_matches(pattern: str, arn: str) -> bool:
    # An asterisk does not reach over the colon to the next part, but in the last one it does.
    if pattern == "*":
        return True
    wanted, given = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(given) and all(fnmatchcase(*pair) for pair in zip(given, wanted, strict=True))


def _holds(condition: Mapping[str, Mapping[str, Any]], context: Context) -> bool:
    return all(
        _test(operator, context.get(key), [str(each) for each in _list(values)])
        for operator, keys in condition.items()
        for key, values in keys.items()
    )


def _test(operator: str, given: tuple[str, ...] | None, wanted: list[str]) -> bool:
    if operator == "Null":
        return (given is None) == (wanted == ["true"])
    every = operator.startswith("ForAllValues:")
    if_exists = operator.endswith("IfExists")
    compare = OPERATORS.get(operator.removeprefix("ForAllValues:").removesuffix("IfExists"))
    if compare is None:
        raise NotImplementedError(f"the operator {operator}")
    if given is None:
        return every or if_exists
    if not every and len(given) != 1:
        raise NotImplementedError(f"{operator} on several values: {given}")
    return all(any(compare(value, each) for each in wanted) for value in given)


OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": str.__eq__,
    "StringLike": fnmatchcase,
    "NumericEquals": lambda given, wanted: float(given) == float(wanted),
}


def _list(value: str | Iterable[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
