"""Progress: what a person sees of a run, in a terminal and in a log."""

from __future__ import annotations

import io
import threading
import time

from rich.console import Console

from dify_aws import Progress
from dify_aws.events import Event


def lines(*events: Event) -> list[str]:
    """What a log gets."""
    log = io.StringIO()
    with Progress(Console(file=log, width=200)) as progress:
        for event in events:
            progress(event)
    return log.getvalue().splitlines()


def test_a_log_gets_a_line_for_each_end() -> None:
    """And one for the beginning, and one for the end of all; nothing for what only goes on."""
    assert lines(
        Event("planned", total=2, detail="2 to create", where="dify/dev"),
        Event("started", "vpc/main", "create", where="dify/dev"),
        Event("done", "vpc/main", "create", 3.2, where="dify/dev"),
        Event("started", "subnet/[public]", "create", where="dify/dev"),
        Event("failed", "subnet/[public]", "create", 1.0, detail="ec2.CreateSubnet: [no]\nmore", where="dify/dev"),
        Event("finished", seconds=5.0, detail="1 created", where="dify/dev"),
    ) == [
        "2 to create",
        "✓    3 s  + vpc/main",
        "✗    1 s  + subnet/[public]",
        "           ec2.CreateSubnet: [no]",
        "1 created in 5 s",
    ]


def test_who_is_waited_for_is_reported() -> None:
    waiting = Event("waiting", detail="alice@laptop (process 1): deploy since 10:00", where="dify/dev")
    assert lines(waiting) == ["waiting for alice@laptop (process 1): deploy since 10:00"]


def test_a_terminal_that_is_redrawn_meanwhile_holds_nobody_up() -> None:
    """rich redraws from a thread of its own, which takes its lock first; what is told takes ours first."""
    ended = threading.Event()

    def tell() -> None:
        with Progress(Console(force_terminal=True, file=io.StringIO())) as progress:
            live, stop = progress._live, threading.Event()
            assert live is not None

            def redraw() -> None:
                while not stop.is_set():
                    live.refresh()

            drawing = threading.Thread(target=redraw, daemon=True)
            drawing.start()
            for count in range(150):
                progress(Event("started", f"vpc/{count}", "create", where="dify/dev"))
                progress(Event("done", f"vpc/{count}", "create", where="dify/dev"))
            stop.set()
            drawing.join()
        ended.set()

    threading.Thread(target=tell, daemon=True).start()
    assert ended.wait(30), "two threads wait for each other"


def test_a_log_has_what_takes_long() -> None:
    """With the time so far, and how long AWS usually takes; what has just begun, or has ended, is not repeated."""
    log = io.StringIO()
    with Progress(Console(file=log, width=200)) as progress:
        began = time.monotonic()
        progress(Event("started", "nat-gateway/main", "create", usual=115, where="dify/dev"))
        progress(Event("started", "vpc/main", "create", where="dify/dev"))
        progress(Event("done", "vpc/main", "create", 1.0, where="dify/dev"))
        progress.remind(began + 20)
        progress.remind(began + 61)
    assert log.getvalue().splitlines() == ["✓    1 s  + vpc/main", "…   61 s  + nat-gateway/main (usually 115 s)"]


def test_a_terminal_shows_how_long_it_usually_takes() -> None:
    """Beside the time so far."""
    screen = Console(force_terminal=True, file=io.StringIO(), width=100)
    with Progress(screen) as progress:
        progress(Event("started", "nat-gateway/main", "create", usual=115, where="dify/dev"))
        progress._live.refresh()  # type: ignore[union-attr]
    assert "(usually 115 s)" in screen.file.getvalue()  # type: ignore[attr-defined]


def test_colour_that_is_forced_makes_no_terminal_of_a_log() -> None:
    """Lines are redrawn only where somebody looks at them."""
    log = io.StringIO()
    with Progress(Console(force_terminal=True, file=log, width=100), redraws=False) as progress:
        progress(Event("done", "vpc/main", "create", 1.0, where="dify/dev"))
    assert "\x1b[2K" not in log.getvalue()
    assert "\x1b[32m✓" in log.getvalue()
