"""ProcessIdentity: which process of which machine holds a lock, so that the same machine can see that it is dead.

A process id alone says nothing: it is reused, and every container has a process 1. So the name of the machine, its
boot, the namespace of process ids and the time at which the process started belong to it, and all have to agree.
"""

from __future__ import annotations

import os
import socket
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final, Self

BOOT: Final = Path("/proc/sys/kernel/random/boot_id")
NAMESPACE: Final = "/proc/self/ns/pid"
STARTED: Final = 19
"""The place of the start time behind the name of the program: field 22 in
https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html"""


@dataclass(frozen=True)
class ProcessIdentity:
    """One process, in a way that no other one ever has.

    Args:
        host: the name of the machine.
        boot: the id of its boot.
        namespace: the namespace of its process ids.
        pid: its process id there.
        started: when it started, in the machine's own count since the boot.
    """

    host: str
    boot: str
    namespace: str
    pid: int
    started: str

    def __str__(self) -> str:
        return " ".join(map(str, astuple(self)))

    @classmethod
    def of_this_process(cls) -> Self | None:
        """The process that asks; None where the system does not tell (not Linux)."""
        try:
            place = cls._place()
            return cls(*place, os.getpid(), _started(os.getpid()))
        except (OSError, LookupError):
            return None

    @classmethod
    def read(cls, text: str) -> Self | None:
        """From its text; None if it is none."""
        words = text.split(" ")
        if (
            len(words) != 5
            or not all(words)
            or not (words[3].isascii() and words[3].isdecimal() and len(words[3]) < 10)
        ):
            return None
        return cls(words[0], words[1], words[2], int(words[3]), words[4])

    def has_ended(self) -> bool:
        """Whether it ran on this machine, since its last boot, and does not run any more. False if nobody can tell."""
        try:
            if (self.host, self.boot, self.namespace) != self._place() or self.pid < 1:
                return False
            os.kill(self.pid, 0)
            return _started(self.pid) != self.started
        except ProcessLookupError:
            return True
        except (OSError, LookupError):
            # Of another user, or of a system that does not tell.
            return False

    @staticmethod
    def _place() -> tuple[str, str, str]:
        host = socket.gethostname().replace(" ", "-")
        return host, BOOT.read_text(encoding="ascii").strip(), os.readlink(NAMESPACE)


def _started(pid: int) -> str:
    # The name of the program is in parentheses, and may have any character.
    text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    return text.rpartition(")")[2].split()[STARTED]
