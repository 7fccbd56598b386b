"""LastLogLines: the end of the log of a container."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dify_aws.host.fact import Answer, Fact
from dify_aws.host.script import script
from dify_aws.runtimes.compose.project import PROJECT

LINES: Final = 10

# $1: the service, $2: how many lines.
SCRIPT: Final = f"""\
docker ps --all --quiet --filter label=com.docker.compose.project={PROJECT} \\
    --filter "label=com.docker.compose.service=$1" --filter label=com.docker.compose.oneoff=False |
    head -n 1 | xargs --no-run-if-empty docker logs --tail "$2" 2>&1
true
"""


@dataclass(frozen=True)
class LastLogLines(Fact[str]):
    """What has this container said last? A program may say anything, so no message shows it without a mask."""

    service: str

    @property
    def secret(self) -> bool:
        return True

    @property
    def name(self) -> str:
        return f"log of {self.service}"

    @property
    def script(self) -> str:
        return script(SCRIPT, self.service, str(LINES))

    def read(self, answer: Answer) -> str:
        return answer.text
