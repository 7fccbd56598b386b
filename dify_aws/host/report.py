"""Report: what came of a run on a host, step by step, as a value to print, save and compare."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias

from dify_aws.change import Change, shown
from dify_aws.host.content import Content, diff
from dify_aws.presentation import JsonMixin, NotebookMixin
from dify_aws.printable import printable

State: TypeAlias = Literal["done", "would change", "already so", "failed", "not tried"]

SIGNS: Final[dict[State, str]] = {"done": "~", "would change": "~", "already so": "=", "failed": "✗", "not tried": "·"}


@dataclass(frozen=True)
class Outcome:
    """What came of one step. It holds no secret: neither does ``error``, nor a change, nor a diff.

    ``stage`` is the stage of the installation that it belongs to, as in "dify/docker"; empty for a step by itself.
    """

    step: str
    state: State
    seconds: float = 0.0
    changes: tuple[Change, ...] = ()
    diffs: tuple[str, ...] = ()
    error: str = ""
    stage: str = ""

    def __str__(self) -> str:
        lines = [f"{SIGNS[self.state]} {self.step}" + (f"  {self.seconds:.1f} s" if self.state == "done" else "")]
        lines += [f"    {change}" for change in self.changes]
        lines += ["    " + text.replace("\n", "\n    ") for text in (*self.diffs, self.error) if text]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The outcome as plain values."""
        return {
            "step": self.step,
            "stage": self.stage or None,
            "state": self.state,
            "seconds": round(self.seconds, 3),
            "changes": [
                {"attribute": change.attribute, "before": change.before, "after": change.after}
                for change in self.changes
            ],
            "diffs": list(self.diffs),
            "error": self.error or None,
        }


def outcome(
    step: str,
    state: State,
    mask: Callable[[str], str],
    *,
    seconds: float = 0.0,
    changes: Sequence[Change] = (),
    error: str = "",
    stage: str = "",
) -> Outcome:
    """An outcome out of what a step said: contents become diffs, values become the text that they are shown as."""
    diffs = [
        diff(_content(change.before), _content(change.after), mask)
        for change in changes
        if isinstance(change.before, Content) or isinstance(change.after, Content)
    ]
    shown = [Change(change.attribute, _shown(change.before, mask), _shown(change.after, mask)) for change in changes]
    return Outcome(step, state, seconds, tuple(shown), tuple(map(printable, diffs)), printable(mask(error)), stage)


@dataclass(frozen=True)
class Report(JsonMixin, NotebookMixin):
    """What was done on a host, in the order of the list of steps. It is true if something was, or would be, changed.

    It prints as text, shows itself in a notebook and in rich, and :meth:`to_json` gives it to other programs.
    ``report["file /opt/dify/.env"]`` is the outcome of one step. ``images`` has the digest of each image that is used,
    by its reference; empty, where none is known.
    """

    where: str
    outcomes: tuple[Outcome, ...] = ()
    seconds: float = 0.0
    round_trips: int = 0
    dry_run: bool = False
    images: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __bool__(self) -> bool:
        return bool(self.named("done", "would change"))

    def __iter__(self) -> Iterator[Outcome]:
        return iter(self.outcomes)

    def __len__(self) -> int:
        return len(self.outcomes)

    def __getitem__(self, step: str) -> Outcome:
        return next(outcome for outcome in self.outcomes if outcome.step == step)

    def __str__(self) -> str:
        shown = [str(outcome) for outcome in self.outcomes if outcome.state != "already so"]
        return "\n".join([f"{self.where}: {self.summary()}", *shown])

    def named(self, *states: State) -> tuple[str, ...]:
        """The names of the steps that ended like this."""
        return tuple(outcome.step for outcome in self.outcomes if outcome.state in states)

    def summary(self) -> str:
        """One line: how many of each, and what it took."""
        counts = [(state, len(self.named(state))) for state in SIGNS]
        shown = ", ".join(f"{count} {state}" for state, count in counts if count) or "no steps"
        trips = "1 round trip" if self.round_trips == 1 else f"{self.round_trips} round trips"
        return f"{shown} ({self.seconds:.1f} s, {trips})"

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values."""
        return {
            "where": self.where,
            "summary": self.summary(),
            "dry_run": self.dry_run,
            "seconds": round(self.seconds, 3),
            "round_trips": self.round_trips,
            "images": dict(self.images),
            "outcomes": [outcome.to_dict() for outcome in self.outcomes],
        }

    def __rich__(self) -> Any:
        from dify_aws.host.report_rendering import render_report

        return render_report(self)


def replaced(first: Outcome | None, second: Outcome) -> Outcome:
    """What came of a step that was gone through again: all that was done to it.

    Args:
        first: what came of it before; None if it was not tried.
        second: what came of it now.
    """
    if first is None or first.state == "not tried":
        return second
    if second.state == "already so":
        return first
    return replace(
        second,
        seconds=first.seconds + second.seconds,
        changes=(*first.changes, *second.changes),
        diffs=(*first.diffs, *second.diffs),
    )


def _content(value: object) -> Content | None:
    return value if isinstance(value, Content) else None


def _shown(value: object, mask: Callable[[str], str]) -> str | None:
    return None if value is None else mask(shown(value))
