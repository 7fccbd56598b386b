"""Names of dify_aws are standard terms: the private words that were replaced do not come back."""

import io
import re
import tokenize
from collections.abc import Iterator
from typing import Final

import pytest

from tests.house.source import ROOT, Source, sources

PRIVATE: Final = {
    "asked": "requested, queried",
    "birth": "create_request",
    "born": "created",
    "census": "read_cache",
    "clings": "delete_conflict",
    "dead": "killed",
    "death": "kill",
    "die": "kill",
    "died": "killed",
    "dies": "killed",
    "door": "ingress_rule, port_22, aws_client",
    "doubt": "unsafe_retries",
    "gone": "deleted, missing",
    "heard": "received",
    "held": "locked_by, kept",
    "holder": "owner",
    "knock": "check_port",
    "knocked": "check_port",
    "looked": "observed, read",
    "mend": "repair, fix",
    "mended": "repaired",
    "mine": "own",
    "patience": "retry, timeout",
    "retold": "response",
    "said": "text, message",
    "scene": "context",
    "shelf": "store",
    "sighting": "observation",
    "spoil": "drift",
    "spoils": "drift",
    "spoilt": "drift",
    "survey": "discovery",
    "teller": "emitter",
    "told": "response, output, message",
    "twin": "duplicate",
    "twins": "duplicates",
    "visitor": "open_access",
    "wish": "desired",
    "wished": "desired",
    "wishes": "desired",
    "witness": "recorder",
}
"""Each private word, with the standard terms for it. docs/glossary.md has the terms of our own that stay."""


def private_words(source: Source, words: frozenset[str]) -> Iterator[str]:
    """The names of a file that have one of these words in them, with their lines.

    Args:
        source: the file.
        words: in lower case.
    """
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.NAME and words.intersection(parts(token.string)):
            yield f"{source.path}:{token.start[0]} {token.string}"


def parts(name: str) -> list[str]:
    """The words of a name in snake_case or CamelCase, in lower case."""
    return [part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


def named() -> Iterator[Source]:
    """The library and its tests, but for this file, which has the words."""
    return (
        source
        for source in sources()
        if source.within("dify_aws/", "tests/") and not source.within("tests/house/test_plain_names.py")
    )


def test_replaced_words_do_not_come_back() -> None:
    """A word that was replaced is in no name of the library, nor of its tests."""
    assert [name for source in named() for name in private_words(source, frozenset(PRIVATE))] == []


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("def _census_of(aws): ...", ["_census_of"]),
        ("class DoorSighting: ...", ["DoorSighting"]),
        ("self.spoils = TWINS", ["spoils", "TWINS"]),
        ("# the census\ncensuses = 'census'", []),
    ],
)
def test_a_private_word_is_found(code: str, names: list[str]) -> None:
    """In each form of a name; not in a comment, in a text, or inside of another word."""
    words = frozenset({"census", "sighting", "spoils", "twins"})
    assert [found.split()[1] for found in private_words(Source("dify_aws/it.py", code), words)] == names


def test_the_glossary_is_short() -> None:
    """Terms of our own are few, each with a reason and the nearest standard term; none is a word that was replaced."""
    rows = re.findall(r"^\| (?!term |---)(.+) \|$", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)
    cells = [row.split(" | ") for row in rows]
    assert 0 < len(cells) <= 15
    assert all(len(row) == 4 and all(row) for row in cells)
    assert not {row[0] for row in cells} & set(PRIVATE)
