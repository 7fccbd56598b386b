"""Texts of others, of any length and depth, are read in linear time: each of these takes a quadratic reader hours."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from dify_aws.aws.create_request import tag_map
from dify_aws.aws.errors import clock_skew, denial
from dify_aws.aws.errors.error_translation import MARKETPLACE, refusal
from dify_aws.aws.policy import PolicyDocument
from dify_aws.aws.retry_rule import retry_rules
from dify_aws.errors import AwsError
from dify_aws.foreign_json import MOST_CHARACTERS, MOST_LEVELS, parse_json
from dify_aws.host.host import Result
from dify_aws.host.packages.apt import ADVICE, LOCK_OWNER, LOCKED
from dify_aws.operations.access.host_key import KEYS_BEGIN, KEYS_END, console_keys
from dify_aws.printable import printable
from dify_aws.runtimes.compose.docker_error import Trouble, trouble
from dify_aws.runtimes.compose.https import certificate_errors

LENGTH: Final = 1_000_000
LONG: Final = [
    " ",
    "\n",
    "a",
    "9",
    "\x1b",
    "ssh-",
    ":1",
    "locked by ",
    "held by process 1 (",
    "manifest for ",
    "removal of container ",
    "failed to resolve reference ",
    "https://aws.amazon.com/marketplace/",
    "Encoded authorization failure message: ",
    "not authorized to perform: a",
    KEYS_BEGIN,
    KEYS_BEGIN + " ssh-ed25519 A",
    KEYS_END,
    "{",
    "[",
    '"',
    "[[1,",
]


@pytest.fixture(params=LONG, ids=range(len(LONG)))
def text(request: pytest.FixtureRequest) -> str:
    piece: str = request.param
    return piece * (LENGTH // len(piece)) + "!"


def test_what_aws_says(text: str) -> None:
    answer: Any = type("Refused", (), {"response": {"Error": {"Code": "UnauthorizedOperation", "Message": text}}})()
    assert refusal("ec2.CreateVpc", answer, "ap-northeast-1").code == "UnauthorizedOperation"
    MARKETPLACE.search(text)
    clock_skew.advice("InvalidSignatureException", text, {})
    denial.advice(text, "ec2:CreateVpc")
    error = AwsError("ec2.RunInstances", "InvalidParameterValue", text)
    assert not any(row.explains(error, False) for row in retry_rules())


def test_what_a_host_says(text: str) -> None:
    result = Result("docker pull x", 1, text.encode(), b"", 0.0)
    assert isinstance(trouble(result), Trouble)
    assert certificate_errors.advice("dify.example.com", text)
    LOCKED.search(text)
    LOCK_OWNER.findall(text)
    assert ADVICE
    assert len(printable(text)) >= len(text)


def test_what_a_console_says(text: str) -> None:
    assert isinstance(console_keys(text), dict)
    assert isinstance(console_keys(KEYS_BEGIN + text + KEYS_END), dict)


def test_json_of_any_length_and_depth(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_json(text)
    assert PolicyDocument.read(text) != PolicyDocument.of([])


@pytest.mark.parametrize("levels", [MOST_LEVELS + 1, 900, 100_000])
@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}")])
def test_json_is_read_within_bounds(levels: int, begin: str, end: str) -> None:
    """What Python's own reader takes may still end whoever walks through it."""
    with pytest.raises(ValueError, match="levels deep"):
        parse_json(begin * levels + "1" + end * levels)
    deepest = parse_json(begin * MOST_LEVELS + "1" + end * MOST_LEVELS)
    assert json.dumps(deepest).count("1") == 1
    with pytest.raises(ValueError, match="characters"):
        parse_json(" " * (MOST_CHARACTERS + 1))


@pytest.mark.parametrize(
    ("tags", "read"),
    [
        ([{"Key": "a"}], {"a": ""}),
        ([{"Key": "a", "Value": None}], {"a": ""}),
        ([{"Value": "b"}, {"Key": None, "Value": "b"}, {"Key": 1, "Value": "b"}, {}], {}),
        ([None, "a", ["a"], {"Key": "a", "Value": "b"}], {"a": "b"}),
        ({"a": 1, "b": "c", None: "d"}, {"a": "", "b": "c"}),
        ("tags", {}),
        (None, {}),
    ],
)
def test_tags_of_any_form(tags: object, read: dict[str, str]) -> None:
    """In Secrets Manager and CloudTrail a tag may have no value."""
    assert tag_map(tags) == read
