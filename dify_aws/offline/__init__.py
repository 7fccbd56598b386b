"""The offline world: an AWS inside this process, for rehearsals and tests without an account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dify_aws.offline.world import World

__all__ = ["offline"]


@contextmanager
def offline(*, region: str = "ap-northeast-1", speed: float = 4000) -> Iterator[World]:
    """Open an AWS inside this process: no network, no credentials, and no AWS settings of this computer.

    At the end of the block, everything in it is deleted.

    Args:
        region: the region of `world.session`.
        speed: seconds of waiting for AWS per real second (a NAT gateway takes two minutes). At about 60, the progress
            can be watched.

    Yields:
        The world.

    Raises:
        ModuleNotFoundError: moto is not installed (`pip install 'dify-aws[offline]'`).
        RuntimeError: a world is open already. moto keeps its state in the process, so there can be only one.
    """
    try:
        # moto takes more than a second to import, so it is imported only when a world is opened.
        from dify_aws.offline.world import open_world
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.startswith("dify_aws"):
            raise
        raise ModuleNotFoundError(
            f"The offline world needs {error.name}, which is not installed: pip install 'dify-aws[offline]'",
            name=error.name,
        ) from error
    with open_world(region, speed) as world:
        yield world
