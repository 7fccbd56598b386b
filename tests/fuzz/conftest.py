"""What a fuzz test that asks AWS begins with: an empty AWS inside this process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dify_aws.offline import offline
from dify_aws.offline.world import World


@pytest.fixture
def world() -> Iterator[World]:
    with offline() as world:
        yield world
