"""Probe: one question to a running Dify, whether a part of it does what it is there for. It changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from dify_aws.change import Change
from dify_aws.host.errors import ContainerFailed
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Host
from dify_aws.host.script import script
from dify_aws.runtimes.compose.project import PROJECT
from dify_aws.runtimes.compose.steps.containers import RECOVERED_SECONDS, SETTLED_SECONDS

TIMEOUT_SECONDS: Final = 30
"""Some take a moment after their container is up. Less than a fact may take."""

LONGEST_OUTPUT: Final = 300

_STATE: Final = "{{.State.Status}} {{.RestartCount}} {{.State.ExitCode}} {{.State.StartedAt}}"

# $1: the service whose log tells why; $2: what the answer has to match; $3: the question; $4: for how many seconds it
# is asked again.
_SCRIPT: Final = f"""\
container() {{ docker ps --all --quiet --filter label=com.docker.compose.project={PROJECT} \\
    --filter "label=com.docker.compose.service=$1" --filter label=com.docker.compose.oneoff=False | head -n 1; }}
inside() {{ local at; at=$(container "$1"); shift; docker exec "$at" "$@"; }}
stays() {{
    local state restarts status began ran
    read -r state restarts status began <<<"$(docker inspect --format '{_STATE}' "$(container "$1")")"
    ran=$(($(date +%s) - $(date --date "$began" +%s)))
    if [ "$state" = running ] && [ "$ran" -ge $((restarts ? {RECOVERED_SECONDS} : {SETTLED_SECONDS})) ]; then echo stays
    else echo "$state; ended $restarts times, the last with exit status $status; started $ran s ago"; fi
}}
until said=$(eval "$3" 2>&1) && grep -Eq -- "$2" <<<"$said"; do
    if [ "$SECONDS" -ge "$4" ]; then
        printf '%s\\n\\n' "$(tr -s '\\n' <<<"$said")"
        docker logs --tail 20 "$(container "$1")" 2>&1
        exit 1
    fi
    sleep 0.5
done
"""


@dataclass(frozen=True)
class Answered:
    """What came of a probe; ``said`` is the answer, or what stood in its place, and ``log`` the end of the log."""

    ok: bool
    output: str = ""
    log: str = ""


@dataclass(frozen=True, kw_only=True)
class ProbeResult(Fact[Answered]):
    """Does it answer as it should? Asked again for some time, and then the log is fetched in the same breath."""

    about: str
    service: str
    question: str
    answer: str
    connect_seconds: int

    @property
    def name(self) -> str:
        return f"probe {self.about}"

    @property
    def script(self) -> str:
        return script(_SCRIPT, self.service, self.answer, self.question, str(self.connect_seconds))

    def read(self, answer: Answer) -> Answered:
        if answer.status == 0:
            return Answered(True)
        output, _, log = answer.text.partition("\n\n")
        return Answered(False, output.strip()[:LONGEST_OUTPUT], log)


@dataclass(frozen=True, kw_only=True)
class Probe:
    """One question.

    Args:
        about: what it shows when it goes well: "worker answers".
        service: whose log tells why, if it does not.
        question: bash, in which ``inside SERVICE COMMAND …`` runs a command in a container, and ``stays SERVICE`` says
            "stays" when one has run for a while. Never a secret in it: the containers know theirs, by their
            environment.
        answer: an extended regular expression, which the answer has to match.
        advice: what a person should do if it does not.
        patience_seconds: how long it is asked again, if it does not.
    """

    about: str
    service: str
    question: str = field(repr=False)
    answer: str
    advice: str
    connect_seconds: int = TIMEOUT_SECONDS
    needs: Sequence[str] | None = ()

    @property
    def name(self) -> str:
        return f"probe {self.about}"

    @property
    def _fact(self) -> ProbeResult:
        return ProbeResult(
            about=self.about,
            service=self.service,
            question=self.question,
            answer=self.answer,
            connect_seconds=self.connect_seconds,
        )

    def facts(self) -> Sequence[Fact[Any]]:
        return (self._fact,)

    def check(self, facts: Facts) -> Sequence[Change]:
        """Nothing, ever.

        Raises:
            ContainerFailed: it does not answer as it should.
        """
        found = facts[self._fact]
        if not found.ok:
            output = found.output or "nothing"
            raise ContainerFailed(
                facts.where,
                self.service,
                f"fails the probe “{self.about}”: it should say {self.answer!r}, and what came is:\n  {output}",
                log=found.log,
                advice=self.advice,
            )
        return ()

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """There is nothing to apply."""
