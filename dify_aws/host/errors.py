"""Every error of the installer: what can go wrong between here and the host, and on the host.

::

    HostError (DifyAwsError)             ``where`` says which host
    ├── Unreachable (ConnectionError)    no SSH answered within the patience that was given
    ├── HostKeyMismatch                  somebody answers with another key than the pinned one
    ├── AuthenticationRefused            the host does not accept our key for this user
    ├── SessionRefused                   it lets us in, and then runs no command
    ├── HostClosed                       it was used after close()
    ├── ConnectionLost (ConnectionError) the connection broke; what was under way may or may not have been done
    ├── CommandFailed                    a command ended with another status than 0
    │   └── CommandTimedOut (TimeoutError)
    ├── FactUnreadable                   the host answered a question in a way that nobody understands
    ├── ContainerFailed                  a container does not stay up, or does not do what it is there for
    ├── StepRefused                      the machine is not fit for a step; the step changed nothing
    ├── PackageUntrusted                 a download is not signed by whom it should be (steps/signed_package.py)
    ├── TunnelRefused                    AWS does not open the tunnel (tunnel.py)
    ├── StepNotConverged                 a step did all it can do, and it is still not as wished
    └── InstallFailed                    a run stopped on the way; its report tells what is done and what is not
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from dify_aws.change import Change
from dify_aws.errors import DifyAwsError

if TYPE_CHECKING:
    from dify_aws.host.host import Result
    from dify_aws.host.report import Report
    from dify_aws.host.ssh.host_key import HostKey

LAST_LINES: Final = 20
SCRIPT_LINES: Final = 6
MOST_LISTED: Final = 8


class HostError(DifyAwsError):
    """Something went wrong with a host. ``where`` is the host, as user@address."""

    def __init__(self, where: str, message: str) -> None:
        self.where = where
        super().__init__(f"{where}: {message}")


class Unreachable(HostError, ConnectionError):
    """No SSH server answered, or none that speaks to us, within the patience that was given."""

    def __init__(self, where: str, port: int, last: Exception, seconds: float | None = None) -> None:
        tried = "" if seconds is None else f" after {seconds:.0f} s of trying; the last try"
        super().__init__(
            where,
            f"no SSH{tried}: {_described(last)}\n"
            "Look whether the instance is running and has passed its status checks, whether its security group lets "
            f"this machine in on port {port}, and whether the address is still its own.",
        )


class HostKeyMismatch(HostError):
    """The host that answers is not the one that was pinned. Nothing was sent to it but the greeting of SSH."""

    def __init__(self, where: str, pinned: Sequence[str], presented: str) -> None:
        self.pinned = tuple(pinned)
        self.presented = presented
        super().__init__(
            where,
            "the host key has changed.\n"
            + "\n".join(f"  pinned: {fingerprint}" for fingerprint in self.pinned)
            + f"\n  met:    {presented}\n"
            "Either the machine was made anew, or somebody stands between you and it. Compare the second line with the "
            "fingerprint in the system log of the instance (EC2 console: Actions, Monitor and troubleshoot, Get system "
            "log). Only if it is the same one, pin it in place of the old (deployment.pin_host_key), and run again.",
        )


class AuthenticationRefused(HostError):
    """The host does not accept our key. It was asked once: a wrong key does not become right by waiting."""

    def __init__(self, where: str, user: str, key: HostKey) -> None:
        super().__init__(
            where,
            f"it does not accept the key {key.fingerprint} for the user {user!r}.\n"
            f"The public half of it has to be in ~{user}/.ssh/authorized_keys there. EC2 puts there the key pair that "
            "the instance was launched with, and no other one later.",
        )


class SessionRefused(HostError):
    """The host lets us in, and then runs no command."""

    def __init__(self, where: str, last: Exception) -> None:
        super().__init__(
            where,
            f"it lets us in and runs no command: {_described(last)}\n"
            "Look at MaxSessions and ForceCommand in its /etc/ssh/sshd_config, and at its journal (journalctl -u ssh).",
        )


class HostClosed(HostError):
    """Something was asked of a host after ``close()``."""

    def __init__(self, where: str) -> None:
        super().__init__(where, "the connection to it has been closed on our side")


class ConnectionLost(HostError, ConnectionError):
    """The connection broke while a command was under way: the host may or may not have done it."""

    def __init__(self, where: str, script: str) -> None:
        super().__init__(
            where,
            "the connection was lost while this was running, so nobody knows whether it was done:\n"
            f"{_indented(_first_lines(script))}\n"
            "Run again: what is done is found, and what is not is done then.",
        )


class CommandFailed(HostError):
    """A command ended badly. ``result`` has all that it said."""

    def __init__(self, where: str, result: Result, *, wrong: str = "", advice: str = "") -> None:
        self.result = result
        parts = [wrong or result.ending, _indented(_first_lines(result.command)), _output(result)]
        super().__init__(where, "\n".join([*parts, advice] if advice else parts))


class CommandTimedOut(CommandFailed, TimeoutError):
    """A command was still running when its time was over, and was ended."""


class FactUnreadable(HostError):
    """The host answered a question in a way that nobody understands."""


class ContainerFailed(HostError):
    """A container does not stay up, or does not do what it is there for. ``log`` has its last lines."""

    def __init__(self, where: str, service: str, wrong: str, *, log: str = "", advice: str = "") -> None:
        self.service = service
        self.log = log
        lines = log.strip().splitlines()[-LAST_LINES:]
        text = f"the last lines of its log:\n{_indented(chr(10).join(lines))}" if lines else "its log is empty"
        super().__init__(where, "\n".join(filter(None, (f"{service} {wrong}", text, advice))))


class StepRefused(HostError):
    """The machine is not fit for a step. The step changed nothing; the message says what to do."""


class StepNotConverged(HostError):
    """A step did all it can do, and it is still not as wished."""

    def __init__(self, where: str, step: str, left: Sequence[Change]) -> None:
        self.step = step
        self.left = tuple(left)
        super().__init__(
            where,
            f"{step} was applied without an error, and this is still not as wished:\n"
            + "\n".join(f"  {change}" for change in self.left)
            + "\nSomething else on the machine may be changing it back; look for it there, and run again.",
        )


class InstallFailed(HostError):
    """A run stopped on the way. ``report`` tells what is done, what failed (``failures``) and what was not tried."""

    def __init__(self, report: Report, failures: dict[str, Exception]) -> None:
        self.report = report
        self.failures = dict(failures)
        # As the report tells them: there, the secrets are masked.
        text = "\n".join(_indented(f"{step}: {report[step].error}") for step in self.failures)
        super().__init__(
            report.where,
            f"{len(self.failures)} failed:\n{text}\n"
            f"done: {len(report.named('done', 'already so'))} of {len(report)} steps\n"
            f"not tried: {_listed(report.named('not tried'))}\n"
            "Nothing is lost: mend the cause and run again to go on from here.",
        )


def _output(result: Result) -> str:
    """The last of what it said: what it said about errors, if it said anything about them."""
    if result.secret:
        return "what it said is not shown, because it may hold secrets"
    stream = "stderr" if result.stderr.strip() else "stdout"
    lines = getattr(result, stream).strip().splitlines()
    if not lines:
        return "it said nothing"
    text = f"the last {LAST_LINES} of {len(lines)} lines of {stream}" if len(lines) > LAST_LINES else stream
    return f"{text}:\n" + _indented("\n".join(lines[-LAST_LINES:]))


def _described(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _first_lines(script: str) -> str:
    lines = script.strip().splitlines()
    return "\n".join(lines[:SCRIPT_LINES] + (["…"] if len(lines) > SCRIPT_LINES else []))


def _indented(text: str) -> str:
    return "  " + text.replace("\n", "\n  ")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_LISTED
    return ", ".join(names[:MOST_LISTED]) + (f" and {more} more" if more > 0 else "") or "nothing"
