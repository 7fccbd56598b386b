"""ShellHost: all that a host can do, said in shell, over the one verb ``run`` that each kind of connection brings."""

from __future__ import annotations

import logging
import secrets
import shlex
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Final

from dify_aws.host import masked_log
from dify_aws.host.errors import CommandFailed, CommandTimedOut, ConnectionLost, FactUnreadable
from dify_aws.host.fact import FACT_SECONDS, TIMED_OUT, Answer, Fact, Facts
from dify_aws.host.host import COMMAND_SECONDS, NO_STATUS, Host, Result

REPEATS: Final = 3
"""How often a lost command is run again, where that does no harm."""

LONGEST_SCRIPT: Final = 100_000
"""Bytes. Linux takes no single argument of 128 KiB or more: https://man7.org/linux/man-pages/man2/execve.2.html"""

ABSENT: Final = 66
"""EX_NOINPUT of sysexits.h."""

# Written beside its target, so that the rename is one step on one file system. The size is counted because a
# connection that is cut looks to `cat` like the end of the data. mktemp makes it 0600, for nobody else to open
# meanwhile. What an earlier run left half done goes away.
WRITE: Final = """\
rm -f -- {temporary}.*
temporary=$(mktemp -- {temporary}.XXXXXXXX)
trap 'rm -f -- "$temporary"' EXIT
cat >"$temporary"
arrived=$(stat -c %s -- "$temporary")
if [ "$arrived" -ne {size} ]; then echo "only $arrived of {size} bytes arrived" >&2; exit 74; fi
chown -- {owner} "$temporary"
chmod -- {mode:04o} "$temporary"
sync -- "$temporary"
mv -fT -- "$temporary" {path}
sync -- {directory}
"""

# Without -e: a fact tells by its status as well. In a process of its own, so that none disturbs the next.
ASK: Final = """\
timeout --kill-after=5 {seconds} bash --norc -uo pipefail -c {script} </dev/null || status=$?
printf '\\n{mark} %d\\n' "${{status:-0}}"; printf '\\n{mark}\\n' >&2; unset status
"""

log = logging.getLogger(__name__)


class ShellHost(Host, ABC):
    """Base of every host that has a real shell: the rest of the Host protocol over :meth:`execute`."""

    end_seconds: float = 10.0
    """How long a command may take to end when its time is over, before it is killed."""

    @property
    @abstractmethod
    def where(self) -> str:
        """Which host this is, in every message."""

    @abstractmethod
    def execute(self, script: str, command: str, *, stdin: bytes, timeout: float, secret: bool) -> Result:
        """Give ``command`` to the login shell of the host, and wait for its end. ``script`` is how to call it.

        Raises:
            ConnectionLost: nobody knows whether it was done.
            HostError: it was not even begun.
        """

    def run(
        self,
        script: str,
        *,
        stdin: bytes | None = None,
        sudo: bool = True,
        timeout: float = COMMAND_SECONDS,
        secret: bool = False,
        again: bool = False,
    ) -> Result:
        """See :meth:`dify_aws.host.host.Host.run`."""
        data = stdin or b""
        command = command_line(script, sudo=sudo, timeout=timeout, end=self.end_seconds)
        masked_log.command(self.where, script, len(data))
        repeats = REPEATS if again else 0
        while True:
            try:
                result = self.execute(script, command, stdin=data, timeout=timeout, secret=secret)
            except ConnectionLost as error:
                if not repeats:
                    raise
                repeats -= 1
                log.debug("%s", error)
            else:
                masked_log.result(self.where, result)
                return _ended_in_time(self.where, result, timeout)

    def read(self, path: str) -> bytes | None:
        """See :meth:`dify_aws.host.host.Host.read`."""
        name = shlex.quote(path)
        result = self.run(f"[ -e {name} ] || exit {ABSENT}\ncat -- {name}", secret=True, again=True)
        if result.status == ABSENT:
            return None
        if not result.ok:
            # What cat says of an error is no content of the file.
            raise CommandFailed(self.where, Result(result.command, result.status, err=result.err))
        return result.out

    def write(self, path: str, data: bytes, *, mode: int = 0o644, owner: str = "root:root") -> None:
        """See :meth:`dify_aws.host.host.Host.write`."""
        directory, _, name = path.rpartition("/")
        self.must(
            WRITE.format(
                temporary=shlex.quote(f"{directory}/.{name}.dify-aws"),
                size=len(data),
                owner=shlex.quote(owner),
                mode=mode,
                path=shlex.quote(path),
                directory=shlex.quote(directory or "/"),
            ),
            stdin=data,
            again=True,
        )

    def ask(self, facts: Iterable[Fact[Any]]) -> Facts:
        """See :meth:`dify_aws.host.host.Host.ask`."""
        requested = list(dict.fromkeys(facts))
        if not requested:
            return Facts(self.where, {})
        # Nobody can know the mark beforehand, so no answer can hold it.
        mark = f"--{secrets.token_hex(16)}--"
        parts = (ASK.format(seconds=FACT_SECONDS, script=shlex.quote(fact.script), mark=mark) for fact in requested)
        # By stdin, since all the questions together may be longer than an argument can be.
        result = self.must(
            'eval "$(cat)"', stdin="".join(parts).encode(), secret=any(fact.secret for fact in requested), again=True
        )
        *outputs, rest = result.out.split(f"\n{mark} ".encode())
        *errors, _ = result.err.split(f"\n{mark}\n".encode())
        if not len(outputs) == len(errors) == len(requested):
            raise FactUnreadable(self.where, f"{len(requested)} facts were requested, and {len(outputs)} came back")
        return Facts(self.where, dict(zip(requested, _answers(outputs, errors, rest), strict=True)))


def _answers(outputs: list[bytes], errors: list[bytes], rest: bytes) -> Iterable[Answer]:
    """Behind each mark stands the status of what was said before it."""
    for place, err in enumerate(errors):
        out = outputs[place] if place == 0 else outputs[place].partition(b"\n")[2]
        behind = outputs[place + 1] if place + 1 < len(outputs) else rest
        yield Answer(out, int(behind.partition(b"\n")[0]), err)


def command_line(script: str, *, sudo: bool, timeout: float, end: float) -> str:
    """What the login shell of the host is given: the script, which is ended there when its time is over.

    It is asked to end after ``timeout`` seconds, and killed ``end`` seconds later.

    Raises:
        ValueError: the script is too long for an argument.
    """
    if len(script.encode()) > LONGEST_SCRIPT:
        raise ValueError(f"a script of {len(script)} characters is too long; give its data by stdin")
    arguments = ["sudo", "-n", "-H", "--"] if sudo else []
    # The same words in every language, because steps read them.
    arguments += ["env", "LC_ALL=C.UTF-8", "timeout", f"--kill-after={end:g}", f"{timeout:g}"]
    # --norc: on Debian and Ubuntu, bash under sshd reads ~/.bashrc even for -c.
    return shlex.join([*arguments, "bash", "--norc", "-euo", "pipefail", "-c", script])


def _ended_in_time(where: str, result: Result, timeout: float) -> Result:
    """The result, or CommandTimedOut if timeout(1) ended the command."""
    if result.status in (*TIMED_OUT, NO_STATUS) and result.seconds >= timeout:
        raise CommandTimedOut(
            where, result, wrong=f"was still running after {timeout:g} s and was ended", advice="Run again."
        )
    return result
