"""Faults: failures between a process and AWS. A test sets them, and they occur at the matching call."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass, field
from typing import Literal

from dify_aws.offline.calls import Call

When = Literal["kill_before", "kill_after", "refuse", "lose_answer", "server_error"]


_ALWAYS = sys.maxsize


class ProcessKilled(BaseException):
    """The process was killed. It is not an Exception, so that no `except Exception` catches it."""


@dataclass
class Fault:
    """One fault that was set: it occurs from the `nth` matching call on, at `times` calls."""

    when: When
    operation: str
    nth: int = 1
    times: int = 1
    code: str = ""
    message: str = ""
    status: int = 400
    _seen: int = field(default=0, repr=False)

    def occurs(self, call: Call) -> bool:
        """Count the call if it matches, and say whether the fault occurs now."""
        if not self._matches(call):
            return False
        self._seen += 1
        return self.nth <= self._seen < self.nth + self.times

    def uncount(self, call: Call) -> None:
        """Undo the counting of a call."""
        if self._matches(call):
            self._seen -= 1

    def _matches(self, call: Call) -> bool:
        return self.operation in (call.operation, str(call))


class Faults:
    """The faults of one process. A new process (`world.restart()`) has none.

    Each method has the arguments `operation`, a name of botocore ("CreateVpc"), also with boto3's name of the service
    ("ec2.CreateTags"), and `nth`, counted from now. Requests are counted: a retry by botocore counts again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[Fault] = []
        self._kills: list[str] = []

    @property
    def kills(self) -> list[str]:
        """Why the process was killed. There can be several reasons, because threads send calls at the same time."""
        with self._lock:
            return list(self._kills)

    def kill_before(self, operation: str, nth: int = 1) -> None:
        """Kill the process before the call is sent: AWS does not receive it, nor any later call of this operation."""
        # Another thread may be about to send the next such call.
        self._arm(Fault("kill_before", operation, nth, _ALWAYS))

    def kill_after(self, operation: str, nth: int = 1) -> None:
        """Kill the process after AWS has executed the call. Refused calls do not count."""
        self._arm(Fault("kill_after", operation, nth))

    def refuse(
        self, operation: str, code: str, message: str = "", times: int = 1, status: int = 400, nth: int = 1
    ) -> None:
        """AWS responds with an error and does nothing.

        Args:
            operation: the operation.
            code: the error code.
            message: the error message.
            times: for how many calls.
            status: the HTTP status.
            nth: from which call on.
        """
        self._arm(Fault("refuse", operation, nth, times, code, message or f"{code} (an injected fault)", status))

    def lose_answer(self, operation: str, nth: int = 1) -> None:
        """AWS executes the call, but the connection is closed before the response. The process continues."""
        self._arm(Fault("lose_answer", operation, nth))

    def server_error(self, operation: str, nth: int = 1) -> None:
        """AWS executes the call, but responds with 500 InternalError."""
        code, message = "InternalError", "An internal error has occurred"
        self._arm(Fault("server_error", operation, nth, code=code, message=message, status=500))

    def disarm(self) -> None:
        """Remove all faults that have not occurred. A killed process stays killed."""
        with self._lock:
            self._armed.clear()

    def kill(self, why: str) -> None:
        """Kill the process: from now on all its calls raise `ProcessKilled`, in every thread.

        Args:
            why: the reason, for the message.
        """
        with self._lock:
            self._kills.append(why)

    def raise_if_killed(self) -> None:
        """Raise `ProcessKilled` if the process was killed."""
        if self._kills:
            raise ProcessKilled(self._kills[0])

    def matching(self, call: Call) -> list[Fault]:
        """The faults that occur when this call is sent. Every fault counts the call.

        Args:
            call: the call.
        """
        with self._lock:
            return [fault for fault in self._armed if fault.when != "kill_after" and fault.occurs(call)]

    def answered(self, call: Call, *, refused: bool) -> bool:
        """Whether the process is killed after this call.

        Args:
            call: the call that AWS has answered.
            refused: whether AWS refused it; then it does not count.
        """
        with self._lock:
            if refused:
                for fault in self._armed:
                    if fault.when == "kill_before":
                        fault.uncount(call)
                return False
            # A list, because every fault has to count the call.
            kills = [fault.occurs(call) for fault in self._armed if fault.when == "kill_after"]
            return any(kills)

    def _arm(self, fault: Fault) -> None:
        if fault.nth < 1 or fault.times < 1:
            raise ValueError(f"nth and times count from 1: {fault}")
        with self._lock:
            self._armed.append(fault)
