"""RunInterrupted: Ctrl-C ended a run: what is done, what is not, what costs money now, and how to resume."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dify_aws.pickling import Picklable


class RunInterrupted(Picklable, KeyboardInterrupt):
    """Ctrl-C ended a run. It is a KeyboardInterrupt, so `except Exception` does not catch it.

    What was done stays done: the next run finds it and goes on from there.

    Args:
        done: what was finished. Work whose failure was put aside until the end of the run is not among it.
        not_done: all other work of the run: interrupted, failed, or not started.
        found: what there is now, by address, as far as the run knows; for what it costs.

    Attributes:
        costs: what costs money now, in one line; empty if it is not known.
        resume: the call that resumes the run, as in "deploy()".
    """

    def __init__(self, done: Iterable[str], not_done: Iterable[str], found: Mapping[str, object] | None = None) -> None:
        self.done = tuple(done)
        self.not_done = tuple(not_done)
        self.found = dict(found or {})
        self.costs = ""
        self.resume = ""
        super().__init__("the run was interrupted")

    def __str__(self) -> str:
        how = f"run {self.resume} again" if self.resume else "run again"
        return "\n".join(
            (
                f"done: {', '.join(self.done) or 'nothing'}",
                f"not done: {', '.join(self.not_done) or 'nothing'}",
                f"{self.costs + ' ' if self.costs else ''}To resume, {how}.",
            )
        )
