"""The list of promises fits the code: each piece stands where the list says, and each test that it names is there."""

from __future__ import annotations

import re

import pytest

from tests.promises.promise import ROOT, Promise, promises, sample

ALL = promises()


@pytest.mark.parametrize("promise", ALL, ids=lambda promise: promise.promise)
def test_it_can_be_broken(promise: Promise) -> None:
    """In one place only, and noticed by tests that exist."""
    text = (ROOT / promise.file).read_text(encoding="utf-8")
    assert promise.mutated(text) != text
    for test in promise.tests:
        file, _, name = test.partition("::")
        source = (ROOT / file).read_text(encoding="utf-8")
        assert not name or re.search(rf"^(async )?def {re.escape(name.partition('[')[0])}\(", source, re.MULTILINE)


def test_each_is_one_of_its_kind() -> None:
    """No sentence and no mutation stands there twice."""
    assert len({promise.promise for promise in ALL}) == len(ALL)
    assert len({(promise.file, promise.before, promise.after) for promise in ALL}) == len(ALL)


def test_what_is_not_there_is_an_error() -> None:
    """A list that no longer fits the code would otherwise pass for one that is kept."""
    promise = Promise("p", "f", "before", "after", ("t",))
    for text in ("", "before before"):
        with pytest.raises(ValueError, match="times and not once"):
            promise.mutated(text)


def test_a_sample_follows_from_its_seed() -> None:
    """The same commit tries the same ones; another commit, others."""
    assert sample(ALL, 20, "a") == sample(ALL, 20, "a")
    assert sample(ALL, 20, "a") != sample(ALL, 20, "b")
    assert len(set(sample(ALL, 20, "a"))) == 20
