"""Journal: what the bed's world was asked for, and Fault: what a test wants to go wrong there."""

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """What goes wrong with each request for which ``match`` is found in its ``host/path``.

    Args:
        match: a regular expression. A look-up of a name has the path ``/dns``.
        status: what is answered; 0 closes the connection without an answer, None answers as ever. A look-up of a name
            finds nothing, whatever the status is.
        seconds: how long it takes, before anything else.
        damaged: the last byte of what is answered is another one.
    """

    match: str
    status: int | None = None
    seconds: float = 0.0
    damaged: bool = False


@dataclass
class Journal:
    """Shared by all servers of a world."""

    faults: Sequence[Fault] = ()
    lines: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def requested(self, method: str, host: str, path: str) -> Fault | None:
        """Note a request, and tell what is to go wrong with it."""
        with self.lock:
            self.lines.append(f"{method} {host}{path}")
            return next((fault for fault in self.faults if re.search(fault.match, host + path)), None)
