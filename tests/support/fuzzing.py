"""Fuzzing: how many examples a fuzz test tries: few and always the same ones in the suite, many and new ones otherwise.

`make fuzz` sets HYPOTHESIS_PROFILE=fuzz. A failure then prints the line that repeats it.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from typing import Any, Final

from hypothesis import settings
from hypothesis import strategies as st

MANY: Final = 25
"""How many times as many examples `make fuzz` tries in one round."""

settings.register_profile("suite", derandomize=True, deadline=None, database=None)
settings.register_profile("fuzz", derandomize=False, deadline=None, print_blob=True)


def examples(number: int) -> settings:
    """The settings of a test that tries so many examples in the suite."""
    profile = os.environ.get("HYPOTHESIS_PROFILE", "suite")
    return settings(settings.get_profile(profile), max_examples=number if profile == "suite" else number * MANY)


TEXTS: Final = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["", " ", "\x00", "\x1b[2J", "\ud800", "-1", "nan", "1e999", "9" * 5000, "[" * 3000, "{}", "null"]),
)
"""Texts that something else than expected may stand for."""


def deep(levels: int = 3000) -> Any:
    """A list in a list in a list."""
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


VALUES: Final = st.one_of(
    TEXTS,
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.binary(max_size=5),
    st.builds(list),
    st.builds(dict),
    st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=3),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    st.builds(deep),
)
"""Values that something else than expected may be."""

EDITS: Final = st.tuples(st.integers(0, 2**32), st.one_of(st.just(...), VALUES))
"""Which place of a value is edited, and what is put there; ``...`` takes it away."""


def edit(value: Any, how: tuple[int, Any]) -> None:
    """Change one place of a value of dicts and lists, at any depth."""
    places = list(_places(value))
    if not places:
        return
    container, key = random.Random(how[0]).choice(places)
    if how[1] is ...:
        del container[key]
    else:
        container[key] = how[1]


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    pending = [value]
    while pending:
        one = pending.pop()
        keys = list(one) if isinstance(one, dict) else range(len(one)) if isinstance(one, list) else ()
        for key in keys:
            yield one, key
            pending.append(one[key])
