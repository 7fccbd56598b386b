"""What every functional test begins with: an empty AWS inside this process."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from dify_aws.offline import offline
from dify_aws.offline.world import World

# Each client holds the model of a whole service: with Python's own thresholds a third of the time of these tests goes
# into looking for garbage among it.
gc.set_threshold(50_000, 50, 100)


@pytest.fixture
def world() -> Iterator[World]:
    with offline() as world:
        yield world
