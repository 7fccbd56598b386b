"""Applied: how a run ended well: what was done, what is there now, and what was kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dify_aws.engine.plan import Action, Plan
from dify_aws.engine.resource import Actual
from dify_aws.presentation import NotebookMixin
from dify_aws.printable import printable


@dataclass(frozen=True)
class Applied(NotebookMixin):
    """``plan`` is what was done; ``found`` what is there now, by address. ``applied["vpc/main"].id`` is its id.

    ``failed`` is what work that is no resource has raised, by its name: what is in ``found`` is as wished for anyway.
    """

    plan: Plan
    found: Mapping[str, Actual] = field(default_factory=dict)
    seconds: float = 0.0
    failed: Mapping[str, Exception] = field(default_factory=dict)

    def __getitem__(self, address: str) -> Actual:
        return self.found[address]

    def __bool__(self) -> bool:
        """Whether anything was changed."""
        return bool(self.plan)

    @property
    def kept(self) -> tuple[Action, ...]:
        """What was left where it is: it holds data, or only its tags say that it is ours (``foreign``)."""
        return tuple(action for action in self.plan.actions if action.verb == "keep")

    def __str__(self) -> str:
        done = f"{self.plan.deployment} in {self.plan.region}: {self.plan.done()} ({self.seconds:.0f} s)"
        kept = [
            printable(
                f"kept, because it {action.why() if action.foreign else 'holds data'}: {action.address} ({action.id})"
            )
            for action in self.kept
        ]
        return "\n".join([done, *kept])

    def __rich__(self) -> Any:
        from rich.text import Text

        return Text(str(self))
