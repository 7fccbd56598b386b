"""Promise: one sentence that the library keeps, one line that would break it, and the tests that notice."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
FILE: Final = Path(__file__).with_name("promises.toml")


@dataclass(frozen=True)
class Promise:
    """A mutation: in ``file``, ``before`` becomes ``after``, and each of ``tests`` has to fail.

    Args:
        promise: what the library promises, as a sentence.
        file: the file to change, from the root of the project.
        before: a piece of it that stands there exactly once.
        after: what takes its place.
        tests: test files or node ids of pytest; in each, at least one test has to fail.
    """

    promise: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]

    def mutated(self, text: str) -> str:
        """The text of the file with the promise broken.

        Raises:
            ValueError: the piece is not there, or more than once: the list has to follow the code.
        """
        if (count := text.count(self.before)) != 1:
            raise ValueError(f"{self.file} has this {count} times and not once: {self.before!r}")
        if self.before == self.after:
            raise ValueError("the mutation changes nothing")
        return text.replace(self.before, self.after)


def promises() -> list[Promise]:
    """All of the list.

    Raises:
        TypeError: an entry lacks a key, or has one too many.
    """
    with FILE.open("rb") as file:
        return [Promise(**{**each, "tests": tuple(each["tests"])}) for each in tomllib.load(file)["promise"]]


def sample(every: Sequence[Promise], count: int, seed: str) -> list[Promise]:
    """A part of the list, another one for each seed."""
    return random.Random(seed).sample(every, min(count, len(every)))
