"""Faults: what can go wrong between a process and AWS, armed by a test and then happening by itself."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass, field
from typing import Literal

from dify_aws.offline.calls import Call

When = Literal["kill_before", "kill_after", "refuse", "lose_answer", "server_error"]


_FOR_EVER = sys.maxsize


class ProcessKilled(BaseException):
    """The process is dead. Not an Exception, so that no `except Exception` can bring it back to life."""


@dataclass
class Fault:
    """One armed fault: it happens at the `nth` matching call from now on, and at `times` calls in all."""

    when: When
    operation: str
    nth: int = 1
    times: int = 1
    code: str = ""
    message: str = ""
    status: int = 400
    _seen: int = field(default=0, repr=False)

    def strikes(self, call: Call) -> bool:
        """Count `call` if it is one of ours, and say whether this is the moment."""
        if not self._matches(call):
            return False
        self._seen += 1
        return self.nth <= self._seen < self.nth + self.times

    def takes_back(self, call: Call) -> None:
        """Do not count `call` after all."""
        if self._matches(call):
            self._seen -= 1

    def _matches(self, call: Call) -> bool:
        return self.operation in (call.operation, str(call))


class Faults:
    """The fault kit of one process. A new process (`world.restart()`) has a new and empty one.

    `operation` is a name as botocore says it ("CreateVpc"), or with boto3's name of the service ("ec2.CreateTags").
    `nth` counts from the moment of arming, and counts what is sent: a retry by botocore is one more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._armed: list[Fault] = []
        self._kills: list[str] = []

    @property
    def deaths(self) -> list[str]:
        """What the process has died of. It can be more than one thing: threads reach their calls at the same time."""
        with self._lock:
            return list(self._kills)

    def kill_before(self, operation: str, nth: int = 1) -> None:
        """The process dies right before the call is sent: AWS never hears of it, nor of any later one like it."""
        # Another thread may be on the way to the next such call at this very moment.
        self._arm(Fault("kill_before", operation, nth, _FOR_EVER))

    def kill_after(self, operation: str, nth: int = 1) -> None:
        """AWS does what the call asks for, and the process dies before it reads the answer. A refused call is none."""
        self._arm(Fault("kill_after", operation, nth))

    def refuse(
        self, operation: str, code: str, message: str = "", times: int = 1, status: int = 400, nth: int = 1
    ) -> None:
        """AWS answers with the error `code` and does nothing, `times` times in a row."""
        self._arm(Fault("refuse", operation, nth, times, code, message or f"{code} (a fault of the fault kit)", status))

    def lose_answer(self, operation: str, nth: int = 1) -> None:
        """AWS does what the call asks for, but the connection closes before there is an answer. The process lives."""
        self._arm(Fault("lose_answer", operation, nth))

    def server_error(self, operation: str, nth: int = 1) -> None:
        """AWS does what the call asks for, but answers with 500 InternalError."""
        code, message = "InternalError", "An internal error has occurred"
        self._arm(Fault("server_error", operation, nth, code=code, message=message, status=500))

    def disarm(self) -> None:
        """Forget every fault that has not happened. The dead stay dead."""
        with self._lock:
            self._armed.clear()

    def kill(self, why: str) -> None:
        """End the process: from now on every call of it raises `Died`, in any thread."""
        with self._lock:
            self._kills.append(why)

    def breathe(self) -> None:
        """Raise `Died` if the process is dead."""
        if self._kills:
            raise ProcessKilled(self._kills[0])

    def striking(self, call: Call) -> list[Fault]:
        """The faults that happen at this `call` as it is sent; each armed fault has counted it."""
        with self._lock:
            return [fault for fault in self._armed if fault.when != "kill_after" and fault.strikes(call)]

    def answered(self, call: Call, *, refused: bool) -> bool:
        """Whether the process dies of the answer to `call`. One that AWS has refused counts for nothing."""
        with self._lock:
            if refused:
                for fault in self._armed:
                    if fault.when == "kill_before":
                        fault.takes_back(call)
                return False
            # Each of them counts it, so not the first one only.
            deaths = [fault.strikes(call) for fault in self._armed if fault.when == "kill_after"]
            return any(deaths)

    def _arm(self, fault: Fault) -> None:
        if fault.nth < 1 or fault.times < 1:
            raise ValueError(f"nth and times count from 1: {fault}")
        with self._lock:
            self._armed.append(fault)
