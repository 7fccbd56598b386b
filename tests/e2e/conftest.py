"""The bed as a fixture: one for each module, so that tests of a module share what takes seconds to boot."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.bed.bed import Bed
from tests.e2e.bed.needs import missing

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All that is here has the mark; this is called with the items of all folders."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def able() -> None:
    """That a bed can be raised here. Skips where it cannot, but never in CI."""
    if lacking := missing():
        why = f"the bed needs {', '.join(lacking)}"
        if os.environ.get("CI"):
            pytest.fail(why, pytrace=False)
        pytest.skip(why)


@pytest.fixture(scope="module")
def bed(able: None) -> Iterator[Bed]:
    """A machine, fresh for this module."""
    with Bed() as raised:
        yield raised
