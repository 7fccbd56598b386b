"""Every error of the installer: what can go wrong between here and the host, and on the host.

::

    HostError (DifyAwsError)             ``where`` says which host
    ├── Unreachable (ConnectionError)    no SSH answered within the time that was given
    ├── HostKeyMismatch                  the host presents another key than the pinned one
    ├── AuthenticationRefused            the host does not accept our key for this user
    ├── SessionRefused                   the login succeeds, and no command runs
    ├── HostClosed                       it was used after close()
    ├── ConnectionLost (ConnectionError) the connection broke; the running command may or may not have been done
    ├── CommandFailed                    a command ended with another status than 0
    │   └── CommandTimedOut (TimeoutError)
    ├── FactUnreadable                   the host's answer to a fact could not be parsed
    ├── ContainerFailed                  a container does not stay up, or does not do its task
    ├── StepRefused                      the host does not meet the requirements of a step; the step changed nothing
    ├── PackageUntrusted                 a download is not signed by its publisher (steps/signed_package.py)
    ├── TunnelRefused                    AWS does not open the tunnel (tunnel.py)
    ├── StepNotConverged                 a step was applied, and the host is still not as desired
    └── InstallFailed                    a run failed; its report has what is done and what is not
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from dify_aws.change import Change
from dify_aws.errors import DifyAwsError

if TYPE_CHECKING:
    from dify_aws.host.host import Result
    from dify_aws.host.report import Outcome, Report
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
    """No SSH server answered, or none that speaks to us, within the time that was given."""

    def __init__(self, where: str, port: int, last: Exception, seconds: float | None = None) -> None:
        tried = "" if seconds is None else f" after {seconds:.0f} s of trying; the last try"
        super().__init__(
            where,
            f"no SSH{tried}: {_described(last)}\n"
            "Check that the instance is running and has passed its status checks, that its security group allows "
            f"port {port} from this computer, and that the address is still its own.",
        )


class HostKeyMismatch(HostError):
    """The host that answers is not the one that was pinned. Nothing was sent to it but the SSH greeting."""

    def __init__(self, where: str, pinned: Sequence[str], presented: str) -> None:
        self.pinned = tuple(pinned)
        self.presented = presented
        super().__init__(
            where,
            "the host key has changed.\n"
            + "\n".join(f"  pinned:    {fingerprint}" for fingerprint in self.pinned)
            + f"\n  presented: {presented}\n"
            "Either the instance was recreated, or this is a man-in-the-middle attack. Compare the second line with "
            "the fingerprint in the system log of the instance (EC2 console: Actions, Monitor and troubleshoot, Get "
            "system log). Only if it is the same, pin it in place of the old one (deployment.pin_host_key). Run again.",
        )


class AuthenticationRefused(HostError):
    """The host does not accept our key. It is not tried again: waiting does not help."""

    def __init__(self, where: str, user: str, key: HostKey) -> None:
        super().__init__(
            where,
            f"it does not accept the key {key.fingerprint} for the user {user!r}.\n"
            f"The public half of it has to be in ~{user}/.ssh/authorized_keys there. EC2 puts the key pair there that "
            "the instance was launched with, and no other one later.",
        )


class SessionRefused(HostError):
    """The login succeeds, and then the host runs no command."""

    def __init__(self, where: str, last: Exception) -> None:
        super().__init__(
            where,
            f"the login succeeds, and no command runs: {_described(last)}\n"
            "Check MaxSessions and ForceCommand in its /etc/ssh/sshd_config, and its journal (journalctl -u ssh).",
        )


class HostClosed(HostError):
    """A host was used after ``close()``."""

    def __init__(self, where: str) -> None:
        super().__init__(where, "the connection to it has been closed on our side")


class ConnectionLost(HostError, ConnectionError):
    """The connection broke while a command was running: it may or may not have been done."""

    def __init__(self, where: str, script: str) -> None:
        super().__init__(
            where,
            "the connection was lost while this was running, so it is unknown whether it was done:\n"
            f"{_indented(_first_lines(script))}\n"
            "Run again: it continues with what is not done yet.",
        )


class CommandFailed(HostError):
    """A command failed. ``result`` has its whole output."""

    def __init__(self, where: str, result: Result, *, wrong: str = "", advice: str = "") -> None:
        self.result = result
        parts = [wrong or result.ending, _indented(_first_lines(result.command)), _output(result)]
        super().__init__(where, "\n".join([*parts, advice] if advice else parts))


class CommandTimedOut(CommandFailed, TimeoutError):
    """A command ran into its timeout, and was ended."""


class FactUnreadable(HostError):
    """The host's answer to a fact could not be parsed."""


class ContainerFailed(HostError):
    """A container does not stay up, or does not do its task. ``log`` has its last lines."""

    def __init__(self, where: str, service: str, wrong: str, *, log: str = "", advice: str = "") -> None:
        self.service = service
        self.log = log
        lines = log.strip().splitlines()[-LAST_LINES:]
        text = f"the last lines of its log:\n{_indented(chr(10).join(lines))}" if lines else "its log is empty"
        super().__init__(where, "\n".join(filter(None, (f"{service} {wrong}", text, advice))))


class StepRefused(HostError):
    """The host does not meet the requirements of a step. The step changed nothing; the message says what to do."""


class StepNotConverged(HostError):
    """A step was applied without an error, and the host is still not as desired."""

    def __init__(self, where: str, step: str, left: Sequence[Change]) -> None:
        self.step = step
        self.left = tuple(left)
        super().__init__(
            where,
            f"{step} was applied without an error, and this is still not as desired:\n"
            + "\n".join(f"  {change}" for change in self.left)
            + "\nSomething else on the machine may be changing it back. Find it, and run again.",
        )


class InstallFailed(HostError):
    """A run failed. ``report`` has what is done, what failed (``failures``) and what was not tried."""

    def __init__(self, report: Report, failures: dict[str, Exception]) -> None:
        self.report = report
        self.failures = dict(failures)
        # From the report, where secrets are masked.
        text = "\n".join(_indented(f"{_named(report[step])}: {report[step].error}") for step in self.failures)
        super().__init__(
            report.where,
            f"{len(self.failures)} failed:\n{text}\n"
            f"done: {len(report.named('done', 'already so'))} of {len(report)} steps\n"
            f"not tried: {_listed(report.named('not tried'))}\n"
            "Nothing is lost: fix the cause and run again to continue.",
        )


def _named(outcome: Outcome) -> str:
    return f"{outcome.stage}: {outcome.step}" if outcome.stage else outcome.step


def _output(result: Result) -> str:
    """The last lines of its output: of stderr, if there are any."""
    if result.secret:
        return "its output is not shown, because it may contain secrets"
    stream = "stderr" if result.stderr.strip() else "stdout"
    lines = getattr(result, stream).strip().splitlines()
    if not lines:
        return "no output"
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
