"""OwnKernel: whether the machine has a kernel of its own. A container has its host's, and may not change it."""

from __future__ import annotations

from dataclasses import dataclass

from dify_aws.host.fact import Answer, Fact


@dataclass(frozen=True)
class OwnKernel(Fact[bool]):
    """Is the kernel this machine's own? https://systemd.io/CONTAINER_INTERFACE/"""

    name = "own kernel"
    script = "cat /run/systemd/container 2>/dev/null"

    def read(self, answer: Answer) -> bool:
        return answer.text == ""
