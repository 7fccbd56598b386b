"""Progress: a listener that shows a run as it goes, live in a terminal, as plain lines in a notebook or a log."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from dify_aws.encoding import encodable
from dify_aws.engine.rendering import SIGNS
from dify_aws.events import Event

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live

REFRESH_PER_SECOND: Final = 8
REMINDER_SECONDS: Final = 30.0
"""How often a log is told what is still being worked on."""


class Progress:
    """Shows events as they come: what is being worked on and for how long, what is done, what failed.

    In a terminal the lines of what is going on are redrawn in place; elsewhere (a notebook, a CI log) each end is one
    line.

    >>> import dify_aws
    >>> with dify_aws.Progress() as progress:
    ...     deployment = dify_aws.Deployment(dify_aws.Settings(environment="dev"), listener=progress)

    Args:
        console: where to show it; by default rich's console on standard output.
        redraws: whether lines are redrawn in place; None: in what rich takes for a terminal, which with FORCE_COLOR is
            also a log.
    """

    def __init__(self, console: Console | None = None, *, redraws: bool | None = None) -> None:
        # rich takes a while to import: only those who look at progress pay for it.
        from rich.console import Console as NewConsole

        # Of a stream that has all characters, rich takes the one that is standard output at the moment.
        stream = encodable(sys.stdout)
        self.console = console or NewConsole(file=None if stream is sys.stdout else stream)
        if console is None and self.console.is_jupyter:
            # In a notebook rich redraws only with ipywidgets, which most do not have; so it gets the lines of a log.
            self.console = NewConsole(force_jupyter=False, force_terminal=False)
        self._redraws = redraws
        self._lock = threading.Lock()
        self._running: dict[tuple[str, str], tuple[str, float, float]] = {}
        self._ended = threading.Event()
        self._left: dict[str, int] = {}
        self._live: Live | None = None

    def __enter__(self) -> Self:
        from rich.live import Live as NewLive

        if self.console.is_terminal if self._redraws is None else self._redraws:
            self._live = NewLive(
                get_renderable=self._picture,
                console=self.console,
                refresh_per_second=REFRESH_PER_SECOND,
                transient=True,
            )
            self._live.start()
        else:
            self._ended.clear()
            threading.Thread(target=self._remind_until_the_end, name="dify-aws-progress", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self._live:
            self._live.stop()
            self._live = None

    def remind(self, now: float | None = None) -> None:
        """Show what has been worked on for a while, in lines, as a log gets them from time to time.

        Args:
            now: by the monotonic clock; None: this moment.
        """
        now = time.monotonic() if now is None else now
        with self._lock:
            for (_, address), (verb, began, usual) in self._running.items():
                if now - began >= REMINDER_SECONDS:
                    self._say(("…", "yellow"), *_work(verb, address, now - began, usual))

    def _remind_until_the_end(self) -> None:
        while not self._ended.wait(REMINDER_SECONDS):
            self.remind()

    def __call__(self, event: Event) -> None:
        """Take one event. Several threads may call it."""
        with self._lock:
            match event.moment:
                case "waiting":
                    self._say(("waiting for ", "yellow"), (event.detail, ""))
                case "relocating":
                    self._say((event.detail, "yellow"))
                case "planned":
                    # A run of the same name that was interrupted tells nothing of its end.
                    self._left = {**self._left, event.where: event.total}
                    self._running = {key: work for key, work in self._running.items() if key[0] != event.where}
                    if event.total:
                        self._say((event.detail, "bold"))
                case "started":
                    began = {(event.where, _name(event)): (event.verb, time.monotonic(), event.usual)}
                    self._running = {**self._running, **began}
                case "done":
                    self._end(event, ("✓", "green"))
                case "failed":
                    self._end(event, ("✗", "red"))
                    self._say(("           " + event.detail.partition("\n")[0], "red"))
                case "finished":
                    worked = event.where in self._left and event.seconds >= 1
                    self._left = {where: left for where, left in self._left.items() if where != event.where}
                    self._say((event.detail, "bold"), *([(f" in {event.seconds:.0f} s", "dim")] if worked else []))

    def _end(self, event: Event, mark: tuple[str, str]) -> None:
        name = _name(event)
        if (event.where, name) in self._running:
            self._left = {**self._left, event.where: self._left.get(event.where, 1) - 1}
        self._running = {key: work for key, work in self._running.items() if key != (event.where, name)}
        self._say(mark, *_work(event.verb, name, event.seconds))

    def _say(self, *parts: tuple[str, str]) -> None:
        from rich.text import Text

        # Text, not markup: what AWS says may hold brackets.
        self.console.print(Text.assemble(*parts), soft_wrap=True)

    def _picture(self) -> Any:
        from rich.console import Group
        from rich.text import Text

        # Without our lock: rich asks for this while it holds one of its own, which whoever says a line has to wait for.
        # So what is drawn here is replaced by each event, and never changed.
        now, running, left = time.monotonic(), self._running, sum(self._left.values())
        lines = [
            Text.assemble(("◌", "yellow"), *_work(verb, address, now - began, usual))
            for (_, address), (verb, began, usual) in running.items()
        ]
        if left:
            lines.append(Text(f"{left} to go", style="dim"))
        return Group(*lines)


def _name(event: Event) -> str:
    """What is worked on: of a host, with the stage that it belongs to."""
    return f"{event.stage}: {event.address}" if event.stage else event.address


def _work(verb: str, address: str, seconds: float, usual: float = 0.0) -> tuple[tuple[str, str], ...]:
    expected = [(f" (usually {usual:.0f} s)", "dim")] if usual else []
    return (f"{seconds:>5.0f} s ", "dim"), (f" {SIGNS[verb]} {address}", ""), *expected
