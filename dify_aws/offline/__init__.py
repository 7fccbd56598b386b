"""The offline world: AWS inside this process, so that everything can be rehearsed without an account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dify_aws.offline.world import World

__all__ = ["offline"]


@contextmanager
def offline(*, region: str = "ap-northeast-1", speed: float = 4000) -> Iterator[World]:
    """Open an AWS that lives in this process: no network, no credentials, nothing of the machine's AWS settings.

    `region` is the region of `world.session`. `speed` is how many seconds of waiting for AWS (a NAT gateway takes two
    minutes) go by in one of ours; at 60 or so, progress can be watched. There can be one open world in a process at a
    time, because moto keeps its state in the process; RuntimeError says so. When the block ends, all in it is gone.

    Raises ModuleNotFoundError when moto is not installed (`pip install 'dify-aws[offline]'`).
    """
    try:
        # moto takes more than a second to import: only those who open a world pay for it.
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
