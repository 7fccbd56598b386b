"""A policy is a value: two that mean the same are equal, and no two others are."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any, Final

import pytest

from dify_aws.aws.policy import Condition, PolicyDocument, Statement
from dify_aws.change import Change
from tests.support.rewritten import rewritten

ROLE: Final = "arn:aws:iam::123456789012:role/x"
POLICY: Final[dict[str, Any]] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Read",
            "Effect": "Allow",
            "Principal": {"AWS": [ROLE, "123456789012"], "Service": "cloudtrail.amazonaws.com"},
            "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"],
            "Condition": {
                "StringLike": {"aws:SourceArn": ["arn:aws:x:::1", "arn:aws:x:::2"], "s3:prefix": ["records/*"]},
                "Bool": {"aws:SecureTransport": "true"},
            },
        },
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"},
    ],
}


@pytest.mark.parametrize("seed", range(60))
def test_the_same_written_otherwise_is_the_same(seed: int) -> None:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html"""
    other = PolicyDocument.read(json.dumps(rewritten(POLICY, seed)))
    assert other == PolicyDocument(POLICY)
    assert PolicyDocument(POLICY) == other
    assert hash(other) == hash(PolicyDocument(POLICY))
    assert other == POLICY
    assert set(other.statements) == set(PolicyDocument(POLICY).statements)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"Action": "S3:getobject"}, {"Action": "s3:GetObject"}),
        ({"Principal": "*"}, {"Principal": {"AWS": "*"}}),
        ({"Principal": {"AWS": "123456789012"}}, {"Principal": {"AWS": "arn:aws:iam::123456789012:root"}}),
        ({"Principal": {"AWS": "123456789012"}}, {"Principal": {"AWS": "arn:aws-cn:iam::123456789012:root"}}),
        ({"Condition": {"Bool": {"aws:Via": False}}}, {"Condition": {"Bool": {"AWS:via": "false"}}}),
        ({"Condition": {"NumericEquals": {"x": 22}}}, {"Condition": {"NumericEquals": {"x": ["22"]}}}),
        ({"Condition": {}}, {}),
    ],
)
def test_what_aws_takes_for_the_same_is_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert Statement(one) == Statement(other)


def changed(change: Any) -> dict[str, Any]:
    policy = deepcopy(POLICY)
    change(policy["Statement"][0])
    return policy


@pytest.mark.parametrize(
    "other",
    [
        changed(lambda each: each.update(Effect="Deny")),
        changed(lambda each: each.update(Sid="Another")),
        changed(lambda each: each["Action"].append("s3:PutObject")),
        changed(lambda each: each["Action"].pop()),
        changed(lambda each: each.update(NotAction=each.pop("Action"))),
        changed(lambda each: each["Resource"].append("*")),
        changed(lambda each: each.update(Resource=["arn:aws:s3:::B", "arn:aws:s3:::b/*"])),
        changed(lambda each: each["Principal"]["AWS"].append("*")),
        changed(lambda each: each.update(Principal="*")),
        changed(lambda each: each.update(NotPrincipal=each.pop("Principal"))),
        changed(lambda each: each["Condition"]["Bool"].update({"aws:SecureTransport": "false"})),
        changed(lambda each: each["Condition"]["StringLike"].update({"s3:prefix": "*"})),
        changed(lambda each: each["Condition"]["StringLike"].update({"S3:PREFIX": "*"})),
        changed(lambda each: each.pop("Condition")),
        changed(lambda each: each.update(action="s3:*")),
        {**POLICY, "Version": "2008-10-17"},
        {**POLICY, "Statement": POLICY["Statement"][:1]},
        {**POLICY, "Statement": [*POLICY["Statement"], {}]},
    ],
)
def test_another_policy_is_another(other: dict[str, Any]) -> None:
    """Nothing that gives or takes a right is overlooked, however it is written."""
    assert PolicyDocument(other) != PolicyDocument(POLICY)
    assert PolicyDocument.read(json.dumps(other)) != POLICY


@pytest.mark.parametrize(
    "message", ["", "{", "[1]", '"x"', "null", '{"Statement": 7}', '{"Statement": ["x"]}', "[" * 9000]
)
def test_what_is_no_policy_equals_nothing_that_is_desired(message: str) -> None:
    """And it can be read, so that it can be put right."""
    read = PolicyDocument.read(message)
    assert read != PolicyDocument(POLICY)
    assert isinstance(read.statements, tuple)
    assert json.loads(read.text()) == read


def test_a_change_shows_what_is_another_and_nothing_else() -> None:
    same, other = PolicyDocument(rewritten(POLICY, 7)), PolicyDocument.of([{"Sid": "Other"}])
    change = Change("policies", {"same": PolicyDocument(POLICY), "gone": other}, {"same": same})
    assert change.difference() == "- gone: {Statement: [{Sid: Other}], Version: 2012-10-17}"
    assert Change("c", Condition({"Bool": {"a": "b"}}), Condition()).difference() == "- Bool: {a: b}"
