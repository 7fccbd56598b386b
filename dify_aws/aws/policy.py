"""Policy: a policy document of IAM or S3 as a value: two that mean the same are equal, however AWS tells them.

AWS keeps what a policy means and not how it was written: arrays come back in another order, a list of one as its item,
a list of one statement as that statement, an account as the ARN of its root user, true as "true".
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from dify_aws.foreign_json import parse_json

ELEMENTS: Final = {
    name.lower(): name
    for name in (
        "Version",
        "Id",
        "Statement",
        "Sid",
        "Effect",
        "Principal",
        "NotPrincipal",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Condition",
    )
}
"""The elements by their name in lower case: AWS takes and tells them in any case."""

ACTIONS: Final = ("Action", "NotAction")
PRINCIPALS: Final = ("Principal", "NotPrincipal")
ROOT_USER: Final = re.compile(r"arn:[a-z-]+:iam::(\d{12}):root")

UNREADABLE: Final = "unreadable"
"""The element of a document that is not one: it equals nothing that anybody wishes for, so it is put right."""


class PolicyValue(dict[str, Any]):
    """A part of a policy as it was written or given, compared by what it means.

    It is a dict like any other to whoever reads or prints it; nobody changes it.
    """

    def normalized(self) -> Any:
        """The one form that all parts which mean the same have in common."""
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Mapping) and not isinstance(other, PolicyValue):
            other = type(self)(other)
        return isinstance(other, type(self)) and self.normalized() == other.normalized()

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:  # type: ignore[override]  # a dict has none, because it can be changed; this one is not
        return hash(_text(self.normalized()))


class Condition(PolicyValue):
    """The Condition of a statement."""

    def normalized(self) -> Any:
        """The operators, and the keys in lower case, each with the set of its values."""
        return {
            operator: {key: _set(_word(value) for value in _listed(values)) for key, values in _keys(given).items()}
            for operator, given in self.items()
        }


class Statement(PolicyValue):
    """One statement of a policy."""

    def element(self, name: str) -> Any:
        """The element of this name, in whatever case it was given; None if it has none."""
        return _named(self).get(name)

    def normalized(self) -> Any:
        """The elements, with arrays as sets."""
        return {name: _element(name, value) for name, value in _named(self).items() if value != {}}


class PolicyDocument(PolicyValue):
    """A whole policy."""

    @classmethod
    def read(cls, given: str | Mapping[str, Any] | None) -> PolicyDocument:
        """The policy that AWS tells, as text or already decoded; an empty one if there is none. Never raises."""
        if isinstance(given, str):
            try:
                given = parse_json(given)
            except ValueError:
                return cls({UNREADABLE: given})
        return cls(given) if isinstance(given, Mapping) else cls({} if given is None else {UNREADABLE: _text(given)})

    @classmethod
    def of(cls, statements: Iterable[Mapping[str, Any]]) -> PolicyDocument:
        """The policy of these statements, in the current version of the language."""
        return cls({"Version": "2012-10-17", "Statement": list(statements)})

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Its statements, also where there is one and no list."""
        given = _listed(_named(self).get("Statement", ()))
        return tuple(Statement(each if isinstance(each, Mapping) else {UNREADABLE: each}) for each in given)

    def normalized(self) -> Any:
        """The elements, with the statements as a set."""
        whole = dict(_named(self))
        whole["Statement"] = _set(each.normalized() for each in self.statements)
        return whole

    def text(self) -> str:
        """The document as AWS takes it."""
        return json.dumps(self)


def _named(part: Mapping[str, Any]) -> dict[str, Any]:
    return _renamed(part, lambda name: ELEMENTS.get(name.lower(), name))


def _keys(given: Any) -> dict[str, Any]:
    """The condition keys of an operator. They have no case; their values have.
    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html
    """
    return _renamed(given, str.lower) if isinstance(given, Mapping) else {UNREADABLE: given}


def _renamed(part: Mapping[str, Any], rename: Callable[[str], str]) -> dict[str, Any]:
    """With other names, unless two would become one: nothing of a policy is dropped from sight."""
    renamed = {rename(str(name)): value for name, value in part.items()}
    return renamed if len(renamed) == len(part) else dict(part)


def _element(name: str, value: Any) -> Any:
    if name == "Condition" and isinstance(value, Mapping):
        return Condition(value).normalized()
    if name in PRINCIPALS:
        return _principal(value)
    values = [str(each) for each in _listed(value)]
    # Actions have no case. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html
    return _set(each.lower() for each in values) if name in ACTIONS else _set(values)


def _principal(value: Any) -> Any:
    if not isinstance(value, Mapping):
        # "*" and {"AWS": "*"} are the same.
        value = {"AWS": value}
    return {kind: _set(ROOT_USER.sub(r"\1", str(each)) for each in _listed(its)) for kind, its in value.items()}


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple | set | frozenset) else [value]


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _set(values: Iterable[Any]) -> list[Any]:
    """In one order and each once: JSON has no sets."""
    return list({_text(each): each for each in sorted(values, key=_text)}.values())


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
