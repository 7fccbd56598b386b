"""Case: what the contract must know of one kind: a small stack with it, and what a person could do to it by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dify_aws import Actual, Resource
from dify_aws.offline.world import World


class Hand:
    """Somebody who works beside us, in the console or with the command line."""

    def __init__(self, world: World) -> None:
        self._world = world

    def client(self, service: str) -> Any:
        """boto3, without anything of ours between."""
        session: Any = self._world.session
        return session.client(service)

    def confirm(self, address: str) -> None:
        """Follow the link in the mail that SNS has sent to ``address``."""
        self._world.confirm_subscription(address)

    def wait(self) -> None:
        """Let a day go by, in which AWS finishes what it has begun."""
        self._world.clock.advance(86_400)


Drift = Callable[[Hand, Mapping[str, Actual], Actual], object]
"""Changes something behind our back: with that hand, knowing all that was found, and the thing itself."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One kind.

    ``stack`` has the thing last. ``drift`` are changes by hand, each under the field that it spoils (with a word in
    brackets where there are several); ``updates`` other wishes for what nobody can spoil by hand so that it can be
    mended; ``fixed`` another value for each field that AWS cannot change; ``untag`` takes our tags off; ``remove``
    deletes it by hand. ``prepare`` makes what must be there before and is nobody's of ours. ``delete_conflict`` is a
    deleting call, with the code by which AWS refuses it for a while.
    """

    stack: Callable[[], Sequence[Resource]]
    remove: Drift
    tag: Callable[[Hand, Actual, str, str], object]
    untag: Callable[[Hand, Actual, Sequence[str]], object]
    drift: Mapping[str, Drift] = field(default_factory=dict)
    updates: Mapping[str, Any] = field(default_factory=dict)
    fixed: Mapping[str, Any] = field(default_factory=dict)
    prepare: Callable[[Hand], object] = lambda hand: None
    delete_conflict: tuple[str, str] | None = None

    @property
    def kind(self) -> type[Resource]:
        return type(self.stack()[-1])

    @property
    def address(self) -> str:
        return self.stack()[-1].address
