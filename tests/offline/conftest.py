"""What every test of the offline world begins with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from dify_aws.offline import offline
from dify_aws.offline.world import World
from tests.offline.place import Place, make_place

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client


@pytest.fixture
def world() -> Iterator[World]:
    with offline() as world:
        yield world


@pytest.fixture
def ec2(world: World) -> EC2Client:
    return world.session.client("ec2")


@pytest.fixture
def place(ec2: EC2Client) -> Place:
    return make_place(ec2)
